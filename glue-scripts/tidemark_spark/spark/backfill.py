"""Writing states to the online table: never over a newer live one, and the fence when all are there.

Before the fence, a state that the stream has begun gets the backfill's part beside its own (`base`); its readers merge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.tombstones import any_erased, tombstone_of
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.state.states import State, entity_states
from tidemark_spark.engine.values.positions import HISTORY_SHARD, Positions, covers
from tidemark_spark.lake.tables import Tables, snapshot_id
from tidemark_spark.lake.tombstones import without_erased
from tidemark_spark.online.conditional_writes import pause
from tidemark_spark.online.cutovers import BackfillError, CutoverItem, is_fenced, write_fence
from tidemark_spark.online.states import add_base, item_of, known_positions, put_state, watermarks_of
from tidemark_spark.online.table import CONNECTIONS, connect, has_item, key_of
from tidemark_spark.online.tombstones import ERASED_KEY, read_tombstones
from tidemark_spark.spark.cutovers import Online, before, settle_positions, watermarks_before
from tidemark_spark.spark.events import by_entity, engine_events, partition_table

_TRIES = 8


def newest_positions(events: DataFrame) -> dict[str, str]:
    """Shard → the highest sequence number in rows of `events`."""
    newest = F.max(F.struct(F.length("sequence_number").alias("n"), F.col("sequence_number").alias("s")))
    rows = events.groupBy("shard_id").agg(newest.alias("last")).collect()
    return {row["shard_id"]: row["last"]["s"] for row in rows}


def backfill(
    spark: SparkSession, tables: Tables, plan: ViewPlan, online: Online, compact: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Writes the state of every entity in `events`, then the view's fence; returns what was written and kept.

    The first time, up to where the view version cut over (`compact` merges the archive up to there, see
    cutovers.settle_positions); once the fence is up, up to what is archived.

    Raises BackfillError when there are no events, the archive does not reach far enough or DynamoDB keeps refusing.
    """
    view = plan.view["version"]
    table = online.table
    cutting_over = not is_fenced(table, view)
    # Before the snapshot, which then holds all that lies before the positions.
    positions = settle_positions(spark, tables, online, view, compact) if cutting_over else {}
    cutovers = positions if cutting_over else CutoverItem(table, view).positions()
    there = spark.catalog.tableExists(tables.name("events"))
    snapshot = snapshot_id(spark, tables.name("events")) if there else None
    if snapshot is None:
        raise BackfillError("events: the table is empty. Land the history first.")
    events = tables.at(spark, "events", snapshot)
    history = F.col("shard_id") == HISTORY_SHARD
    if cutting_over:
        events = events.where(before(positions))
        watermarks = watermarks_before(positions) | newest_positions(events.where(history))
    else:
        watermarks = newest_positions(events)

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = partition_table(batches)
        if rows is not None:
            counts = write_states(
                table, view, entity_states(plan, rows), watermarks, cutovers, cutting_over=cutting_over
            )
            yield pa.RecordBatch.from_pydict({"outcome": list(counts), "states": list(counts.values())})

    alive = without_erased(events, frozenset(read_tombstones(table)))
    rows = by_entity(engine_events(alive)).mapInArrow(write, "outcome string, states long").collect()
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes[row["outcome"]] += row["states"]
    if outcomes["behind"]:
        raise BackfillError(
            f"{outcomes['behind']} live states lack archived events but hold newer ones. Compact the archive first."
        )
    history_rows = events.where(history).count()
    write_fence(table, view, snapshot, history_rows)
    counts = {"view": view, "snapshot_id": str(snapshot), "history_rows": history_rows, "shards": len(watermarks)}
    return counts | dict(outcomes)


def write_states(
    table: str,
    view: str,
    states: Iterator[State],
    watermarks: Positions,
    cutovers: Positions,
    *,
    cutting_over: bool = False,
) -> Counter[str]:
    """Counts of states by what happened: `written`, `replaced` (an older one), `kept` (a live one that has seen
    all archived events of its entity), `behind` (a live one that has not, but holds newer ones), `erased`, `too_large`
    (for any item: its entity keeps what it has); while `cutting_over` also `based` (put beside what the stream began).
    And of `refused_events`, which no exact state holds.

    `watermarks`: up to where `states` hold everything. `cutovers`: from where on the version applies each shard."""
    client = connect()
    # One list for all: asked for each, the one partition of the tombstones would be asked more than it can answer.
    # Who is erased after this is deleted again by the erasure, which waits for this job.
    erased = frozenset(read_tombstones(table))
    refused: Counter[str] = Counter()

    def counted() -> Iterator[State]:
        for state in states:
            if state.refused:
                refused["refused_events"] += state.refused
            yield state

    def write(state: State) -> str:
        if any_erased(erased, [state.entity_id]):
            return "erased"
        return _write_one(
            client, table, view, state, watermarks=watermarks, cutovers=cutovers, cutting_over=cutting_over
        )

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = Counter(pool.map(write, counted()))
    return outcomes + refused


def _write_one(
    client: Any, table: str, view: str, state: State, *, watermarks: Positions, cutovers: Positions, cutting_over: bool
) -> str:
    key = key_of(state.entity_id, view)
    known: Positions = {}
    revision: int | None = None
    for tried in range(_TRIES):
        # An item that was there and went may have been erased since the list was read.
        if tried > 0 and revision is None and has_item(table, ERASED_KEY, tombstone_of(state.entity_id), client):
            return "erased"
        own = watermarks_of(state, known, cutovers)
        outcome = put_state(client, table, item_of(state, view, own, (revision or 0) + 1), revision)
        if outcome == "written":
            return "written" if revision is None else "replaced"
        if outcome != "lost":
            return outcome
        if tried > 0:
            pause(tried)
        known, revision = {}, None
        stored = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        if stored is None:
            continue
        known = known_positions(stored)
        if cutting_over:
            if ("joined" in stored or "base" in stored) and covers(known, state.positions):
                return "kept"
            if "joined" not in stored:
                outcome = add_base(client, table, state, stored)
                if outcome == "lost":
                    continue
                return "based" if outcome == "written" else outcome
        if not covers(watermarks, known):
            return "kept" if covers(known, state.positions) else "behind"
        revision = int(stored["version"]["N"])
    raise BackfillError(f"a state was changed {_TRIES} times while it was written. Run the job again.")
