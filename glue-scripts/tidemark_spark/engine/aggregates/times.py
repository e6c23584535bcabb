"""time_since_last and time_since_first."""

from __future__ import annotations

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, PartialType, Values
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.state.codec import varint


def _newest(cut: Cut) -> list[bytes]:
    return [varint(ms) for ms in (cut.time[cut.end - 1] - cut.tile_start).tolist()]


def _oldest(cut: Cut) -> list[bytes]:
    return [varint(ms) for ms in (cut.time[cut.begin] - cut.tile_start).tolist()]


def _since_last(windows: Windows) -> Values:
    return windows.t - windows.at(windows.chosen.time, windows.end - 1), windows.some


def _since_first(windows: Windows) -> Values:
    return windows.t - windows.at(windows.chosen.time, windows.start), windows.some


TIME_SINCE_LAST = Aggregation(PartialType("time_max", _newest), _since_last)
TIME_SINCE_FIRST = Aggregation(PartialType("time_min", _oldest), _since_first)
