"""Values of every feature of a view over sorted groups of events: design rules for windows, nulls and ties."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import PropertyColumn, byte_ranks, matching
from .decimals import MAX_EXACT
from .distinct import crowded, estimate
from .event_log import EventLog
from .expressions import Column, evaluate
from .histogram import largest, overflows
from .ir import ViewPlan
from .moments import MAX_SQUARED, parts_of_squares, variance
from .segments import TimeAxis, expand, prefix_sum, previous_equal, range_distinct, range_extreme
from .view_values import Lists, ViewValues

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """Which events (positions in the log; all is a slice) belong to which group; sorted by (group, position)."""

    event: Ints | slice
    group: Ints


class _Frame:
    """What features share while they are computed: window bounds, selections, columns of the grouped events."""

    def __init__(self, log: EventLog, groups: Groups, row_group: Ints, t: Ints) -> None:
        self.log, self.groups, self.t = log, groups, t
        self.row_group = row_group
        self.time = log.time[groups.event]
        count = int(max(groups.group.max(initial=0), row_group.max(initial=0))) + 1
        self._axis = TimeAxis(count, self.time)
        self._key = self._axis.key(groups.group, self.time)
        self._end = np.searchsorted(self._key, self._axis.key(row_group, t), "left")
        self._edges: dict[tuple[int, int] | None, Ints] = {}
        self._columns: dict[tuple[str, str], PropertyColumn] = {}
        self._selections: dict[tuple[str, str | None, str, bool], _Selection] = {}

    def bounds(self, window_ms: int | None, offset_ms: int, hop_ms: int | None) -> tuple[Ints, Ints]:
        """[start, end) of each row's window among the grouped events.

        The left edge is rounded down to the hop. The right one is t, exclusive; in a series, for all windows but the
        newest, t - offset rounded down, so that consecutive windows share their edges.
        """
        if window_ms is None or hop_ms is None:
            return self._edge(None), self._end
        left = self._edge((offset_ms + window_ms, hop_ms))
        return left, self._end if offset_ms == 0 else self._edge((offset_ms, hop_ms))

    def _edge(self, before: tuple[int, int] | None) -> Ints:
        """Where t - `before` ms, rounded down to the hop, falls; None: where the group begins."""
        if before not in self._edges:
            if before is None:
                key = self._axis.begin(self.row_group)
            else:
                ms, hop = before
                key = self._axis.key(self.row_group, (self.t - ms) // hop * hop)
            self._edges[before] = np.minimum(np.searchsorted(self._key, key, "left"), self._end)
        return self._edges[before]

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
            rows = len(self.groups.group)
            mask = self.log.is_type(feature["event_type"])[self.groups.event]
            columns = {p["field"]: self.column(feature["event_type"], p["field"]) for p in feature["where"]}
            mask = mask & matching(feature["where"], columns, rows)
            values, previous = None, None
            if feature["field"] is not None:
                column = self.column(feature["event_type"], feature["field"])
                mask = mask & column.present
                values = column.values if mask.all() else column.values[mask]
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

    @cached_property
    def sums(self) -> _Sums:
        """Of the values, for all windows that sum them."""
        assert self.values is not None
        return _Sums.of(self.values)


@dataclass(frozen=True)
class _Sums:
    before: Ints
    """before[i] = sum of the values before position i, modulo 2^64."""
    rough: NDArray[np.float64] | None
    """The same in floats, where it may leave the exact range."""

    @staticmethod
    def of(values: Ints) -> _Sums:
        far = len(values) and max(int(values.max()), -int(values.min())) * len(values) > MAX_EXACT
        rough = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)]) if far else None
        return _Sums(prefix_sum(values), rough)


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
        if not isinstance(values, Lists):
            readable = present & (feature["value_type"] != "string")
            named[feature["name"]] = (values.astype(np.float64, copy=False), readable)
        out.write(index, rows, values, present)


def _aggregate(frame: _Frame, feature: dict[str, Any]) -> tuple[NDArray[Any] | Lists, Bools]:
    chosen = frame.select(feature)
    edges = frame.bounds(feature["window_ms"], feature["offset_ms"], feature["hop_ms"])
    start, end = (chosen.rank[edge] for edge in edges)
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
        case "histogram":
            return _histogram(frame, chosen, feature, start, end)
    assert chosen.values is not None
    match feature["op"]:
        case "sum":
            total, exact = _sum(chosen.sums, start, end)
            return total, some & exact
        case "mean":
            total, exact = _sum(chosen.sums, start, end)
            return total.astype(np.float64) / np.maximum(end - start, 1).astype(np.float64), some & exact
        case "variance":
            values, exact = _variance(chosen.values, start, end)
            return values, some & exact
        case "first":
            return _at(chosen.values, start, some), some
        case "last":
            return _at(chosen.values, end - 1, some), some
        case "last_k":
            lengths = np.minimum(end - start, feature["k"])
            back, _ = expand(1 - end, lengths)
            # Ranges of the negated positions: -(end - 1), -(end - 2), … are the newest first.
            return Lists(lengths, chosen.values[-back]), some
        case "min":
            return range_extreme(chosen.values, start, end, np.minimum), some
        case "max":
            return range_extreme(chosen.values, start, end, np.maximum), some
    raise ValueError(f"{feature['name']}: op {feature['op']!r} is unknown to this engine. Deploy from one commit.")


def _sum(sums: _Sums, start: Ints, end: Ints) -> tuple[Ints, Bools]:
    """Sums, and which of them are within ±(2^53 − 1): beyond, the value is null."""
    total = sums.before[end] - sums.before[start]
    if sums.rough is None:
        return total, np.ones(len(total), bool)
    # Far beyond 2^63 the integer difference could wrap back into range; the float one shows that.
    far = (np.abs(total) > MAX_EXACT) | (np.abs(sums.rough[end] - sums.rough[start]) > 2.0**62)
    return np.where(far, 0, total), ~far


def _variance(values: Ints, start: Ints, end: Ints) -> tuple[NDArray[np.float64], Bools]:
    # The parts of larger values' squares don't fit 64 bits; contracts refuse such values.
    large = np.abs(values) > MAX_SQUARED
    fitting = np.where(large, 0, values) if large.any() else values
    sums = [_sum(_Sums.of(part), start, end) for part in (fitting, *parts_of_squares(fitting))]
    exact = np.logical_and.reduce([within for _, within in sums])
    if large.any():
        before = prefix_sum(large.astype(np.int64))
        exact &= before[end] == before[start]
    return variance(np.maximum(end - start, 1), *(total for total, _ in sums)), exact


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


def _histogram(
    frame: _Frame, chosen: _Selection, feature: dict[str, Any], start: Ints, end: Ints
) -> tuple[Lists, Bools]:
    column = frame.column(feature["event_type"], feature["field"])
    codes, group = column.values[chosen.at], frame.groups.group[chosen.at]
    hop = feature["hop_ms"]
    tile = frame.time[chosen.at] // hop if hop else np.zeros(len(codes), np.int64)
    present = (end > start) & ~overflows(group, tile, codes, feature["cap"], start, end)
    ranks = byte_ranks(column.words) if column.words is not None else np.zeros(0, np.int64)
    end = np.where(present, end, start)
    return Lists(*largest(group, codes, ranks, feature["k"], frame.row_group, start, end)), present
