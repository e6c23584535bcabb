"""Nightly healing: online states against the truth rebuilt from `events`; what differs is told, and written anew.

A state is a function of the set of events it has seen, whatever their order, so states are compared by their bytes. A
state that has seen more than the archive holds can't be: it is left for the next night.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.state.states import State, entity_states, levels_of
from tidemark_spark.engine.values.positions import HISTORY_SHARD, Positions, covers
from tidemark_spark.engine.values.times import DAY
from tidemark_spark.lake.archive.reach import read_reach
from tidemark_spark.lake.tables import Tables, snapshot_id
from tidemark_spark.lake.tombstones import tombstone_column, without_erased
from tidemark_spark.online.cutovers import CutoverItem, is_fenced
from tidemark_spark.online.healing import (
    BATCH,
    FOUND,
    FOUND_DDL,
    flag_of,
    flagged_entities,
    read_items,
    write_states_anew,
)
from tidemark_spark.online.states import MAX_STATE_BYTES, item_of, known_positions, watermarks_of
from tidemark_spark.online.table import Item
from tidemark_spark.online.tombstones import read_tombstones
from tidemark_spark.spark.cutovers import before
from tidemark_spark.spark.events import by_entity, engine_events, partition_table
from tidemark_spark.spark.healing_causes import collected_between, late_copies

Repair = Literal["no", "yes", "all"]

_EXAMPLES = 5
# Where more states than this differ for no known cause, the job's own input is the likelier culprit.
_FEW, _SHARE = 10, 0.01

AT_ODDS = ("unreadable", "inexact", "doubled", "unmerged", "outdated", "diverged", "missing", "stale")
"""Findings that a new state mends.

`unreadable`: of a codec that the deployed code does not know. `inexact`: a retracted event could not be taken out.
`doubled`: it holds an event twice, or passed some over while it could not be read. `unmerged`: the backfill's part
still lies beside the stream's. `outdated`: an older codec. `diverged`: other bytes for no known cause. `missing`:
events, but no item. `stale`: it lacks events that arrived longer ago than the processor tries.
"""
QUIET = ("healthy", "ahead", "behind", "expired")
"""Findings that need nothing.

`ahead`: it holds events that are not archived yet. `behind`: the processor is on its way to the newest events.
`expired`: DynamoDB collected it, as it should. Of the others, `deferred` is at odds and ahead: it waits for the next
night; `too_large`: its truth fits no item.
"""


@dataclass(frozen=True)
class Night:
    """What one run looks at and may do."""

    table: str
    bucket: str
    repair: Repair
    """`no`: only look. `yes`: write anew what is at odds, but not where suddenly many diverge. `all`: also then."""
    now_ms: int
    """Wall clock, UTC."""
    stale_after_ms: int
    """From an event's arrival: longer than the processor tries to apply it."""
    replay: bool = False
    """Whether `available_at` is the source's time: then now is the newest arrival."""
    parts: int = 1
    """States that are at odds by their own word are compared every night, of the others one of so many parts. All
    states are read: what costs most, and is rationed, is to rebuild."""


@dataclass(frozen=True)
class Bounds:
    """What is known of archive and time when an entity is judged."""

    positions: dict[str, str]
    """Shard → up to where `events` is complete."""
    now_ms: int
    wall_ms: int
    stale_after_ms: int
    partials: int | None
    """Of the view, over all levels; None where it has no retractions, and so no flags."""
    cutovers: Positions
    """From where on the view version applies each shard."""


def heal(spark: SparkSession, tables: Tables, plan: ViewPlan, night: Night) -> dict[str, Any]:
    """Compares the states of a view, and repairs those at odds; returns the report, which names nobody.

    Raises whatever Spark and DynamoDB raise; a run that broke off can be repeated.
    """
    started, view = time.time(), plan.view["version"]
    report: dict[str, Any] = {"view": view, "started_at": int(started * 1000)}
    # Before the snapshot, which then holds all that was merged.
    positions = read_reach(spark, tables).complete(night.bucket)
    snapshot = snapshot_id(spark, tables.name("events")) if tables.exists(spark, "events") else None
    if snapshot is None or not is_fenced(night.table, view):
        return report | {"skipped": "its backfill comes first", "checked": 0, "findings": {}, "seconds": 0}
    events = tables.at(spark, "events", snapshot)
    # What was merged out of turn is as good as not archived.
    complete = events.where(before({shard: str(int(position) + 1) for shard, position in positions.items()}))
    alive = without_erased(complete, frozenset(read_tombstones(night.table)))
    now_ms = _newest_arrival(alive) if night.replay else night.now_ms
    partials = sum(len(level.partials) for level in levels_of(plan)) if plan.view["retractions"] else None
    cutovers = CutoverItem(night.table, view).positions()
    bounds = Bounds(positions, now_ms, night.now_ms, night.stale_after_ms, partials, cutovers)
    judged = _judge(plan, _chosen(alive, view, night, partials), night.table, bounds).persist()
    try:
        found: DataFrame = judged
        counts = {row["finding"]: row["count"] for row in found.groupBy("finding").count().collect()}
        diverged = found.where("finding = 'diverged'")
        # Looked for only where something differs: it takes reading the archive.
        copied = late_copies(diverged, complete, plan, night.bucket, _lines_since(night)) if _few(counts) else set()
        if copied:
            counts["diverged"] -= len(copied)
            counts["doubled"] = counts.get("doubled", 0) + len(copied)
            renamed = F.when(F.col("entity_id").isin(*copied), "doubled").otherwise(F.col("finding"))
            found = found.withColumn("finding", renamed)
        counts = {finding: n for finding, n in sorted(counts.items()) if n}
        held = night.repair == "yes" and not _few(counts)
        mended = [f for f in AT_ODDS if night.repair != "no" and not (held and f == "diverged")]
        outcomes = write_states_anew(found.where(F.col("finding").isin(mended)), night.table, view) if mended else {}
        examples = {finding: _examples(found, finding) for finding in counts if finding not in QUIET}
    finally:
        judged.unpersist()
    return report | {
        "snapshot_id": str(snapshot),
        "checked": sum(counts.values()),
        "findings": counts,
        "repaired": outcomes.get("repaired", 0),
        "raced": outcomes.get("raced", 0),
        "erased": outcomes.get("erased", 0),
        "held": counts.get("diverged", 0) if held else 0,
        "examples": examples,
        "seconds": round(time.time() - started, 1),
    }


def _few(counts: dict[str, int]) -> bool:
    return counts.get("diverged", 0) <= max(_FEW, _SHARE * sum(counts.values()))


def _lines_since(night: Night) -> int:
    """ms UTC: an entity was compared within so many nights, and what was merged by then had arrived a while before."""
    return night.now_ms - (night.parts + 2) * DAY


def _newest_arrival(events: DataFrame) -> int:
    return events.agg(F.max(F.unix_millis("available_at"))).collect()[0][0] or 0


def _examples(found: DataFrame, finding: str) -> list[str]:
    """As tombstones are named: whoever has the id can find it, an id can't be read off it."""
    rows = found.where(F.col("finding") == finding).select(tombstone_column("entity_id").alias("hash"))
    return sorted(row["hash"] for row in rows.limit(_EXAMPLES).collect())


def _chosen(events: DataFrame, view: str, night: Night, partials: int | None) -> DataFrame:
    """The events of all entities that are compared tonight."""
    if night.parts == 1:
        return events

    flagged = flagged_entities(events.sparkSession, night.table, view, partials).withColumn("_flagged", F.lit(True))
    turn = F.pmod(F.xxhash64("entity_id"), F.lit(night.parts)) == night.now_ms // DAY % night.parts
    return events.join(flagged, "entity_id", "left").where(turn | F.col("_flagged")).drop("_flagged")


def _judge(plan: ViewPlan, events: DataFrame, table: str, bounds: Bounds) -> DataFrame:
    """A row an entity, with the state to write where the finding wants one."""
    view = plan.view["version"]

    def judge(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = partition_table(batches)
        if rows is None:
            return
        states = entity_states(plan, rows)
        while some := list(islice(states, BATCH)):
            items = read_items(table, view, [state.entity_id for state in some])
            found = [finding_of(plan, rows, state, items.get(state.entity_id), bounds) for state in some]
            judged = zip(some, found, strict=True)
            lines = [_line(state, finding, items.get(state.entity_id), bounds.cutovers) for state, finding in judged]
            yield pa.RecordBatch.from_pylist(lines, FOUND)

    return by_entity(engine_events(events)).mapInArrow(judge, FOUND_DDL)


def finding_of(plan: ViewPlan, events: pa.Table, state: State, item: Item | None, bounds: Bounds) -> str:
    """What an entity's state is. `state`: of all its `events` up to `bounds.positions`; `item`: what is stored."""
    finding = _compared(state, item, bounds)
    if finding == "diverged" and item is not None:
        same = (_same(item, other) for other in collected_between(plan, events, state.entity_id))
        finding = "healthy" if any(same) else finding
    return "too_large" if finding in AT_ODDS and len(state.data) > MAX_STATE_BYTES else finding


def _compared(state: State, item: Item | None, bounds: Bounds) -> str:
    waits = "stale" if state.newest_available_at < bounds.now_ms - bounds.stale_after_ms else "behind"
    if item is None:
        expired = state.expires_at is not None and state.expires_at * 1000 <= bounds.wall_ms
        return "expired" if expired else "missing" if waits == "stale" else "behind"
    known, flag = known_positions(item), flag_of(item, bounds.partials)
    # History comes by the batch way alone: no state is ahead of it, also where its last row was erased since.
    live = {shard: position for shard, position in known.items() if shard != HISTORY_SHARD}
    if not covers(bounds.positions, live):
        return "deferred" if flag else "ahead"
    if flag:
        return flag
    if not covers(known, state.positions):
        return waits
    return "healthy" if _same(item, state) else "diverged"


def _same(item: Item, state: State) -> bool:
    want = item_of(state, "", {}, 0)
    return all(item.get(name) == want.get(name) for name in _VALUES)


_VALUES = ("state", "newest_event_time", "newest_available_at", "expires_at")


def _line(state: State, finding: str, item: Item | None, cutovers: Positions) -> dict[str, Any]:
    """A row of FOUND. The new state stands where the old one stood in each shard, or at its entity's last event there:
    as if the stream had made it."""
    revision = None if item is None else int(item["version"]["N"])
    base: dict[str, Any] = {"entity_id": state.entity_id, "finding": finding, "revision": revision}
    if finding not in AT_ODDS:
        return base
    known = {} if item is None else known_positions(item)
    positions = watermarks_of(state, known, cutovers)
    times = {name: getattr(state, name) for name in ("newest_event_time", "newest_available_at", "expires_at")}
    return base | times | {"state": state.data, "watermarks": list(positions.items())}
