"""The first values, oldest first."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, PartialType, Values
from tidemark_spark.engine.aggregates.last_k import picked
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import expand
from tidemark_spark.engine.values.lists import Lists


def _cells(cut: Cut) -> list[bytes]:
    lengths = np.minimum(cut.end - cut.begin, cut.spec["k"])
    event, owner = expand(cut.begin, lengths)
    return picked(cut, event, lengths, owner)


def _values(windows: Windows) -> Values:
    lengths = np.minimum(windows.end - windows.start, windows.feature["k"])
    event, _ = expand(windows.start, lengths)
    return Lists(lengths, windows.chosen.values[event]), windows.some


FIRST_K = Aggregation(PartialType("first_k", _cells), _values, orders_ties=True)
