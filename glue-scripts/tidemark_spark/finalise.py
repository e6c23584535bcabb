"""Values of every feature of a view over sorted groups of events: design rules for windows, nulls and ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .columns import PropertyColumn, matching
from .decimals import MAX_EXACT
from .distinct import crowded, estimate
from .event_log import EventLog
from .expressions import Column, evaluate
from .ir import ViewPlan
from .segments import TimeAxis, prefix_sum, previous_equal, range_distinct, range_extreme

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class InexactSumError(ValueError):
    """A sum that left the exact range; contracts bound their fields so that this takes a million extreme events."""


@dataclass(frozen=True)
class Groups:
    """Which events (positions in the log) belong to which group; sorted by (group, position)."""

    event: Ints
    group: Ints


@dataclass
class ViewValues:
    """One value and one presence flag a row and feature; strings as codes into `words`."""

    plan: ViewPlan
    values: list[NDArray[Any]]
    present: list[Bools]
    words: list[pa.Array | None]

    @staticmethod
    def empty(plan: ViewPlan, log: EventLog, rows: int) -> ViewValues:
        values: list[NDArray[Any]] = []
        words: list[pa.Array | None] = []
        for feature in plan.features:
            values.append(np.zeros(rows, np.float64 if feature["value_type"] == "float" else np.int64))
            text = feature["value_type"] == "string"
            words.append(log.properties[feature["event_type"], feature["field"]].words if text else None)
        return ViewValues(plan, values, [np.zeros(rows, bool) for _ in plan.features], words)

    def table(self, order: Ints) -> pa.Table:
        """As Arrow columns, row i from position order[i]."""
        columns: list[pa.Array] = []
        for index, feature in enumerate(self.plan.features):
            value, missing, words = self.values[index][order], ~self.present[index][order], self.words[index]
            match feature["value_type"]:
                case "string":
                    codes = pa.array(value, pa.int64(), mask=missing)
                    known = words if words is not None else pa.array([], pa.string())
                    columns.append(known.take(codes) if len(known) else pa.nulls(len(value), pa.string()))
                case "bool":
                    columns.append(pa.array(value.astype(bool), pa.bool_(), mask=missing))
                case "int":
                    columns.append(pa.array(value, pa.int64(), mask=missing))
                case _:
                    columns.append(pa.array(value, pa.float64(), mask=missing))
        return pa.table(columns, names=[f["name"] for f in self.plan.features])


class _Frame:
    """What features share while they are computed: window bounds, selections, columns of the grouped events."""

    def __init__(self, log: EventLog, groups: Groups, row_group: Ints, t: Ints) -> None:
        self.log, self.groups, self.t = log, groups, t
        self._row_group = row_group
        self.time = log.time[groups.event]
        count = int(max(groups.group.max(initial=0), row_group.max(initial=0))) + 1
        self._axis = TimeAxis(count, self.time)
        self._key = self._axis.key(groups.group, self.time)
        self._end = np.searchsorted(self._key, self._axis.key(row_group, t), "left")
        self._starts: dict[int | None, Ints] = {}
        self._columns: dict[tuple[str, str], PropertyColumn] = {}
        self._selections: dict[tuple[str, str | None, str, bool], _Selection] = {}

    def bounds(self, window_ms: int | None, hop_ms: int | None) -> tuple[Ints, Ints]:
        """[start, end) of each row's window among the grouped events: left edge rounded down to the hop, right < t."""
        if window_ms not in self._starts:
            if window_ms is None or hop_ms is None:
                left = self._axis.begin(self._row_group)
            else:
                left = self._axis.key(self._row_group, (self.t - window_ms) // hop_ms * hop_ms)
            self._starts[window_ms] = np.minimum(np.searchsorted(self._key, left, "left"), self._end)
        return self._starts[window_ms], self._end

    def column(self, event_type: str, name: str) -> PropertyColumn:
        key = (event_type, name)
        if key not in self._columns:
            self._columns[key] = self.log.properties[key].take(self.groups.event)
        return self._columns[key]

    def select(self, feature: dict[str, Any]) -> _Selection:
        """The events the feature is about: its type, its filter, and a value where it has a field."""
        distinct = feature["op"] == "count_distinct"
        key = (feature["event_type"], feature["field"], repr(feature["where"]), distinct)
        if key not in self._selections:
            rows = len(self.groups.event)
            mask = self.log.is_type(feature["event_type"])[self.groups.event]
            columns = {p["field"]: self.column(feature["event_type"], p["field"]) for p in feature["where"]}
            mask = mask & matching(feature["where"], columns, rows)
            values, previous = None, None
            if feature["field"] is not None:
                column = self.column(feature["event_type"], feature["field"])
                mask = mask & column.present
                values = column.values[mask]
                if distinct:
                    previous = previous_equal(self.groups.group[mask], values)
            self._selections[key] = _Selection(
                np.flatnonzero(mask), prefix_sum(mask.astype(np.int64)), values, previous
            )
        return self._selections[key]


@dataclass(frozen=True)
class _Selection:
    at: Ints
    rank: Ints
    """rank[i] = how many selected events lie before grouped event i."""
    values: Ints | None
    previous: Ints | None
    """Position of the previous equal value of the group, where features count different values."""


def finalise(
    plan: ViewPlan, log: EventLog, groups: Groups, row_group: Ints, t: Ints, rows: Ints, out: ViewValues
) -> None:
    """Writes the features of rows (row_group, t) into positions `rows` of `out`."""
    frame = _Frame(log, groups, row_group, t)
    named: dict[str, Column] = {}
    for index, feature in enumerate(plan.features):
        if feature["kind"] == "derived":
            values, present = evaluate(feature["expr"], named, len(t))
        else:
            values, present = _aggregate(frame, feature)
        readable = present & (feature["value_type"] != "string")
        named[feature["name"]] = (values.astype(np.float64, copy=False), readable)
        out.values[index][rows] = values
        out.present[index][rows] = present


def _aggregate(frame: _Frame, feature: dict[str, Any]) -> tuple[NDArray[Any], Bools]:
    chosen = frame.select(feature)
    start, end = (chosen.rank[edge] for edge in frame.bounds(feature["window_ms"], feature["hop_ms"]))
    some = end > start
    match feature["op"]:
        case "count":
            return end - start, np.ones(len(start), bool)
        case "count_distinct":
            return _distinct(frame, chosen, feature, start, end), np.ones(len(start), bool)
        case "time_since_last":
            return frame.t - _at(frame.time[chosen.at], end - 1, some), some
        case "time_since_first":
            return frame.t - _at(frame.time[chosen.at], start, some), some
    assert chosen.values is not None
    match feature["op"]:
        case "sum" | "mean":
            total = _sum(feature["name"], chosen.values, start, end)
            if feature["op"] == "sum":
                return total, some
            return total.astype(np.float64) / np.maximum(end - start, 1).astype(np.float64), some
        case "first":
            return _at(chosen.values, start, some), some
        case "last":
            return _at(chosen.values, end - 1, some), some
        case "min":
            return range_extreme(chosen.values, start, end, np.minimum), some
        case "max":
            return range_extreme(chosen.values, start, end, np.maximum), some
    raise ValueError(f"{feature['name']}: op {feature['op']!r} is unknown to this engine. Deploy from one commit.")


def _sum(name: str, values: Ints, start: Ints, end: Ints) -> Ints:
    before = prefix_sum(values)
    total = before[end] - before[start]
    if len(values) and int(np.abs(values).max()) * len(values) > MAX_EXACT:
        # Far beyond 2^63 the integer difference could wrap back into range; the float one shows that.
        rough = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        if (np.abs(total) > MAX_EXACT).any() or (np.abs(rough[end] - rough[start]) > 2.0**62).any():
            raise InexactSumError(f"{name}: found a sum beyond 2^53; allowed: exact integers")
    return total


def _at(values: Ints, position: Ints, valid: Bools) -> Ints:
    return values[np.where(valid, position, 0)] if len(values) else np.zeros(len(position), np.int64)


def _distinct(frame: _Frame, chosen: _Selection, feature: dict[str, Any], start: Ints, end: Ints) -> Ints:
    assert chosen.previous is not None
    hop, cap = feature["hop_ms"], feature["cap"]
    group, time = frame.groups.group[chosen.at], frame.time[chosen.at]
    if hop is None:
        # All of the group's past: a value counts where it is the first of its kind.
        fresh = prefix_sum((chosen.previous < 0).astype(np.int64))
        exact, tile = fresh[end] - fresh[start], np.zeros(len(time), np.int64)
    else:
        exact, tile = range_distinct(chosen.previous, start, end), time // hop
    in_crowd = crowded(group, tile, cap)
    if not in_crowd.any():
        return exact
    column = frame.column(feature["event_type"], feature["field"])
    return estimate(column.hashes()[chosen.at], tile, in_crowd, start, end, cap, exact)
