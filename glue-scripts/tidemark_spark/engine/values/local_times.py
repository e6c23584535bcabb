"""Local times of a contract's zone, by the offsets that stand in its document (core/values/time-zone.ts)."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any


class LocalClock:
    """ms of the clock on a wall, as if it showed UTC, → ms UTC.

    Where clocks go forward, a time that never was is read with the offset before; where they go back, a time that was
    twice is the first of the two (RFC 5545).
    """

    def __init__(self, time_zone: dict[str, Any]) -> None:
        known = time_zone["offsets"]
        self._offsets = [offset for _, offset in known]
        before = [self._offsets[0], *self._offsets[:-1]]
        self._from = [at + max(old, new) for (at, new), old in zip(known, before, strict=True)]

    def __call__(self, local_ms: int) -> int:
        return local_ms - self._offsets[max(0, bisect_right(self._from, local_ms) - 1)]
