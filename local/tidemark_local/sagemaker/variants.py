"""One production or shadow variant of an endpoint: its container, and requests to it."""

import http.client
import queue
import socket
import threading
import uuid
from pathlib import Path

from ..host.context import LocalContext
from ..host.log_stream import LogStream
from ..host.role_session import RoleSession
from .capture import Capture
from .serving_container import ServingContainer
from .serving_container import StartError as StartError

# "your container … must respond to a ping within 2 s"; ContainerStartupHealthCheckTimeoutInSeconds allows 60 to 3,600
# s.
START_SECONDS = 240
# InvokeEndpoint: "model containers must respond to requests within 60 seconds".
RESPONSE_SECONDS = 60
# How long a variant that is replaced or deleted may go on with the requests it has.
DRAIN_SECONDS = 10


class Variant:
    """A running variant. `start` returns when /ping answers, and raises StartError when it never does."""

    def __init__(
        self,
        context: LocalContext,
        endpoint: str,
        config: dict,
        model: dict,
        capture: dict | None = None,
        shadow: bool = False,
    ):
        self.name: str = config["VariantName"]
        self.is_shadow = shadow
        self.config, self.model = config, model
        self.weight: float = config.get("InitialVariantWeight", 1.0)
        self.instances: int = 0 if config.get("ServerlessConfig") else config.get("InitialInstanceCount", 1)
        # Of a fleet that an update made: its metrics also carry this dimension.
        self.config_name: str | None = None
        self._context, self._endpoint = context, endpoint
        self._session = RoleSession(context, model["ExecutionRoleArn"])
        instance = uuid.uuid4().hex[:16]
        self.root = Path(context.state_dir) / "sagemaker" / "endpoints" / endpoint / f"{self.name}-{instance}"
        self.log_group, self.log_stream = f"/aws/sagemaker/Endpoints/{endpoint}", f"{self.name}/i-{instance}"
        self._log = LogStream(self._session, self.log_group, self.log_stream)
        self._container = ServingContainer(context, self._session, self.root, self.name, model["_container"], self._log)
        self._active, self._drained = 0, threading.Condition()
        self._capture_config = capture if capture and capture.get("EnableCapture", True) else None
        self.capture: Capture | None = None
        self._idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()

    def start(self) -> None:
        self._container.start(self.config.get("ContainerStartupHealthCheckTimeoutInSeconds", START_SECONDS))
        if self._capture_config:
            self.capture = Capture(self._context, self._session, self._capture_config, self._endpoint, self.name)

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
        connection = self._connection()
        try:
            connection.request("POST", "/invocations", body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        return response.status, {name.lower(): value for name, value in response.getheaders()}, answer

    def _connection(self) -> http.client.HTTPConnection:
        """An open connection to the container as it is now: it listens elsewhere after a restart."""
        while True:
            try:
                connection = self._idle.get_nowait()
            except queue.Empty:
                break
            if connection.port == self._container.port:
                return connection
            connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", self._container.port, timeout=RESPONSE_SECONDS)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def stop(self) -> None:
        """Lets running requests end, then ends the container and removes its files."""
        with self._drained:
            self._drained.wait_for(lambda: self._active == 0, DRAIN_SECONDS)
        self._container.stop()
        if self.capture:
            self.capture.stop()
        while not self._idle.empty():
            self._idle.get_nowait().close()
        self._log.close()
