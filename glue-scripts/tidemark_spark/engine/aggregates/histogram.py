"""The most frequent values of a window, exact or nothing: null where one tile alone has more than `cap` values."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Bools, Cut, Ints, PartialType, Values
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import batches, expand, prefix_sum, previous_equal
from tidemark_spark.engine.state.codec import histogram
from tidemark_spark.engine.values.columns import byte_ranks
from tidemark_spark.engine.values.lists import Lists

EXPANDED_VALUES = 4_000_000
"""(row, value) pairs counted at a time: bounds memory, not the result."""


def _overflows(group: Ints, tile: Ints, codes: Ints, cap: int, start: Ints, end: Ints) -> Bools:
    """Rows [start, end) that meet a tile in which more than `cap` different values came before the end.

    Ranges begin where a tile does, so counting a tile's values up to each event tells how many its part holds.
    """
    if not len(codes):
        return np.zeros(len(start), bool)
    at = np.arange(len(codes))
    new = np.concatenate([[True], (group[1:] != group[:-1]) | (tile[1:] != tile[:-1])])
    begin = np.maximum.accumulate(np.where(new, at, 0))
    seen = prefix_sum((previous_equal(group, codes) < begin).astype(np.int64))
    too_many = prefix_sum((seen[1:] - seen[begin] > cap).astype(np.int64))
    return too_many[end] > too_many[start]


def _largest(
    group: Ints, codes: Ints, ranks: Ints, k: int, row_group: Ints, start: Ints, end: Ints
) -> tuple[Ints, Ints, Ints]:
    """The k largest counts of each row's range: lengths, then the codes and counts of one row after the other.

    Larger counts first, ties by `ranks` of the codes. For every value that the group ever had, the events before either
    end of the range are counted by a search: rows × values of the group, however many events the range holds.
    """
    lengths = np.zeros(len(start), np.int64)
    if not len(codes):
        return lengths, np.zeros(0, np.int64), np.zeros(0, np.int64)
    # Events by (group, code, position): each (group, code) is a run in which positions rise.
    order = np.lexsort((codes, group))
    new = np.concatenate([[True], (np.diff(codes[order]) != 0) | (np.diff(group[order]) != 0)])
    run_code, run_group = codes[order][new], group[order][new]
    reach = len(codes) + 1
    key = (np.cumsum(new) - 1) * reach + order
    first_run = np.searchsorted(run_group, row_group, "left")
    runs = np.where(end > start, np.searchsorted(run_group, row_group, "right") - first_run, 0)
    found: list[tuple[Ints, Ints]] = []
    for part in batches(runs, EXPANDED_VALUES):
        run, row = expand(first_run[part], runs[part])
        count = np.searchsorted(key, run * reach + end[part][row]) - np.searchsorted(
            key, run * reach + start[part][row]
        )
        some = count > 0
        run, row, count = run[some], row[some], count[some]
        by = np.lexsort((ranks[run_code[run]], -count, row))
        run, row, count = run[by], row[by], count[by]
        place = np.arange(len(row)) - np.searchsorted(row, row, "left")
        kept = place < k
        lengths[part] = np.bincount(row[kept], minlength=part.stop - part.start)
        found.append((run_code[run[kept]], count[kept]))
    if not found:
        return lengths, np.zeros(0, np.int64), np.zeros(0, np.int64)
    return lengths, np.concatenate([c for c, _ in found]), np.concatenate([n for _, n in found])


def _cells(cut: Cut) -> list[bytes]:
    assert cut.column.words is not None
    words, ranks, cells = cut.column.words.to_pylist(), byte_ranks(cut.column.words), []
    for first, last in zip(cut.begin.tolist(), cut.end.tolist(), strict=True):
        values, counts = np.unique(cut.values[first:last], return_counts=True)
        order = np.argsort(ranks[values])
        pairs = zip(values[order].tolist(), counts[order].tolist(), strict=True)
        cells.append(histogram([(words[code], n) for code, n in pairs] if len(values) <= cut.spec["cap"] else None))
    return cells


def _values(windows: Windows) -> Values:
    chosen, start, feature = windows.chosen, windows.start, windows.feature
    assert chosen.column is not None
    codes, words = chosen.values, chosen.column.words
    present = windows.some & ~_overflows(chosen.group, windows.tile, codes, feature["cap"], start, windows.end)
    ranks = byte_ranks(words) if words is not None else np.zeros(0, np.int64)
    end = np.where(present, windows.end, start)
    return Lists(*_largest(chosen.group, codes, ranks, feature["k"], windows.row_group, start, end)), present


HISTOGRAM = Aggregation(PartialType("histogram", _cells), _values)
