"""Different values in a window: exact, except where one tile held more than `cap` of them.

There the online state keeps a theta sketch (core/aggregates/count-distinct.ts), so the same estimate is computed here,
from raw events.
"""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Bools, Cut, Ints, PartialType, Values
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import batches, expand, prefix_sum, previous_equal, range_distinct
from tidemark_spark.engine.state.codec import sketch

EXPANDED_EVENTS = 4_000_000
_RANGE = float(1 << 53)


def _crowded(group: Ints, tile: Ints, cap: int) -> Bools:
    """Events whose tile has more than `cap` events, so that it may have more than `cap` values. Tiles lie in a row."""
    if not len(tile):
        return np.zeros(0, bool)
    begins = np.flatnonzero(np.concatenate([[True], (tile[1:] != tile[:-1]) | (group[1:] != group[:-1])]))
    lengths = np.diff(np.concatenate([begins, [len(tile)]]))
    return np.repeat(lengths > cap, lengths)


def _estimate(hashes: Ints, tile: Ints, in_crowd: Bools, start: Ints, end: Ints, cap: int, exact: Ints) -> Ints:
    """`exact`, with the rows that meet a crowded tile replaced by what the union of the tiles' sketches says."""
    met = prefix_sum(in_crowd.astype(np.int64))
    affected = np.flatnonzero(met[end] > met[start])
    if not len(affected):
        return exact
    out = exact.copy()
    for part in batches((end - start)[affected], EXPANDED_EVENTS):
        rows = affected[part]
        event, owner = expand(start[rows], (end - start)[rows])
        out[rows] = _union(hashes[event], tile[event], owner, len(rows), cap)
    return out


def _union(hashes: Ints, tile: Ints, owner: Ints, rows: int, cap: int) -> Ints:
    """For each owner: its tiles' `cap` smallest hashes, cut at the smallest hash any tile left out, and scaled up."""
    order = np.lexsort((hashes, tile, owner))
    h, i, o = hashes[order], tile[order], owner[order]
    new_tile = np.concatenate([[True], (i[1:] != i[:-1]) | (o[1:] != o[:-1])])
    fresh = new_tile | np.concatenate([[True], h[1:] != h[:-1]])
    h, o, new_tile = h[fresh], o[fresh], new_tile[fresh]
    rank = np.arange(len(h)) - np.maximum.accumulate(np.where(new_tile, np.arange(len(h)), 0))
    theta = np.full(rows, 1 << 53, np.int64)
    left_out = rank == cap
    np.minimum.at(theta, o[left_out], h[left_out])
    kept = (rank < cap) & (h < theta[o])
    h, o = h[kept], o[kept]
    order = np.lexsort((h, o))
    h, o = h[order], o[order]
    first = np.concatenate([[True], (h[1:] != h[:-1]) | (o[1:] != o[:-1])])[: len(h)]
    count = np.bincount(o[first], minlength=rows)
    scaled = np.floor(count / (theta.astype(np.float64) / _RANGE) + 0.5).astype(np.int64)
    return np.where(theta == 1 << 53, count, scaled)


def _cells(cut: Cut) -> list[bytes]:
    hashes, cap, cells = cut.column.hashes()[cut.at], cut.spec["cap"], []
    for first, last in zip(cut.begin.tolist(), cut.end.tolist(), strict=True):
        smallest = np.unique(hashes[first:last]).tolist()
        cells.append(sketch(smallest[:cap], smallest[cap] if len(smallest) > cap else None))
    return cells


def _values(windows: Windows) -> Values:
    chosen, start, end, cap = windows.chosen, windows.start, windows.end, windows.feature["cap"]
    # Position of the previous equal value of the group.
    previous = chosen.once("previous", lambda: previous_equal(chosen.group, chosen.values))
    if windows.feature["hop_ms"] is None:
        # All of the group's past: a value counts where it is the first of its kind.
        fresh = prefix_sum((previous < 0).astype(np.int64))
        exact = fresh[end] - fresh[start]
    else:
        exact = range_distinct(previous, start, end)
    in_crowd = _crowded(chosen.group, windows.tile, cap)
    if not in_crowd.any():
        return exact, windows.all
    assert chosen.column is not None
    hashes = chosen.column.hashes()[chosen.at]
    return _estimate(hashes, windows.tile, in_crowd, start, end, cap, exact), windows.all


COUNT_DISTINCT = Aggregation(PartialType("distinct", _cells), _values)
