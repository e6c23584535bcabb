"""One training job's run: download, script, upload.

The script runs under the contract of the XGBoost framework container in script mode, see container.py. Stopping follows
StopTrainingJob: "SageMaker AI sends the algorithm the SIGTERM signal, which delays job termination for 120 seconds.
Algorithms might use this 120-second window to save the model artifacts, so the results of the training is not lost."
"""

import logging
import re
import shutil
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ..eventbridge import state_events
from ..host.log_stream import LogStream
from ..host.objects import DownloadError, fetch, fetch_channel, unpack, upload_folder
from ..host.processes import ChildProcess
from ..host.role_session import RoleSession
from .container import HOST, TrainingRoot, arguments, own_hyperparameters
from .images import Image, MissingLibraryError, image_of
from .state import SageMakerState, now, selected

logger = logging.getLogger("tidemark.sagemaker.training")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
STOP_GRACE_SECONDS = 120
_FAILURE_LENGTH = 1024
_MESSAGES = {
    "Downloading": "Downloading the training image",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


class TrainingRun:
    """Runs one job in a thread of its own and keeps its record up to date."""

    def __init__(self, state: SageMakerState, job: dict):
        self._state, self._job = state, job
        self._stop, self._timed_out = threading.Event(), False
        self._process: ChildProcess | None = None
        self._lines: list[tuple[float, str]] = []
        self._stderr: list[str] = []
        threading.Thread(target=self._run, name=f"training-{job['TrainingJobName']}", daemon=True).start()

    def stop(self) -> None:
        """Asks the job to stop; returns at once."""
        self._stop.set()

    def _run(self) -> None:
        name = self._job["TrainingJobName"]
        root = Path(self._state.context.state_dir) / "sagemaker" / "training" / name
        session = RoleSession(self._state.context, self._job["RoleArn"])
        self._log = LogStream(session, LOG_GROUP, f"{name}/{HOST}-{int(time.time())}")
        try:
            self._train(session, TrainingRoot(root))
        except DownloadError as error:
            self._finish("Failed", f"ClientError: Data download failed:{error}")
        except (ClientError, BotoCoreError) as error:
            self._finish("Failed", f"ClientError: {error}")
        except Exception as error:
            logger.exception("training job %s", name)
            self._finish("Failed", f"InternalServerError: {type(error).__name__}: {error}")
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _train(self, session: RoleSession, root: TrainingRoot) -> None:
        job, s3 = self._job, session.client("s3")
        hyperparameters = job.get("HyperParameters", {})
        self._enter("Downloading")
        for channel in job.get("InputDataConfig", []):
            source = channel["DataSource"]["S3DataSource"]
            target = root.data / channel["ChannelName"]
            fetch_channel(s3, source, target, session.role_arn, self._state.context.region)
        root.write_config(job)
        program = hyperparameters.get("sagemaker_program", "").strip('"')
        if not program:
            self._finish(
                "Failed",
                "AlgorithmError: the local cloud trains in script mode only: set the hyperparameters "
                "sagemaker_program and sagemaker_submit_directory.",
            )
            return
        try:
            image = image_of(job["AlgorithmSpecification"].get("TrainingImage", ""), self._state.context.repo_root)
        except MissingLibraryError as error:
            self._finish("Failed", f"AlgorithmError: {error}")
            return
        self._fetch_sources(s3, hyperparameters.get("sagemaker_submit_directory", "").strip('"'), root)
        if image.as_module:
            # Imported here: it brings Flask, which only containers need.
            from .serve import prepare

            prepare(root.code, program.removesuffix(".py"), self._log.write)
        if not (root.code / program).is_file():
            self._finish("Failed", f"AlgorithmError: {program} is not in the sources of sagemaker_submit_directory.")
            return
        if self._stop.is_set():
            self._finish("Stopped")
            return
        own = own_hyperparameters(hyperparameters)
        code = self._execute(session, root, image, program, own)
        self._conclude(s3, root, program, own, code)

    def _fetch_sources(self, s3, submitted: str, root: TrainingRoot) -> None:
        if submitted.startswith("s3://"):
            archive = root.root / "sourcedir.tar.gz"
            fetch(s3, submitted, archive)
            unpack(archive, root.code)
        elif submitted.startswith("/opt/ml/"):
            shutil.copytree(root.local_path(submitted), root.code, dirs_exist_ok=True)
        else:
            raise DownloadError(f"sagemaker_submit_directory is '{submitted}': s3://…/sourcedir.tar.gz is expected.")

    def _execute(self, session: RoleSession, root: TrainingRoot, image: Image, program: str, own: dict) -> int:
        env = session.environment() | image.environment
        env.update(root.environment(self._job, program, own))
        env.update(self._job.get("Environment", {}))
        self._enter("Training")
        started = time.monotonic()
        with self._state.lock:
            self._job["TrainingStartTime"] = now()
        self._process = process = ChildProcess(
            [str(self._state.context.python), *image.command(program), *arguments(own)],  # in the folder of the sources
            env=env,
            cwd=root.code,
            on_line=self._line,
        )
        limit = self._job["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
        while process.running:
            if self._stop.wait(0.05):
                break
            if time.monotonic() - started > limit:
                self._timed_out = True
                break
        if process.running:
            self._enter("Stopping")
            process.stop(STOP_GRACE_SECONDS)
        code = process.wait(10)
        return -9 if code is None else code

    def _line(self, stream: str, text: str) -> None:
        self._lines.append((now(), text))
        if stream == "stderr":
            self._stderr = [*self._stderr[-19:], text]
        self._log.write(text)

    def _conclude(self, s3, root: TrainingRoot, program: str, own: dict, code: int) -> None:
        stopped = self._stop.is_set() or self._timed_out
        output = self._job["OutputDataConfig"]
        base = f"{output['S3OutputPath'].rstrip('/')}/{self._job['TrainingJobName']}/output"
        self._enter("Uploading")
        upload_folder(s3, root.output_data, f"{base}/output.tar.gz", output.get("KmsKeyId"))
        if code == 0 or stopped:
            model = f"{base}/model.tar.gz"
            if upload_folder(s3, root.model, model, output.get("KmsKeyId")):
                with self._state.lock:
                    self._job["ModelArtifacts"] = {"S3ModelArtifacts": model}
        if stopped:
            self._finish("MaxRuntimeExceeded" if self._timed_out else "Stopped")
        elif code == 0:
            self._finish("Completed")
        else:
            self._finish("Failed", f"AlgorithmError: {self._failure(root, program, own, code)}, exit code: {code}")

    def _failure(self, root: TrainingRoot, program: str, own: dict, code: int) -> str:
        """The text of output/failure, which the container writes from the script's error output when the script did
        not.
        """
        if not root.failure.is_file():
            message = "\n".join(self._stderr)
            command = " ".join(["python", program, *arguments(own)])
            root.failure.write_text(
                f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{message}"\nCommand "{command}"'
            )
        return root.failure.read_text(errors="replace")[: _FAILURE_LENGTH - 64]

    def _enter(self, status: str) -> None:
        with self._state.lock:
            moment, transitions = now(), self._job["SecondaryStatusTransitions"]
            transitions[-1]["EndTime"] = moment
            transitions.append({"Status": status, "StartTime": moment, "StatusMessage": _MESSAGES[status]})
            self._job["SecondaryStatus"], self._job["LastModifiedTime"] = status, moment

    def _finish(self, secondary: str, reason: str | None = None) -> None:
        if reason:
            self._log.write(reason)
        self._log.close()
        metrics = self._metrics()
        self._enter(secondary)
        with self._state.lock:
            moment = now()
            self._job["SecondaryStatusTransitions"][-1]["EndTime"] = moment
            self._job["TrainingEndTime"] = self._job["LastModifiedTime"] = moment
            if reason:
                self._job["FailureReason"] = reason[:_FAILURE_LENGTH]
            if metrics:
                self._job["FinalMetricDataList"] = metrics
            started = self._job.get("TrainingStartTime", moment)
            self._job["TrainingTimeInSeconds"] = self._job["BillableTimeInSeconds"] = max(1, round(moment - started))
            self._job["TrainingJobStatus"] = {"Completed": "Completed", "Failed": "Failed"}.get(secondary, "Stopped")
            detail = selected(
                self._job, "TrainingJobName", "TrainingJobArn", "TrainingJobStatus", "SecondaryStatus", "FailureReason"
            )
        context, kind = self._state.context, "SageMaker Training Job State Change"
        for metric in metrics:
            dimensions = {"TrainingJobName": detail["TrainingJobName"]}
            context.put_metric(LOG_GROUP, metric["MetricName"], dimensions, metric["Value"])
        state_events.announce(context, "aws.sagemaker", kind, detail, [detail["TrainingJobArn"]])

    def _metrics(self) -> list[dict]:
        """FinalMetricDataList: the last value of each metric, read from the log by its regular expression."""
        found = []
        for definition in self._job["AlgorithmSpecification"].get("MetricDefinitions", []):
            pattern = re.compile(definition["Regex"])
            for moment, line in reversed(self._lines):
                match = pattern.search(line)
                value = _number(match.group(1)) if match and match.groups() else None
                if value is not None:
                    found.append({"MetricName": definition["Name"], "Value": value, "Timestamp": moment})
                    break
        return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
