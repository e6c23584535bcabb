"""The last values, newest first."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, Ints, PartialType, Values
from tidemark_spark.engine.aggregates.picks import pick_bytes
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import expand
from tidemark_spark.engine.state.codec import varint
from tidemark_spark.engine.values.lists import Lists


def picked(cut: Cut, event: Ints, lengths: Ints, owner: Ints) -> list[bytes]:
    """Cells of several picks: the events (positions among the cut's), how many each tile has, and whose they are."""
    picks = pick_bytes(cut, cut.at[event], cut.tile_start[owner])
    edges = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    return [varint(last - first) + b"".join(picks[first:last]) for first, last in pairwise(edges)]


def _cells(cut: Cut) -> list[bytes]:
    lengths = np.minimum(cut.end - cut.begin, cut.spec["k"])
    # Ranges of the negated positions: -(end - 1), -(end - 2), … are the newest first.
    back, owner = expand(1 - cut.end, lengths)
    return picked(cut, -back, lengths, owner)


def _values(windows: Windows) -> Values:
    lengths = np.minimum(windows.end - windows.start, windows.feature["k"])
    back, _ = expand(1 - windows.end, lengths)
    return Lists(lengths, windows.chosen.values[-back]), windows.some


LAST_K = Aggregation(PartialType("last_k", _cells), _values, orders_ties=True)
