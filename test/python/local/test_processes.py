"""Processes of jobs and endpoints: their output, their end, and the end of what they started."""

import os
import signal
import sys
import threading
import time

import jobs_support  # noqa: F401  (puts local/ on the path)
import pytest
from tidemark_local.host import processes

# Starts a grandchild that ignores SIGTERM, and ignores it itself when told to.
FAMILY = """
import signal, subprocess, sys, time
quiet = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", quiet])
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", child.pid, flush=True)
time.sleep(60)
"""


TALKS = """
import sys
for i in range(2000):
    print(i)
print("wörds", file=sys.stderr)
sys.stdout.write("no end")
sys.exit(3)
"""


def start(tmp_path, code, *arguments, **callbacks):
    lines = []
    process = processes.ChildProcess(
        [sys.executable, "-c", code, *arguments],
        env=dict(os.environ),
        cwd=tmp_path,
        on_line=lambda stream, text: lines.append((stream, text)),
        **callbacks,
    )
    return process, lines


def test_gives_every_line_before_the_exit(tmp_path):
    ended = threading.Event()
    seen = []

    def on_exit(code):
        seen.append((code, len(lines)))
        ended.set()

    process, lines = start(tmp_path, TALKS, on_exit=on_exit)
    assert process.wait(20) == 3 and not process.running
    assert [text for stream, text in lines if stream == "stdout"] == [*map(str, range(2000)), "no end"]
    assert ("stderr", "wörds") in lines
    assert ended.wait(5) and seen == [(3, 2002)]


def test_wait_gives_none_while_it_runs(tmp_path):
    process, _ = start(tmp_path, "import time; time.sleep(60)")
    assert process.wait(0.1) is None and process.running
    process.stop(1)
    assert process.code == -15


def test_a_bad_folder_is_an_error_of_the_start(tmp_path):
    with pytest.raises(FileNotFoundError):
        start(tmp_path / "missing", "pass")


@pytest.mark.parametrize(("manner", "code", "seconds"), [("polite", -15, 30), ("stubborn", -9, 30)])
def test_stop_ends_the_whole_family(tmp_path, manner, code, seconds):
    process, lines = start(tmp_path, FAMILY, manner)
    grandchild = int(waited(lines, "pid").split()[1])
    waited(lines, "up")
    started = time.monotonic()
    process.stop(1)
    assert time.monotonic() - started < seconds
    assert process.code == code and process.stopped
    assert gone(grandchild)


def test_stop_all_ends_every_process_at_once(tmp_path):
    running = [start(tmp_path, "import time; time.sleep(60)")[0] for _ in range(3)]
    processes.stop_all(1)
    assert [process.running for process in running] == [False] * 3


def test_a_process_that_others_end_was_not_stopped(tmp_path):
    process, _ = start(tmp_path, "import time; time.sleep(60)")
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL and not process.stopped


def waited(lines, word):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for _, text in list(lines):
            if text.startswith(word):
                return text
        time.sleep(0.02)
    raise AssertionError(f"no line {word}: {lines}")


def gone(pid):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().split(")")[1].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False
