"""first and last."""

from __future__ import annotations

from tidemark_spark.engine.aggregates.aggregation import Aggregation, PartialType
from tidemark_spark.engine.aggregates.picks import pick_bytes

FIRST = Aggregation(
    PartialType("first", lambda cut: pick_bytes(cut, cut.at[cut.begin], cut.tile_start)),
    lambda windows: (windows.at(windows.chosen.values, windows.start), windows.some),
    orders_ties=True,
)
LAST = Aggregation(
    PartialType("last", lambda cut: pick_bytes(cut, cut.at[cut.end - 1], cut.tile_start)),
    lambda windows: (windows.at(windows.chosen.values, windows.end - 1), windows.some),
    orders_ties=True,
)
