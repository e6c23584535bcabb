"""min and max: of numbers, and of texts by code point."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, Ints, PartialType, Values
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import range_extreme
from tidemark_spark.engine.state.codec import signed, text
from tidemark_spark.engine.values.columns import PropertyColumn, byte_ranks


def _by_code_point(column: PropertyColumn) -> tuple[Ints, Ints]:
    """Of a text column's codes the place in order, and of the places the code."""
    assert column.words is not None
    ranks = byte_ranks(column.words)
    return ranks, np.argsort(ranks)


def _extreme(kind: str, pick: np.ufunc) -> Aggregation:
    def cells(cut: Cut) -> list[bytes]:
        if cut.column.words is None:
            return [signed(v) for v in pick.reduceat(cut.values, cut.begin).tolist()]
        ranks, codes = _by_code_point(cut.column)
        found = codes[pick.reduceat(ranks[cut.values], cut.begin)]
        return [text(word) for word in cut.column.words.take(found).to_pylist()]

    def values(windows: Windows) -> Values:
        chosen, column = windows.chosen, windows.chosen.column
        assert column is not None
        if column.words is None or not len(column.words):
            return range_extreme(chosen.values, windows.start, windows.end, pick), windows.some
        ranks, codes = chosen.once("code points", lambda: _by_code_point(column))
        return codes[range_extreme(ranks[chosen.values], windows.start, windows.end, pick)], windows.some

    return Aggregation(PartialType(kind, cells), values)


MIN = _extreme("min", np.minimum)
MAX = _extreme("max", np.maximum)
