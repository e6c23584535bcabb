"""Range queries over arrays sorted by (group, time): whole columns at a time, exact, no loop over entities or rows.

A query is a half-open range [start, end) of positions; all arrays of positions are int64. Empty ranges are allowed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class TimeAxis:
    """One sortable int64 for (group, instant), so that one binary search answers "where does t fall in this group".

    Built from the events' groups and times (ms). Instants outside the events' range are clipped to its ends. Where
    groups × milliseconds do not fit 63 bits, instants are replaced by their rank among the events' times.
    """

    def __init__(self, groups: int, times: Ints) -> None:
        self._ticks: Ints | None = None
        self._low = int(times.min()) if len(times) else 0
        span = (int(times.max()) - self._low + 2) if len(times) else 2
        if groups * span >= 1 << 62:
            self._ticks = np.unique(times)
            span = len(self._ticks) + 1
        self._span = span

    def key(self, group: Ints, instant: Ints) -> Ints:
        """Sorts like (group, instant). Among an event's key and a query's, `<` means strictly earlier."""
        if self._ticks is not None:
            return group * self._span + np.searchsorted(self._ticks, instant, "left")
        return group * self._span + (np.clip(instant, self._low, self._low + self._span - 1) - self._low)

    def begin(self, group: Ints) -> Ints:
        """The key before every instant of the group."""
        return group * self._span


def stable_order(keys: Ints) -> Ints:
    """As np.argsort(keys, kind="stable"), for keys ≥ 0; of (entity, ms) half its time.

    numpy sorts 16 bits by radix, so the keys are sorted by their lowest 16 bits first and by their highest last.
    """
    order = np.argsort(keys.astype(np.uint16), kind="stable")
    for shift in range(16, int(keys.max(initial=0)).bit_length(), 16):
        order = order[np.argsort((keys >> shift).astype(np.uint16)[order], kind="stable")]
    return order


def prefix_sum(values: Ints) -> Ints:
    """p with p[end] - p[start] = sum of values[start:end]. Wraps modulo 2^64, so differences below 2^63 stay exact."""
    out = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=out[1:])
    return out


def expand(starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    """All positions of the ranges [start, start + length), one after the other, and which range each came from."""
    owner = np.repeat(np.arange(len(starts), dtype=np.int64), lengths)
    ends = np.cumsum(lengths)
    within = np.arange(len(owner), dtype=np.int64) - np.repeat(ends - lengths, lengths)
    return starts[owner] + within, owner


def batches(lengths: Ints, most: int) -> Iterator[slice]:
    """Runs of consecutive ranges whose lengths add up to about `most`, so that expanding them takes bounded memory."""
    if not len(lengths):
        return
    number = (np.cumsum(lengths) - lengths) // most
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(lengths)]
    for first, last in itertools.pairwise(edges):
        yield slice(first, last)


def running_maximum(groups: Ints, values: Ints) -> Ints:
    """Maximum of `values` from the start of the group up to each position; `groups` ascending."""
    if not len(values):
        return values
    low = int(values.min())
    span = int(values.max()) - low + 1
    # Later groups are lifted above earlier ones, so that one accumulate never carries a maximum across a border.
    if (int(groups[-1]) + 1) * span < 1 << 63:
        lift = groups * np.int64(span) - low
        return np.maximum.accumulate(values + lift) - lift
    codes, ranks = np.unique(values, return_inverse=True)
    lift = groups * np.int64(len(codes))
    return codes[np.maximum.accumulate(ranks + lift) - lift]


def range_extreme(values: Ints, start: Ints, end: Ints, pick: Callable[[Ints, Ints], Ints]) -> Ints:
    """Minimum or maximum (`pick` = np.minimum or np.maximum) of each range; unspecified for an empty range.

    A sparse table of which only the current level is held: two overlapping blocks of 2^k cover a range of length
    2^k … 2^(k+1) − 1.
    """
    out = np.zeros(len(start), np.int64)
    length = end - start
    answered = np.flatnonzero(length > 0)
    if not len(answered):
        return out
    level_of = np.frexp(length[answered].astype(np.float64))[1] - 1
    order = np.argsort(level_of, kind="stable")
    answered, level_of = answered[order], level_of[order]
    table = values
    cut = np.searchsorted(level_of, np.arange(level_of[-1] + 2))
    for level in range(int(level_of[-1]) + 1):
        if level:
            half = 1 << (level - 1)
            table = pick(table[:-half], table[half:])
        rows = answered[cut[level] : cut[level + 1]]
        if len(rows):
            out[rows] = pick(table[start[rows]], table[end[rows] - (1 << level)])
    return out


def previous_equal(groups: Ints, values: Ints) -> Ints:
    """Position of the previous element with the same group and value, or -1. `groups` ascending."""
    previous = np.full(len(values), -1, np.int64)
    if len(values):
        words, codes = np.unique(values, return_inverse=True)
        key = groups * np.int64(len(words)) + codes
        order = np.argsort(key, kind="stable")
        same = key[order][1:] == key[order][:-1]
        previous[order[1:][same]] = order[:-1][same]
    return previous


def count_below(values: Ints, start: Ints, end: Ints, bound: Ints) -> Ints:
    """How many of values[start:end] are < bound, for each query. 0 ≤ values; 0 ≤ bound.

    A wavelet matrix walked from the highest bit down: O((n + q) log max), levels are dropped as soon as they are used.
    """
    counts = np.zeros(len(start), np.int64)
    if not len(values) or not len(start):
        return counts
    bits = int(max(values.max(), bound.max())).bit_length()
    low, high = start.copy(), end.copy()
    for bit in range(bits - 1, -1, -1):
        zero = (values >> bit) & 1 == 0
        zeros = prefix_sum(zero.astype(np.int64))
        low_zeros, high_zeros = zeros[low], zeros[high]
        up = (bound >> bit) & 1 == 1
        counts += np.where(up, high_zeros - low_zeros, 0)
        low = np.where(up, zeros[-1] + low - low_zeros, low_zeros)
        high = np.where(up, zeros[-1] + high - high_zeros, high_zeros)
        values = np.concatenate([values[zero], values[~zero]])
    return counts


def range_distinct(previous: Ints, start: Ints, end: Ints) -> Ints:
    """Number of different values in each range, given `previous_equal`; ranges stay within one group.

    An element counts when its previous equal lies before the range: exactly the first of its kind in the range.
    """
    return count_below(previous + 1, start, end, start + 1)
