"""Processes of jobs and endpoints: each in its own group, its output read line by line, none left behind."""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_WRAPPER = str(Path(__file__).with_name("die_with_parent.py"))
_live: set["ChildProcess"] = set()
_live_lock = threading.Lock()
logger = logging.getLogger("tidemark.processes")


class ChildProcess:
    """One process with its own thread, which starts it, reads its output and waits for its end.

    The thread that starts the process also waits for it: the kernel's "end with the parent" follows the starting
    thread. `on_line(stream, text)` gets each line of "stdout" and "stderr" without its end. `on_exit(code)` is called
    once, after the last line; a negative code is the number of the signal that ended the process.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path,
        on_line: Callable[[str, str], None],
        on_exit: Callable[[int], None] | None = None,
    ):
        self.argv = list(argv)
        self.code: int | None = None
        self.stopped = False  # ended by `stop`, and not by itself or a signal from elsewhere
        self._env, self._cwd, self._on_line, self._on_exit = dict(env), str(cwd), on_line, on_exit
        self._process: subprocess.Popen[str]  # there once it has started
        self._started, self._ended = threading.Event(), threading.Event()
        self._error: OSError | None = None
        threading.Thread(target=self._run, name=f"child-{Path(self.argv[0]).name}", daemon=True).start()
        self._started.wait()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", _WRAPPER, *self.argv],
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            self._error = error
            self._started.set()
            return
        with _live_lock:
            _live.add(self)
        self._started.set()
        readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for reader in readers:
            reader.start()
        self.code = self._process.wait()
        # A grandchild may still hold the pipes or the group: the end of the process is the end of its group.
        self._signal(signal.SIGKILL)
        for reader in readers:
            reader.join(timeout=5)
        with _live_lock:
            _live.discard(self)
        try:
            if self._on_exit:
                self._on_exit(self.code)
        finally:
            self._ended.set()

    def _read(self, name: str, stream) -> None:
        for line in stream:
            try:
                self._on_line(name, line.rstrip("\r\n"))
            except Exception:
                logger.exception("a line of %s could not be handled", self.argv[0])

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return  # the whole group has ended already

    @property
    def pid(self) -> int:
        """Its id; the wrapper becomes the command, so it is the command's own."""
        return self._process.pid

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code once the process has ended, or None when `timeout` seconds pass before that."""
        return self.code if self._ended.wait(timeout) else None

    def stop(self, grace_seconds: float) -> None:
        """SIGTERM to the group, and SIGKILL when it still runs after `grace_seconds`. Returns when it has ended."""
        if self.running:
            self.stopped = True
            self._signal(signal.SIGTERM)
            if not self._ended.wait(grace_seconds):
                self._signal(signal.SIGKILL)
                self._ended.wait(10)


def stop_all(grace_seconds: float = 1.0) -> None:
    """Ends every process that still runs; for the stop of the local cloud."""
    with _live_lock:
        children = list(_live)
    threads = [threading.Thread(target=child.stop, args=(grace_seconds,)) for child in children]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
