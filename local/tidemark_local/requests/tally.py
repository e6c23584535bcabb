"""Counts what was checked, so that a run can tell: operations, requests and members, in `requests-checked.json`."""

import json
import os
import threading
import time
from pathlib import Path

FILE = "requests-checked.json"
_WRITE_SECONDS = 1.0


class Tally:
    """Counts in memory; the file is at most a second behind, and whole at the end of the cloud."""

    def __init__(self, path: Path):
        self._path, self._lock, self._timer = path, threading.Lock(), None
        self._operations: dict[str, list[int]] = {}
        self._stopped = False
        self.write()

    def add(self, operation: str, members: int, refused: bool) -> None:
        with self._lock:
            counts = self._operations.setdefault(operation, [0, 0, 0])
            counts[0] += 1
            counts[1] += members
            counts[2] += refused
            if self._timer is None and not self._stopped:
                self._timer = threading.Timer(_WRITE_SECONDS, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        with self._lock:
            self._timer = None
            document = {
                name: {"requests": requests, "members": members, "refused": refused}
                for name, (requests, members, refused) in sorted(self._operations.items())
            }
        unfinished = self._path.with_name(f"{self._path.name}.{os.getpid()}.{time.monotonic_ns()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file)
        unfinished.replace(self._path)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._timer:
                self._timer.cancel()
        self.write()
