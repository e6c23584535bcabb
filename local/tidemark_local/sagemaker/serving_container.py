"""The container of one variant over its life: model data, process, health check, and again when it ends.

"Use Your Own Inference Code with Hosting Services"
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html): SageMaker downloads the model
with the execution role, starts the container, and asks /ping. A container that ends is started anew, as on a machine
that takes the place of another: its model is downloaded again, under what the role may do *then*.
"""

import http.client
import logging
import shutil
import socket
import threading
import time
from pathlib import Path

from ..host.context import LocalContext
from ..host.log_stream import LogStream
from ..host.objects import DownloadError, fetch, unpack
from ..host.processes import ChildProcess
from ..host.role_session import RoleSession

logger = logging.getLogger("tidemark.sagemaker.containers")
_SERVE = str(Path(__file__).with_name("serve.py"))
# A container that runs and answers /ping with errors is asked on until its time is over on AWS; here some are enough.
_FAILED_PINGS = 5
_LONGEST_PAUSE_SECONDS = 10
# The image's own variables (docker/xgboost/Dockerfile of aws/deep-learning-containers), and what `serve` sets where
# nobody did (serving.py).
_IMAGE = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "SAGEMAKER_TRAINING_MODULE": "sagemaker_xgboost_container.training:main",
    "SAGEMAKER_SERVING_MODULE": "sagemaker_xgboost_container.serving:main",
    "OMP_NUM_THREADS": "1",
}


class StartError(Exception):
    """A container did not come up; the message is the endpoint's FailureReason."""


class ServingContainer:
    """Started once by `start`, then kept running until `stop`. `root` stands for /opt/ml and holds a file `pid`."""

    def __init__(
        self, context: LocalContext, session: RoleSession, root: Path, variant: str, definition: dict, log: LogStream
    ):
        self.root, self.port = root, 0
        self._context, self._session, self._log = context, session, log
        self._variant, self._definition = variant, definition
        self._process: ChildProcess | None = None
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._up = self._exited = False
        self._limit = 0.0

    def start(self, limit_seconds: float) -> None:
        """Returns when /ping answers. Raises StartError when the model can't be had or that takes longer."""
        self._limit = limit_seconds
        self._boot()

    def stop(self) -> None:
        """Ends the process and removes its files. "SIGTERM … then SIGKILL 30 seconds later" is shortened: nothing is
        lost.
        """
        self._stopping.set()
        with self._lock:
            process = self._process
        if process:
            process.stop(2)
        shutil.rmtree(self.root, ignore_errors=True)

    def _boot(self) -> None:
        environment = self._definition.get("Environment", {})
        if not environment.get("SAGEMAKER_PROGRAM"):
            # The image would go into its algorithm mode, and know nothing of code/ in the model.
            raise StartError(
                f"The primary container for production variant {self._variant} has no SAGEMAKER_PROGRAM: the local "
                "cloud serves in script mode only. Set it and SAGEMAKER_SUBMIT_DIRECTORY."
            )
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "model").mkdir(parents=True)
        self._fetch_model()
        self._launch(environment)
        if self._healthy():
            with self._lock:
                if not self._exited:
                    self._up = True
                    return
        if self._process:
            self._process.stop(1)
        raise StartError(
            f"The primary container for production variant {self._variant} did not pass the ping health check. Please "
            "check CloudWatch logs for this endpoint."
        )

    def _fetch_model(self) -> None:
        url = self._definition.get("ModelDataUrl")
        if not url:
            return
        try:
            fetch(self._session.client("s3"), url, self.root / "model.tar.gz")
            unpack(self.root / "model.tar.gz", self.root / "model")
        except DownloadError as error:
            raise StartError(
                f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure that '
                "there is an object located at the URL and that the role passed to CreateModel has permissions to "
                f"download the object. ({error})"
            ) from error

    def _launch(self, environment: dict[str, str]) -> None:
        self.port = _free_port()
        env = self._session.environment() | _IMAGE
        env |= {"SAGEMAKER_BASE_DIR": str(self.root), "SM_MODEL_DIR": str(self.root / "model"), **environment}
        with self._lock:
            if self._stopping.is_set():
                raise StartError("The endpoint was deleted.")
            self._up = self._exited = False
            self._process = ChildProcess(
                [str(self._context.python), "-P", _SERVE, str(self.port)],
                env=env,
                cwd=self.root,
                on_line=lambda _, text: self._log.write(text),
                on_exit=self._ended,
            )
        (self.root / "pid").write_text(str(self._process.pid))

    def _healthy(self) -> bool:
        deadline, failed = time.monotonic() + self._limit, 0
        while time.monotonic() < deadline and failed < _FAILED_PINGS and self._process and self._process.running:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self._limit)
            try:
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return True
                failed += 1
            except (OSError, http.client.HTTPException):
                time.sleep(0.03)  # not listening yet: the sources are still being fetched
            finally:
                connection.close()
        return False

    def _ended(self, code: int) -> None:
        with self._lock:
            self._exited = True
            # What the local cloud itself ends, by an update or with everything else, stays ended.
            again = self._up and self._process is not None and not self._process.stopped
            self._up = False
        if again:
            threading.Thread(target=self._restart, args=(code,), name="container-restart", daemon=True).start()

    def _restart(self, code: int) -> None:
        self._log.write(f"The container ended with code {code}; it is started again.")
        pause = 0.5
        while not self._stopping.is_set():
            try:
                self._boot()
                return
            except StartError as error:
                self._log.write(str(error))
            except Exception:
                logger.exception("container of variant %s", self._variant)
            self._stopping.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
