"""Memory and CPU time of the processes below this one: Spark's JVM and its Python workers. Linux only (/proc)."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path
from types import TracebackType

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


def below(root: int) -> dict[str, tuple[float, float]]:
    """Program name → (resident MiB, CPU seconds so far, of ended children too), added over all processes below."""
    found: dict[int, tuple[str, float, float]] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue  # It ended meanwhile.
        fields = rest.split()
        pid = int(folder.name)
        children[int(fields[1])].append(pid)
        found[pid] = name, int(fields[21]) * _PAGE / 2**20, sum(map(int, fields[11:15])) / _TICK
    total: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    waiting = list(children[root])
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        name, mib, seconds = found[pid]
        total[name] = total[name][0] + mib, total[name][1] + seconds
    return dict(total)


def cpu_seconds() -> float:
    """Falls when a worker ends that nobody waits for: take the median of several differences."""
    return sum(seconds for _, seconds in below(os.getpid()).values())


class PeakMemory:
    """Looks every 50 ms while it is entered. `total`, `jvm` and `python`: the highest seen of each, MiB."""

    def __init__(self) -> None:
        self.total = self.jvm = self.python = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            now = {name: mib for name, (mib, _) in below(os.getpid()).items()}
            jvm, python = now.get("java", 0.0), sum(mib for name, mib in now.items() if name.startswith("python"))
            self.total, self.jvm, self.python = (
                max(self.total, jvm + python),
                max(self.jvm, jvm),
                max(self.python, python),
            )

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
