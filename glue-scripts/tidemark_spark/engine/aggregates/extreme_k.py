"""top_k and bottom_k."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, PartialType, Values
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.ranks import Ranks
from tidemark_spark.engine.segments import expand
from tidemark_spark.engine.state.codec import signed, varint
from tidemark_spark.engine.values.lists import Lists


def _extreme(kind: str, sign: int) -> Aggregation:
    """`sign`: -1 for the largest first."""

    def cells(cut: Cut) -> list[bytes]:
        made = []
        for first, last in zip(cut.begin.tolist(), cut.end.tolist(), strict=True):
            kept = (sign * np.sort(sign * cut.values[first:last])[: cut.spec["k"]]).tolist()
            made.append(varint(len(kept)) + b"".join(map(signed, kept)))
        return made

    def values(windows: Windows) -> Values:
        chosen = windows.chosen
        lengths = np.minimum(windows.end - windows.start, windows.feature["k"])
        place, row = expand(np.zeros(len(lengths), np.int64), lengths)
        ranks = chosen.once(f"order {sign}", lambda: Ranks(sign * chosen.values))
        return Lists(lengths, sign * ranks.smallest(windows.start[row], windows.end[row], place)), windows.some

    return Aggregation(PartialType(kind, cells), values)


TOP_K = _extreme("top_k", -1)
BOTTOM_K = _extreme("bottom_k", 1)
