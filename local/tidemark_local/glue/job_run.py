"""One run of a Glue Spark job: fetches the script and its libraries, and runs them on the local Spark.

The driver is a fresh process for every run, with the credentials of the job's role in its environment: roles never
mix. Its executors are processes of their own, too (executors.py). Spark's S3 access is Iceberg's S3FileIO, pointed
at the local cloud; raw objects are read by scripts with boto3, which finds the local cloud by AWS_ENDPOINT_URL. States
follow "AWS Glue job run statuses" (https://docs.aws.amazon.com/glue/latest/dg/job-run-statuses.html).
"""

import logging
import os
import re
import shlex
import shutil
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ..eventbridge import state_events
from ..host.context import LocalContext
from ..host.log_stream import LogStream
from ..host.objects import DownloadError, fetch
from ..host.processes import ChildProcess
from ..host.role_session import RoleSession, trusts
from . import executors, jars, jdbc_driver
from .arguments import JobArguments
from .executors import CredentialsEndpoint

logger = logging.getLogger("tidemark.glue")
# Each driver may take 2 GB and both cores: more at once would only fight. Further runs wait, as with Glue's job
# queuing.
_DRIVERS = threading.BoundedSemaphore(2)
_STOP_SECONDS = 3
_DRIVER = Path(__file__).with_name("driver.py")
_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Iteration)|[A-Z]\w*)(: .*)?$")
_LOG4J = """rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


class GlueRun:
    """Runs one job run in a thread of its own. `record` is MiniStack's record of the run, which this keeps up to
    date.
    """

    def __init__(self, context: LocalContext, job: dict, record: dict, arguments: JobArguments, limit_seconds: float):
        self._context, self._job, self._record, self._arguments = context, job, record, arguments
        self._limit = limit_seconds
        self._stop = threading.Event()
        self._stderr: list[str] = []
        self.thread = threading.Thread(target=self._run, name=f"glue-{record['Id'][:12]}", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Asks the run to stop; returns at once. The run is STOPPING, then STOPPED."""
        self._enter("STOPPING")
        self._stop.set()

    def _run(self) -> None:
        run_id = self._record["Id"]
        root = Path(self._context.state_dir) / "glue" / run_id
        session = RoleSession(self._context, role_arn(self._context, self._job["Role"]))
        prefix = self._arguments.log_prefix
        self._output = LogStream(session, f"{prefix}/output", run_id)
        self._errors = LogStream(session, f"{prefix}/error", run_id)
        try:
            with _DRIVERS:
                state, message = self._execute(session, root)
        except (DownloadError, ClientError, BotoCoreError, jars.JarError, OSError) as error:
            state, message = "FAILED", f"LAUNCH ERROR | {error}"
        except Exception as error:
            logger.exception("job run %s", run_id)
            state, message = "FAILED", f"{type(error).__name__}: {error}"
        shutil.rmtree(root, ignore_errors=True)
        if message and message not in self._stderr:
            self._errors.write(message)
        self._output.close()
        self._errors.close()
        self._finish(state, message)

    def _execute(self, session: RoleSession, root: Path) -> tuple[str, str]:
        if not trusts(session.role_arn, "glue.amazonaws.com"):
            message = (
                f"LAUNCH ERROR | Role {session.role_arn} should be given assume role permissions for Glue Service."
            )
            return "FAILED", message
        root.mkdir(parents=True)
        s3 = session.client("s3")
        script = root / Path(self._job["Command"]["ScriptLocation"]).name
        fetch(s3, self._job["Command"]["ScriptLocation"], script)
        libraries = []
        for index, uri in enumerate(self._arguments.python_files):
            library = root / f"lib{index}" / uri.rsplit("/", 1)[-1]
            fetch(s3, uri, library)
            # A zip or egg is itself on the path, a plain module is found in its folder.
            libraries.append(str(library.parent if library.suffix == ".py" else library))
        for item in self._arguments.ignored:
            self._output.write(f"{item} is ignored by the local cloud: its packages come from the lock file.")
        credentials = CredentialsEndpoint(self._context.role_credentials(session.role_arn))
        try:
            env = session.environment()
            env.update(self._spark_environment(root, credentials))
            env["PYTHONPATH"] = ":".join(libraries)
            env.update(self._arguments.environment)
            if self._stop.is_set():
                return "STOPPED", ""
            self._enter("RUNNING")
            return self._watch(script, env, root)
        finally:
            credentials.close()
            self._tell_executors(session, root)

    def _tell_executors(self, session: RoleSession, root: Path) -> None:
        """Glue gives each executor a log stream beside the driver's."""
        for number, kind, lines in executors.output_of(root):
            group = "output" if kind == "stdout" else "error"
            stream = LogStream(session, f"{self._arguments.log_prefix}/{group}", f"{self._record['Id']}_{number}")
            for line in lines:
                stream.write(line)
            stream.close()

    def _spark_environment(self, root: Path, credentials: CredentialsEndpoint) -> dict[str, str]:
        own = executors.executor_environment(self._context.endpoint, credentials, self._arguments.executor_environment)
        spark_home = jars.spark_home()
        properties = root / "spark.properties"
        (root / "log4j2.properties").write_text(_LOG4J)
        settings = spark_settings(self._context, self._arguments, root)
        properties.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        return {
            "JAVA_HOME": str(executors.java_home(root, spark_home, _java(), own)),
            "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(properties))} pyspark-shell",
            "PYSPARK_PYTHON": str(self._context.python),
            "PYSPARK_DRIVER_PYTHON": str(self._context.python),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYTHONHASHSEED": "0",
            "TZ": "UTC",
        }

    def _watch(self, script: Path, env: dict[str, str], root: Path) -> tuple[str, str]:
        command = [str(self._context.python), str(_DRIVER), str(script), *self._arguments.script]
        process = ChildProcess(command, env=env, cwd=root, on_line=self._line)
        deadline = time.monotonic() + self._limit
        state = ""
        while process.running and not state:
            if self._stop.wait(0.05):
                state = "STOPPED"
            elif time.monotonic() > deadline:
                state = "TIMEOUT"
        if state:
            process.stop(_STOP_SECONDS)
            return (
                state,
                "" if state == "STOPPED" else f"Job run exceeded its timeout of {self._record['Timeout']} minutes",
            )
        code = process.wait(10)
        return ("SUCCEEDED", "") if code == 0 else ("FAILED", failure_message(self._stderr, code))

    def _line(self, stream: str, text: str) -> None:
        if stream == "stderr":
            self._stderr = [*self._stderr[-499:], text]
            self._errors.write(text)
        else:
            self._output.write(text)

    def _enter(self, state: str) -> None:
        self._record["JobRunState"], self._record["LastModifiedOn"] = state, time.time()

    def _finish(self, state: str, message: str) -> None:
        moment = time.time()
        if message:
            self._record["ErrorMessage"] = message
        self._record["ExecutionTime"] = int(moment - self._record["StartedOn"])
        self._record["CompletedOn"] = moment
        self._enter(state)
        # https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html
        severity = {"SUCCEEDED": "INFO", "STOPPED": "INFO", "TIMEOUT": "WARN"}.get(state, "ERROR")
        detail = {
            "jobName": self._record["JobName"],
            "severity": severity,
            "state": state,
            "jobRunId": self._record["Id"],
            "message": message or f"Job run {state.lower()}",
        }
        state_events.announce(self._context, "aws.glue", "Glue Job State Change", detail, [])


def _java() -> Path:
    """The java that JAVA_HOME or PATH names. Raises JarError where there is none."""
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None:
        raise jars.JarError("java was not found: install Java 17 and put it on the PATH, or set JAVA_HOME.")
    return Path(found).resolve()


def role_arn(context: LocalContext, role: str) -> str:
    """The ARN of a job's Role, which is "the name or Amazon Resource Name (ARN) of the IAM role"."""
    return role if role.startswith("arn:") else f"arn:aws:iam::{context.account}:role/{role}"


def failure_message(stderr: list[str], code: int | None) -> str:
    """The exception that ended the script: the last line of its last traceback, else the exit code."""
    start = next((i for i in range(len(stderr) - 1, -1, -1) if stderr[i].startswith("Traceback (most recent")), None)
    if start is not None:
        for line in stderr[start + 1 :]:
            if _EXCEPTION.match(line):
                return line
    return f"Command failed with exit code {code}"


def spark_settings(context: LocalContext, arguments: JobArguments, root: Path) -> dict[str, str]:
    """Spark's properties of a run: small for a laptop, the local cloud's endpoints, and the job's own `--conf` last.

    `glue_catalog` and every other catalog that `--conf` declares on Glue's catalog get the endpoints of the local
    cloud.
    """
    folder = Path(context.repo_root) / ".cache" / "jars"
    java = jars.java_options(folder) if arguments.iceberg else jars.RUNNING
    java += f" -Duser.timezone=UTC -Dlog4j2.configurationFile=file:{root / 'log4j2.properties'}"
    settings = {
        **executors.spark_settings(),
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(root / "spark"),
        "spark.sql.warehouse.dir": str(root / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if arguments.iceberg:
        # Behind the jars that the class-data archive knows.
        class_path = ":".join(map(str, [*jars.paths(folder), *jdbc_driver.fetched()]))
        settings |= {"spark.driver.extraClassPath": class_path, "spark.executor.extraClassPath": class_path}
    settings |= {"spark.driver.extraJavaOptions": java, "spark.executor.extraJavaOptions": java}
    catalogs = {"glue_catalog"} | {
        match.group(1)
        for key in arguments.conf
        if (match := re.fullmatch(r"spark\.sql\.catalog\.(\w+)\.catalog-impl", key))
    }
    for name in sorted(catalogs):
        settings |= {
            f"spark.sql.catalog.{name}.glue.endpoint": context.endpoint,
            f"spark.sql.catalog.{name}.s3.endpoint": context.endpoint,
            f"spark.sql.catalog.{name}.s3.path-style-access": "true",
            f"spark.sql.catalog.{name}.client.region": context.region,
        }
    return settings | arguments.conf
