"""The events of a partition, sorted and deduplicated once, with the columns that a view reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.segments import TimeAxis, stable_order
from tidemark_spark.engine.values.columns import (
    PropertyColumn,
    byte_ranks,
    codes_of,
    ints_of,
    property_column,
    ranks_of_decimals,
    read_properties,
    typed_fields,
)

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("entity_id", pa.string()),
        ("event_type", pa.string()),
        ("event_time", pa.int64()),
        ("available_at", pa.int64()),
        ("shard_id", pa.string()),
        ("sequence_number", pa.string()),
        ("properties", pa.string()),
    ]
)
"""What the engine reads of a canonical event; times in ms UTC, `properties` a JSON object, no nulls."""


@dataclass(frozen=True)
class EventLog:
    """Events by (entity, event_time, available_at, event_id in byte order); `entity` holds codes.

    `copy_of` has one code for every (entity, event_id); `first` marks the earliest available copy of each.
    Columns that few views need stay in `table`, whose row `source[i]` is event i.
    """

    table: pa.Table
    source: Ints
    entity: Ints
    time: Ints
    available: Ints
    type: Ints
    types: list[str]
    properties: dict[tuple[str, str], PropertyColumn]
    copy_of: Ints
    first: Bools

    def __len__(self) -> int:
        return len(self.time)

    @property
    def has_copies(self) -> bool:
        return not bool(self.first.all())

    def is_type(self, event_type: str) -> Bools:
        if event_type not in self.types:
            return np.zeros(len(self), bool)
        if len(self.types) == 1:
            return np.ones(len(self), bool)
        return self.type == self.types.index(event_type)

    def texts(self, column: str, positions: Ints) -> pa.Array:
        """A text column of the events at `positions`."""
        return _flat(self.table[column].take(pa.array(self.source[positions])))

    @cached_property
    def shard(self) -> Ints:
        """Each event's place in `shards`."""
        return self._shards[0][self.source]

    @property
    def shards(self) -> list[str]:
        return self._shards[1]

    @cached_property
    def _shards(self) -> tuple[Ints, list[str]]:
        codes, words = codes_of(self.table["shard_id"])
        return codes, words.to_pylist()


def read_events(plan: ViewPlan, events: pa.Table, entity: Ints, unique: bool = False) -> EventLog:
    """Sorts and deduplicates `events` (any order); `entity` holds a code for each event's entity_id.

    `events` has the columns of EVENT_SCHEMA; `properties` may be read already (`with_typed_properties`). `unique`
    says that it holds each (entity_id, event_id) once, as the `events` table does; then event_id, shard_id and
    sequence_number may be left out where nothing else reads them
    (event_id orders ties for first and last, and is what retractions name).
    """
    time, available = ints_of(events["event_time"]), ints_of(events["available_at"])
    key = TimeAxis(int(entity.max(initial=0)) + 1, time).key(entity, time)
    source = _time_order(events, key, available)
    types, type_words = codes_of(events["event_type"])
    type_names = type_words.to_pylist()
    properties = {key: column.take(source) for key, column in _properties(plan, events, types, type_names).items()}
    if unique:
        copy_of, first = np.arange(len(events)), np.ones(len(events), bool)
    else:
        copy_of, first = _copies(events, entity, available)
        copy_of, first = copy_of[source], first[source]
    return EventLog(
        table=events,
        source=source,
        entity=entity[source],
        time=time[source],
        available=available[source],
        type=types[source] if len(type_names) > 1 else types,
        types=type_names,
        properties=properties,
        copy_of=copy_of,
        first=first,
    )


def _properties(
    plan: ViewPlan, events: pa.Table, types: Ints, type_names: list[str]
) -> dict[tuple[str, str], PropertyColumn]:
    if "properties" not in events.column_names:
        typed = typed_fields(plan.fields)
        return {(of, name): property_column(plan.fields[of][name], events[field.name]) for of, name, field in typed}
    properties: dict[tuple[str, str], PropertyColumn] = {}
    for event_type, fields in plan.fields.items():
        of_type = types == type_names.index(event_type) if event_type in type_names else np.zeros(len(events), bool)
        read = read_properties(events["properties"], of_type, fields)
        properties |= {(event_type, name): column for name, column in read.items()}
    return properties


def with_typed_properties(plan: ViewPlan, events: pa.Table) -> pa.Table:
    """`events` with what the view reads of `properties` as one column each (see `typed_fields`) in its place.

    Read where the events lie, it needn't travel as text. A row has values in the columns of its own type only.
    """
    types, words = codes_of(events["event_type"])
    read = _properties(plan, events, types, words.to_pylist()) if plan.reads_properties else {}
    columns = {field.name: read[of, name].arrow() for of, name, field in typed_fields(plan.fields)}
    kept = [name for name in events.column_names if name != "properties"]
    return pa.table({name: events[name] for name in kept} | columns)


def _time_order(events: pa.Table, key: Ints, available: Ints) -> Ints:
    """Order by (key, available, event_id). Ids are long and many: compared only where the key ties, and if given."""
    order = stable_order(key)
    k = key[order]
    tied = np.zeros(len(order) + 1, bool)
    tied[1:-1] = k[1:] == k[:-1]
    in_run = np.flatnonzero(tied[1:] | tied[:-1])
    if len(in_run):
        run, among = np.cumsum(~tied[:-1])[in_run], order[in_run]
        by = [available[among], run]
        if "event_id" in events.column_names:
            codes, words = codes_of(events["event_id"].take(pa.array(among)))
            by.insert(0, byte_ranks(words)[codes])
        order[in_run] = among[np.lexsort(by)]
    return order


def _copies(events: pa.Table, entity: Ints, available: Ints) -> tuple[Ints, Bools]:
    """Codes of (entity, event_id) and the earliest copy of each by (available_at, sequence_number, shard_id)."""
    ids, words = codes_of(events["event_id"])
    first = np.ones(len(ids), bool)
    if len(words) == len(ids):
        return ids, first
    repeated = np.flatnonzero(np.bincount(ids, minlength=len(words))[ids] > 1)
    (sequence,) = ranks_of_decimals(events["sequence_number"].take(pa.array(repeated)))
    shard_codes, shard_words = codes_of(events["shard_id"].take(pa.array(repeated)))
    shard = byte_ranks(shard_words)[shard_codes]
    order = np.lexsort((shard, sequence, available[repeated], entity[repeated], ids[repeated]))
    at = repeated[order]
    again = (ids[at][1:] == ids[at][:-1]) & (entity[at][1:] == entity[at][:-1])
    first[at[1:][again]] = False
    # One id may be used by two entities: those are two facts.
    copy_of = ids.copy()
    copy_of[at] = len(words) + np.cumsum(np.concatenate([[True], ~again])) - 1
    return copy_of, first


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
