"""What an aggregation is: one object in one file, the twin of that in core/aggregates.

`cells` writes what a tile of the online state keeps, to the same bytes; `values` reads windows from raw events, to the
same values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.values.columns import PropertyColumn
from tidemark_spark.engine.values.lists import Lists

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Values = tuple[NDArray[Any] | Lists, Bools]
"""One value a row, and where there is one."""


@dataclass(frozen=True)
class Cut:
    """The events that touch a partial, sorted by (entity, tile); at least one."""

    log: EventLog
    spec: dict[str, Any]
    at: Ints
    """Positions in the log."""
    begin: Ints
    """Where each tile begins among them."""
    hop: int
    """ms; 0 = lifetime."""

    @cached_property
    def end(self) -> Ints:
        return np.concatenate([self.begin[1:], [len(self.at)]])

    @cached_property
    def time(self) -> Ints:
        return self.log.time[self.at]

    @cached_property
    def tile_start(self) -> Ints:
        """First instant of each tile, ms; times are written as offsets from it."""
        first = self.time[self.begin]
        return first // self.hop * self.hop if self.hop else np.zeros(len(first), np.int64)

    @cached_property
    def column(self) -> PropertyColumn:
        return self.log.properties[self.spec["event_type"], self.spec["field"]]

    @cached_property
    def values(self) -> Ints:
        return self.column.values[self.at]


@dataclass(frozen=True)
class Sums:
    """What a partial adds up, which must stay within ±(2^53 − 1)."""

    parts: Callable[[int], tuple[int, ...]]
    """What a value adds to each sum, exactly."""
    mass: Callable[[Floats], Floats]
    """At least the largest magnitude among the parts of each value."""


@dataclass(frozen=True)
class PartialType:
    """What a tile keeps. Aggregations of one kind and the same options share it."""

    kind: str
    cells: Callable[[Cut], list[bytes]]
    """The bytes of each tile's cell."""
    sums: Sums | None = None


@dataclass(frozen=True)
class Aggregation:
    partial: PartialType
    values: Callable[[Windows], Values]
    orders_ties: bool = False
    """Whether a value can depend on the order of events of one instant, and so on event ids."""
