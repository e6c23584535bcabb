"""Different values in a window: exact, except where one tile held more than `cap` of them.

There the online state keeps a theta sketch (core/partials.ts), so the same estimate is computed here, from raw events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .segments import batches, expand, prefix_sum

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXPANDED_EVENTS = 4_000_000
_RANGE = float(1 << 53)


def crowded(group: Ints, tile: Ints, cap: int) -> Bools:
    """Events whose tile has more than `cap` events, so that it may have more than `cap` values. Tiles lie in a row."""
    if not len(tile):
        return np.zeros(0, bool)
    begins = np.flatnonzero(np.concatenate([[True], (tile[1:] != tile[:-1]) | (group[1:] != group[:-1])]))
    lengths = np.diff(np.concatenate([begins, [len(tile)]]))
    return np.repeat(lengths > cap, lengths)


def estimate(hashes: Ints, tile: Ints, in_crowd: Bools, start: Ints, end: Ints, cap: int, exact: Ints) -> Ints:
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
