"""The windows of features over sorted groups of events: where they begin and end, and which events they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.segments import TimeAxis, prefix_sum
from tidemark_spark.engine.values.columns import PropertyColumn, matching

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """Which events (positions in the log; all is a slice) belong to which group; sorted by (group, position)."""

    event: Ints | slice
    group: Ints


@dataclass(frozen=True)
class Selection:
    """The events that features of one type, filter and field are about."""

    at: Ints
    """Positions among the grouped events."""
    rank: Ints
    """rank[i] = how many selected events lie before grouped event i."""
    group: Ints
    time: Ints
    column: PropertyColumn | None
    """The aggregated field, over all grouped events; None where features count whole events."""
    _made: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def values(self) -> Ints:
        """Of the field, one a selected event."""
        assert self.column is not None
        values = self.column.values
        return values if len(self.at) == len(values) else values[self.at]

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What all windows over this selection share."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]


@dataclass(frozen=True)
class Windows:
    """One feature's windows, one a row: the selected events [start, end)."""

    feature: dict[str, Any]
    chosen: Selection
    start: Ints
    end: Ints
    t: Ints
    """Instant of each row, ms UTC."""
    row_group: Ints

    @cached_property
    def some(self) -> Bools:
        return self.end > self.start

    @cached_property
    def all(self) -> Bools:
        return np.ones(len(self.start), bool)

    @cached_property
    def tile(self) -> Ints:
        """The tile of each selected event; a lifetime has one."""
        hop = self.feature["hop_ms"]
        return self.chosen.time // hop if hop else np.zeros(len(self.chosen.time), np.int64)

    def at(self, values: Ints, position: Ints) -> Ints:
        """One value a row; 0 in an empty window."""
        return values[np.where(self.some, position, 0)] if len(values) else np.zeros(len(position), np.int64)


class Frame:
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
        self._selections: dict[tuple[str, str | None, str], Selection] = {}

    def windows(self, feature: dict[str, Any]) -> Windows:
        chosen = self._select(feature)
        edges = self._bounds(feature["window_ms"], feature["offset_ms"], feature["hop_ms"])
        start, end = (chosen.rank[edge] for edge in edges)
        return Windows(feature, chosen, start, end, self.t, self.row_group)

    def _bounds(self, window_ms: int | None, offset_ms: int, hop_ms: int | None) -> tuple[Ints, Ints]:
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

    def _column(self, event_type: str, name: str) -> PropertyColumn:
        key = (event_type, name)
        if key not in self._columns:
            self._columns[key] = self.log.properties[key].take(self.groups.event)
        return self._columns[key]

    def _select(self, feature: dict[str, Any]) -> Selection:
        """The events the feature is about: its type, its filter, and a value where it has a field."""
        event_type, name = feature["event_type"], feature["field"]
        key = (event_type, name, repr(feature["where"]))
        if key not in self._selections:
            mask = self.log.is_type(event_type)[self.groups.event]
            columns = {p["field"]: self._column(event_type, p["field"]) for p in feature["where"]}
            mask = mask & matching(feature["where"], columns, len(self.groups.group))
            column = None if name is None else self._column(event_type, name)
            if column is not None:
                mask = mask & column.present
            at, rank = np.flatnonzero(mask), prefix_sum(mask.astype(np.int64))
            self._selections[key] = Selection(at, rank, self.groups.group[at], self.time[at], column)
        return self._selections[key]
