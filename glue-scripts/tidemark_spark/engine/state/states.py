"""States of whole entities from raw events: the tiles, recent ids and times that the stream engine would hold by now.

Partials are cut out of sorted columns by segments; only the bytes of each cell are made one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.aggregates.aggregation import Cut
from tidemark_spark.engine.aggregates.table import partial_type
from tidemark_spark.engine.event_log import EventLog, read_events
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.state.codec import encode_level, encode_recent, encode_state
from tidemark_spark.engine.state.exact_sums import may_leave_range, refused_events
from tidemark_spark.engine.state.ledgers import ledgers_of
from tidemark_spark.engine.state.retractions import Retractions, read_retractions
from tidemark_spark.engine.values.columns import codes_of, matching, ranks_of_decimals
from tidemark_spark.engine.values.hashing import id_hash
from tidemark_spark.engine.values.times import DAY

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """Partials kept at one hop (ms; 0 = lifetime); `retention_ms`: how far back its windows reach, None: for ever."""

    hop_ms: int
    retention_ms: int | None
    partials: list[dict[str, Any]]
    """As the plan has them, each with its `type`: what a tile keeps."""


@dataclass(frozen=True)
class State:
    entity_id: str
    data: bytes
    newest_event_time: int
    newest_available_at: int
    positions: dict[str, str]
    """Shard → the highest sequence number among the entity's own events."""
    expires_at: int | None
    refused: int = 0
    """Events that no exact state can hold (exact_sums.py): it is as if they had never come."""


def levels_of(plan: ViewPlan) -> list[Level]:
    """Of the view's plan."""
    return [
        Level(
            level["hop_ms"] or 0,
            level["retention_ms"],
            [partial | {"type": partial_type(partial["kind"])} for partial in level["partials"]],
        )
        for level in plan.view["plan"]["levels"]
    ]


def entity_states(plan: ViewPlan, events: pa.Table) -> Iterator[State]:
    """The state of every entity in `events` (EVENT_SCHEMA, all events of each)."""
    codes, words = codes_of(events["entity_id"])
    log = read_events(plan, events, codes)
    entities = len(words)
    facts = np.flatnonzero(log.first)
    retractions = read_retractions(plan.retraction_rules, log)
    levels = levels_of(plan)
    refused = _refused(log, _counted(facts, retractions), levels, _newest(log.available, log, facts, entities))
    facts = np.setdiff1d(facts, refused, assume_unique=True) if len(refused) else facts
    counted = _counted(facts, retractions)
    newest_time = _newest(log.time, log, facts, entities)
    newest_available = _newest(log.available, log, facts, entities)
    recent = _recent(plan, log, facts, newest_available)
    left_out = np.bincount(log.entity[refused], minlength=entities)
    encoded = [_encode_level(log, counted, level, newest_available) for level in levels]
    ledger = ledgers_of(plan, log, facts, retractions, newest_available, sum(len(lv.partials) for lv in levels))
    widest = None if any(lv.retention_ms is None for lv in levels) else max((lv.retention_ms or 0) for lv in levels)
    names, positions = words.to_pylist(), _positions(log)
    for entity in range(entities):
        time, available = int(newest_time[entity]), int(newest_available[entity])
        data = encode_state(time, available, recent(entity), ledger(entity), [level(entity) for level in encoded])
        expires = None if widest is None else -(-(available + widest + 2 * DAY) // 1000)
        seen = positions.get(entity, {})
        yield State(names[entity], data, time, available, seen, expires, int(left_out[entity]))


def _counted(facts: Ints, retractions: Retractions | None) -> Ints:
    return facts if retractions is None else facts[retractions.by[facts] < 0]


def _newest(instants: Ints, log: EventLog, facts: Ints, entities: int) -> Ints:
    newest = np.zeros(entities, np.int64)
    np.maximum.at(newest, log.entity[facts], instants[facts])
    return newest


def _refused(log: EventLog, counted: Ints, levels: list[Level], newest: Ints) -> Ints:
    far = [(level, spec) for level in levels for spec in level.partials if may_leave_range(log, spec)]
    sums = [(level.hop_ms, spec, _segments(log, counted, level, spec, newest)[0]) for level, spec in far]
    return refused_events(log, sums)


def _positions(log: EventLog) -> dict[int, dict[str, str]]:
    """Entity → shard → its highest sequence number."""
    sequence = log.texts("sequence_number", np.arange(len(log)))
    (rank,) = ranks_of_decimals(sequence)
    order = np.lexsort((rank, log.shard, log.entity))
    entity, shard = log.entity[order], log.shard[order]
    last = np.ones(len(order), bool)
    last[:-1] = (entity[1:] != entity[:-1]) | (shard[1:] != shard[:-1])
    last_positions = sequence.take(pa.array(order[last])).to_pylist()
    found: dict[int, dict[str, str]] = {}
    for code, name, position in zip(entity[last].tolist(), shard[last].tolist(), last_positions, strict=True):
        found.setdefault(code, {})[log.shards[name]] = position
    return found


def _recent(plan: ViewPlan, log: EventLog, facts: Ints, newest: Ints) -> Callable[[int], bytes]:
    """Ids within the horizon, at most `cap`, the newest by (available_at, hash)."""
    dedupe = plan.view["dedupe"]
    at = facts[log.available[facts] >= newest[log.entity[facts]] - dedupe["horizon_ms"]]
    hashes = id_hash(log.texts("event_id", at))
    order = np.lexsort((-hashes, -log.available[at], log.entity[at]))
    entity, available, hashes = log.entity[at][order], log.available[at][order], hashes[order]
    edge = np.searchsorted(entity, np.arange(len(newest) + 1))

    def encode(code: int) -> bytes:
        begin = int(edge[code])
        mine = slice(begin, min(int(edge[code + 1]), begin + dedupe["cap"]))
        return encode_recent(int(newest[code]), list(zip(available[mine].tolist(), hashes[mine].tolist(), strict=True)))

    return encode


def _encode_level(log: EventLog, facts: Ints, level: Level, newest: Ints) -> Callable[[int], bytes]:
    hop = level.hop_ms
    cut = [_segments(log, facts, level, spec, newest) for spec in level.partials]
    # One number for (entity, tile): tiles are counted from the first one, so that the product stays small.
    tile = [log.time[at[begin]] // hop if hop else np.zeros(len(begin), np.int64) for at, begin in cut]
    low = min((int(t.min()) for t in tile if len(t)), default=0)
    span = max((int(t.max()) for t in tile if len(t)), default=0) - low + 1
    keys = [log.entity[at[begin]] * span + t - low for (at, begin), t in zip(cut, tile, strict=True)]
    rows = np.unique(np.concatenate(keys)) if keys else np.zeros(0, np.int64)
    cells: list[list[bytes | None]] = []
    for spec, (at, begin), key in zip(level.partials, cut, keys, strict=True):
        column: list[bytes | None] = [None] * len(rows)
        made = spec["type"].cells(Cut(log, spec, at, begin, hop)) if len(begin) else []
        for row, cell in zip(np.searchsorted(rows, key).tolist(), made, strict=True):
            column[row] = cell
        cells.append(column)
    edge = np.searchsorted(rows // span, np.arange(len(newest) + 1)).tolist()
    starts = ((rows % span + low) * hop).tolist()

    def encode(code: int) -> bytes:
        mine = slice(edge[code], edge[code + 1])
        return encode_level(hop, starts[mine], [column[mine] for column in cells])

    return encode


def _segments(log: EventLog, facts: Ints, level: Level, spec: dict[str, Any], newest: Ints) -> tuple[Ints, Ints]:
    """Positions of the events that touch the partial, and where each (entity, tile) begins among them."""
    mask = log.is_type(spec["event_type"])
    columns = {p["field"]: log.properties[spec["event_type"], p["field"]] for p in spec["where"]}
    mask = mask & matching(spec["where"], columns, len(log))
    if spec["field"] is not None:
        mask = mask & log.properties[spec["event_type"], spec["field"]].present
    at = facts[mask[facts]]
    entity, tile = log.entity[at], np.zeros(len(at), np.int64)
    if level.hop_ms and level.retention_ms is not None:
        tile = log.time[at] // level.hop_ms
        # Tiles that no reader after the newest arrival can reach are dropped, as the stream engine does.
        reachable = tile >= (newest[entity] + 1 - level.retention_ms) // level.hop_ms
        at, entity, tile = at[reachable], entity[reachable], tile[reachable]
    if not len(at):
        return at, np.zeros(0, np.int64)
    new = np.concatenate([[True], (entity[1:] != entity[:-1]) | (tile[1:] != tile[:-1])])
    return at, np.flatnonzero(new)
