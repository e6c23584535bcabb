"""Which events no state can hold: those that would take a sum beyond ±(2^53 − 1), judged in the order of their arrival.

The stream processor refuses the same ones (core/state/apply-exactly.ts) and quarantines them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.values.columns import ranks_of_decimals
from tidemark_spark.engine.values.decimals import MAX_EXACT

Ints = NDArray[np.int64]
Segments = tuple[int, dict[str, Any], Ints]
"""The hop of a sum's tiles (ms; 0 = lifetime), its partial, and the positions of the events that touch it."""

# A rough sum of magnitudes below this is exact for sure.
_SAFE = 2.0**52


def may_leave_range(log: EventLog, spec: dict[str, Any]) -> bool:
    """Whether a partial's sums could be inexact at all: mostly they can't, and nothing more has to be looked at."""
    sums = spec["type"].sums
    if sums is None:
        return False
    column = log.properties[spec["event_type"], spec["field"]]
    largest = float(np.abs(column.values[column.present].astype(np.float64)).max(initial=0))
    return float(sums.mass(np.array([largest, -largest])).max()) * len(log) > _SAFE


def refused_events(log: EventLog, sums: list[Segments]) -> Ints:
    """Positions of the events that are left out, ascending. `sums`: of the partials that may leave the range."""
    suspects = np.unique(np.concatenate([_suspects(log, *one) for one in sums])) if sums else np.zeros(0, np.int64)
    if not len(suspects):
        return suspects
    touches: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
    for number, (hop, spec, at) in enumerate(sums):
        at = at[np.isin(log.entity[at], suspects)]
        column = log.properties[spec["event_type"], spec["field"]]
        for event, value in zip(at.tolist(), column.values[at].tolist(), strict=True):
            tile = int(log.time[event]) // hop if hop else 0
            key = (number, int(log.entity[event]), tile)
            touches.setdefault(event, []).append((key, spec["type"].sums.parts(value)))
    return np.array(sorted(_greedy(touches, _by_arrival(log, np.array(sorted(touches), np.int64)))), np.int64)


def _suspects(log: EventLog, hop: int, spec: dict[str, Any], at: Ints) -> Ints:
    """Entities with a tile whose magnitudes add up to what may be inexact."""
    if not len(at):
        return np.zeros(0, np.int64)
    mass = spec["type"].sums.mass(log.properties[spec["event_type"], spec["field"]].values[at].astype(np.float64))
    tile = log.time[at] // hop if hop else np.zeros(len(at), np.int64)
    new = np.ones(len(at), bool)
    new[1:] = (log.entity[at][1:] != log.entity[at][:-1]) | (tile[1:] != tile[:-1])
    begin = np.flatnonzero(new)
    return log.entity[at[begin]][np.add.reduceat(mass, begin) > _SAFE]


def _by_arrival(log: EventLog, at: Ints) -> list[int]:
    (rank,) = ranks_of_decimals(log.texts("sequence_number", at))
    return at[np.lexsort((rank, log.shard[at], log.available[at]))].tolist()


def _greedy(touches: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]], order: list[int]) -> Iterator[int]:
    sums: dict[tuple[int, ...], tuple[int, ...]] = {}
    for event in order:
        after = {
            key: tuple(old + new for old, new in zip(sums.get(key, (0, 0, 0, 0)), parts, strict=False))
            for key, parts in touches[event]
        }
        if any(abs(part) > MAX_EXACT for parts in after.values() for part in parts):
            yield event
        else:
            sums |= after
