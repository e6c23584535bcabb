"""One production variant of an endpoint: the model on disk, its process, and requests to it."""

import http.client
import logging
import queue
import shutil
import socket
import threading
import time
import uuid
from pathlib import Path

from ..context import LocalContext
from ..log_stream import LogStream
from ..processes import ChildProcess
from ..role_session import RoleSession
from .objects import DownloadError, fetch, unpack

logger = logging.getLogger("tidemark.sagemaker.variants")
_SERVE = str(Path(__file__).with_name("serve.py"))
# "your container … must respond to a ping within 2 s"; ContainerStartupHealthCheckTimeoutInSeconds allows 60 to 3,600
# s.
START_SECONDS = 240
# InvokeEndpoint: "model containers must respond to requests within 60 seconds".
RESPONSE_SECONDS = 60
# How long a variant that is replaced or deleted may go on with the requests it has.
DRAIN_SECONDS = 10


class StartError(Exception):
    """A variant did not come up; the message is the endpoint's FailureReason."""


class Variant:
    """A running variant. `start` returns when /ping answers, and raises StartError when it never does."""

    def __init__(self, context: LocalContext, endpoint: str, config: dict, model: dict):
        self.name: str = config["VariantName"]
        self.config, self.model = config, model
        self.weight: float = config.get("InitialVariantWeight", 1.0)
        self.instances: int = config.get("InitialInstanceCount", 1)
        # Of a fleet that an update made: its metrics also carry this dimension.
        self.config_name: str | None = None
        self._context, self._endpoint = context, endpoint
        self._session = RoleSession(context, model["ExecutionRoleArn"])
        instance = uuid.uuid4().hex[:16]
        self.root = Path(context.state_dir) / "sagemaker" / "endpoints" / endpoint / f"{self.name}-{instance}"
        self.log_group, self.log_stream = f"/aws/sagemaker/Endpoints/{endpoint}", f"{self.name}/i-{instance}"
        self._log = LogStream(self._session, self.log_group, self.log_stream)
        self._process: ChildProcess | None = None
        self._port = 0
        self._active, self._drained = 0, threading.Condition()
        self._idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()

    def start(self) -> None:
        container = self.model["_container"]
        code, program = self._load(container)
        self._port = _free_port()
        env = self._session.environment()
        env.update(
            SM_MODEL_DIR=str(self.root / "model"),
            SAGEMAKER_REGION=self._context.region,
            PYTHONPATH=str(code),
            **container.get("Environment", {}),
        )
        argv = [str(self._context.python), _SERVE, str(code), program, str(self.root / "model"), str(self._port)]
        self._process = ChildProcess(argv, env=env, cwd=code, on_line=lambda _, text: self._log.write(text))
        limit = self.config.get("ContainerStartupHealthCheckTimeoutInSeconds", START_SECONDS)
        if not self._healthy(limit):
            raise StartError(
                f"The primary container for production variant {self.name} did not pass the ping health check. "
                f"Please check "
                "CloudWatch logs for this endpoint."
            )

    def _load(self, container: dict) -> tuple[Path, str]:
        """Fetches model and sources with the model's role; the folder of the sources and the script in it."""
        environment = container.get("Environment", {})
        s3, url = self._session.client("s3"), container.get("ModelDataUrl")
        try:
            if url:
                fetch(s3, url, self.root / "model.tar.gz")
                unpack(self.root / "model.tar.gz", self.root / "model")
        except DownloadError as error:
            raise StartError(
                f'Failed to download model data for container "container_1" from URL: "{url}". Please ensure that '
                f"there is "
                "an object located at the URL and that the role passed to CreateModel has permissions to download the "
                f"object. ({error})"
            ) from error
        code, submitted = self.root / "model" / "code", environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        if submitted.startswith("s3://"):
            code = self.root / "code"
            try:
                fetch(s3, submitted, self.root / "sourcedir.tar.gz")
                unpack(self.root / "sourcedir.tar.gz", code)
            except DownloadError as error:
                raise StartError(f"Failed to download the sources of SAGEMAKER_SUBMIT_DIRECTORY: {error}") from error
        program = environment.get("SAGEMAKER_PROGRAM", "inference.py")
        if not (code / program).is_file():
            raise StartError(
                f"The primary container for production variant {self.name} has no script {program}: the local cloud "
                f"serves "
                "in script mode only. Set SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY, or put code/ into the "
                "model."
            )
        return code, program

    def _healthy(self, limit_seconds: float) -> bool:
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline and self._process and self._process.running:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2)
            try:
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return True
            except OSError:
                time.sleep(0.03)  # not listening yet: the script is still loading its model
            finally:
                connection.close()
        return False

    def take(self) -> None:
        """Counts a request in, before it is sent: `stop` waits for it. Every `take` is followed by one `give_back`."""
        with self._drained:
            self._active += 1

    def give_back(self) -> None:
        with self._drained:
            self._active -= 1
            self._drained.notify_all()

    def invoke(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower-case names) and body of the container's answer. Raises OSError or HTTPException."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=RESPONSE_SECONDS)
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection.request("POST", "/invocations", body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        return response.status, {name.lower(): value for name, value in response.getheaders()}, answer

    def stop(self) -> None:
        """Ends the process and removes its files. "SIGTERM … then SIGKILL 30 seconds later" is shortened: nothing is
        lost.
        """
        with self._drained:
            self._drained.wait_for(lambda: self._active == 0, DRAIN_SECONDS)
        if self._process:
            self._process.stop(2)
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._log.close()
        shutil.rmtree(self.root, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
