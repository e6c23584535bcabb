"""Writes a job's output to CloudWatch Logs with the job's own role, as SageMaker and Glue do."""

import logging
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from .role_session import RoleSession

logger = logging.getLogger("tidemark.log_stream")
# PutLogEvents: at most 10,000 events and 1,048,576 bytes a batch, 26 bytes overhead an event, 256 KB an event
# (AmazonCloudWatchLogs API reference, PutLogEvents).
_BATCH_EVENTS, _BATCH_BYTES, _EVENT_OVERHEAD, _EVENT_BYTES = 10_000, 1_000_000, 26, 250_000


class LogStream:
    """One log stream. Lines are sent every half second and at `close`.

    A job goes on when its role may not write logs: the first failure is reported in the emulator's own log, the later
    lines are dropped. AWS behaves so too: a role without the logs permissions gives a job without logs.
    """

    def __init__(self, session: RoleSession, group: str, stream: str):
        self.group, self.stream = group, stream
        self._session = session
        self._lines: list[tuple[int, str]] = []
        self._lock, self._wake, self._closing, self._failed = threading.Lock(), threading.Event(), False, False
        self._thread = threading.Thread(target=self._run, name=f"logs-{stream}", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Takes one line; an empty line is left out, since CloudWatch Logs refuses empty messages."""
        if line:
            with self._lock:
                self._lines.append((int(time.time() * 1000), line))

    def close(self) -> None:
        """Sends what is left; returns when it is sent (at most 10 s)."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        created = False
        while True:
            closing = self._closing
            with self._lock:
                lines, self._lines = self._lines, []
            if lines and not self._failed:
                try:
                    if not created:
                        self._create()
                        created = True
                    self._send(lines)
                except (ClientError, BotoCoreError) as error:
                    self._failed = True
                    logger.warning("%s cannot write logs to %s: %s", self._session.role_arn, self.group, error)
            if closing:
                return
            self._wake.wait(0.5)

    def _create(self) -> None:
        logs = self._session.client("logs")
        # A role that may only write into its existing group needs no CreateLogGroup: try the stream first.
        try:
            logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        except logs.exceptions.ResourceNotFoundException:
            try:
                logs.create_log_group(logGroupName=self.group)
            except logs.exceptions.ResourceAlreadyExistsException:
                logger.debug("log group %s was created meanwhile", self.group)
            logs.create_log_stream(logGroupName=self.group, logStreamName=self.stream)
        except logs.exceptions.ResourceAlreadyExistsException:
            logger.debug("log stream %s exists", self.stream)

    def _send(self, lines: list[tuple[int, str]]) -> None:
        logs = self._session.client("logs")
        batch: list[dict] = []
        size = 0
        for timestamp, line in lines:
            message = line.encode()[:_EVENT_BYTES].decode(errors="ignore")
            cost = len(message.encode()) + _EVENT_OVERHEAD
            if batch and (len(batch) == _BATCH_EVENTS or size + cost > _BATCH_BYTES):
                logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
                batch, size = [], 0
            batch.append({"timestamp": timestamp, "message": message})
            size += cost
        logs.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
