"""The events of a partition, sorted and deduplicated once, with the columns that a view reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .columns import PropertyColumn, codes_of, ints_of, ranks_of_decimals, read_properties
from .ir import ViewPlan

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
    """

    entity: Ints
    event_id: pa.ChunkedArray
    time: Ints
    available: Ints
    type: Ints
    types: list[str]
    properties: dict[tuple[str, str], PropertyColumn]
    shard: Ints
    shards: list[str]
    sequence: pa.ChunkedArray
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
        return self.type == self.types.index(event_type)


def read_events(plan: ViewPlan, events: pa.Table, entity: Ints) -> EventLog:
    """Sorts and deduplicates `events` (EVENT_SCHEMA, any order); `entity` holds a code for each event's entity_id."""
    time, available = ints_of(events["event_time"]), ints_of(events["available_at"])
    order = _time_order(events["event_id"], entity, time, available)
    events, entity, time, available = events.take(pa.array(order)), entity[order], time[order], available[order]
    types, type_words = codes_of(events["event_type"])
    shards, shard_words = codes_of(events["shard_id"])
    type_names = type_words.to_pylist()
    properties: dict[tuple[str, str], PropertyColumn] = {}
    for event_type, fields in plan.fields.items():
        of_type = (
            np.flatnonzero(types == type_names.index(event_type)) if event_type in type_names else np.zeros(0, np.int64)
        )
        read = read_properties(events["properties"], of_type, fields, len(events))
        properties |= {(event_type, name): column for name, column in read.items()}
    copy_of, first = _copies(events, entity, available)
    return EventLog(
        entity=entity,
        event_id=events["event_id"],
        time=time,
        available=available,
        type=types,
        types=type_names,
        properties=properties,
        shard=shards,
        shards=shard_words.to_pylist(),
        sequence=events["sequence_number"],
        copy_of=copy_of,
        first=first,
    )


def _time_order(event_id: pa.ChunkedArray, entity: Ints, time: Ints, available: Ints) -> Ints:
    """Order by (entity, time, available, event_id). Ids are long and many: compared only where the rest ties."""
    order = np.lexsort((available, time, entity))
    a, t, e = available[order], time[order], entity[order]
    tied = np.zeros(len(order) + 1, bool)
    tied[1:-1] = (a[1:] == a[:-1]) & (t[1:] == t[:-1]) & (e[1:] == e[:-1])
    in_run = np.flatnonzero(tied[1:] | tied[:-1])
    if len(in_run):
        run = np.cumsum(~tied[:-1])[in_run]
        codes, words = codes_of(event_id.take(pa.array(order[in_run])))
        rank = np.empty(len(words), np.int64)
        rank[_byte_order(words)] = np.arange(len(words))
        order[in_run] = order[in_run][np.lexsort((rank[codes], run))]
    return order


def _byte_order(words: pa.Array) -> Ints:
    """The order of strings by their UTF-8 bytes, which is the order of their code points."""
    return pc.sort_indices(words.cast(pa.large_binary())).to_numpy().astype(np.int64)


def _copies(events: pa.Table, entity: Ints, available: Ints) -> tuple[Ints, Bools]:
    """Codes of (entity, event_id) and the earliest copy of each by (available_at, sequence_number, shard_id)."""
    ids, words = codes_of(events["event_id"])
    first = np.ones(len(ids), bool)
    if len(words) == len(ids):
        return ids, first
    repeated = np.flatnonzero(np.bincount(ids, minlength=len(words))[ids] > 1)
    (sequence,) = ranks_of_decimals(events["sequence_number"].take(pa.array(repeated)))
    shard_codes, shard_words = codes_of(events["shard_id"].take(pa.array(repeated)))
    shard_rank = np.empty(len(shard_words), np.int64)
    shard_rank[_byte_order(shard_words)] = np.arange(len(shard_words))
    order = np.lexsort((shard_rank[shard_codes], sequence, available[repeated], entity[repeated], ids[repeated]))
    at = repeated[order]
    again = (ids[at][1:] == ids[at][:-1]) & (entity[at][1:] == entity[at][:-1])
    first[at[1:][again]] = False
    # One id may be used by two entities: those are two facts.
    copy_of = ids.copy()
    copy_of[at] = len(words) + np.cumsum(np.concatenate([[True], ~again])) - 1
    return copy_of, first
