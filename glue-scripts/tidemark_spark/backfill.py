"""Writing states to the online table: never over a newer live one, and the fence when all are there.

Before the fence, a state that the stream has begun gets the backfill's part beside its own (`base`); its readers merge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from . import aws
from .conditional_writes import MAX_ITEM_BYTES, Outcome, attempt, pause, size_of
from .events import HISTORY_SHARD
from .ir import ViewPlan
from .joins import (
    FENCE_KEY,
    JOIN_KEY,
    BackfillError,
    JoinItem,
    Online,
    before,
    is_fenced,
    marks_before,
    settle_positions,
)
from .online_table import CONNECTIONS, Item, connect, has_item, key_of
from .positions import Positions, attribute_of, covers, highest, positions_of
from .spark_events import by_entity, engine_events, partition_table
from .states import State, entity_states
from .tables import Tables, snapshot_id
from .tombstones import ERASED_KEY, any_erased, read_tombstones, tombstone_of, without_erased

_TRIES = 8
# An item ends at 400 KB; as the processor has it (lambdas/aws/dynamo/states.ts).
MAX_STATE_BYTES = 350 * 1024


def newest_positions(events: DataFrame) -> dict[str, str]:
    """Shard → the highest sequence number in rows of `events`."""
    newest = F.max(F.struct(F.length("sequence_number").alias("n"), F.col("sequence_number").alias("s")))
    rows = events.groupBy("shard_id").agg(newest.alias("last")).collect()
    return {row["shard_id"]: row["last"]["s"] for row in rows}


def backfill(
    spark: SparkSession, tables: Tables, plan: ViewPlan, online: Online, compact: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Writes the state of every entity in `events`, then the view's fence; returns what was written and kept.

    The first time, up to where the view version joined the stream (`compact` merges the archive up to there, see
    joins.settle_positions); once the fence is up, up to what is archived.

    Raises BackfillError when there are no events, the archive does not reach far enough or DynamoDB keeps refusing.
    """
    view = plan.view["version"]
    table = online.table
    joining = not is_fenced(table, view)
    # Before the snapshot, which then holds all that lies before the positions.
    positions = settle_positions(spark, tables, online, view, compact) if joining else {}
    joined = positions if joining else JoinItem(table, view).positions()
    snapshot = snapshot_id(spark, tables.name("events"))
    if snapshot is None:
        raise BackfillError("events: the table is empty. Land the history first.")
    events = tables.at(spark, "events", snapshot)
    history = F.col("shard_id") == HISTORY_SHARD
    if joining:
        events = events.where(before(positions))
        marks = marks_before(positions) | newest_positions(events.where(history))
    else:
        marks = newest_positions(events)

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = partition_table(batches)
        if rows is not None:
            counts = write_states(table, view, entity_states(plan, rows), marks, joined, joining=joining)
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
    counts = {"view": view, "snapshot_id": str(snapshot), "history_rows": history_rows, "shards": len(marks)}
    return counts | dict(outcomes)


def write_states(
    table: str, view: str, states: Iterator[State], marks: Positions, joined: Positions, *, joining: bool = False
) -> Counter[str]:
    """Counts of states by what happened: `written`, `replaced` (an older one), `kept` (a live one that has seen
    all archived events of its entity), `behind` (a live one that has not, but holds newer ones), `erased`, `too_large`
    (for any item: its entity keeps what it has); while `joining` also `based` (put beside what the stream has begun).
    And of `refused_events`, which no exact state holds.

    `marks`: up to where `states` hold everything. `joined`: where the version joined each shard."""
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
        return _write_one(client, table, view, state, marks=marks, joined=joined, joining=joining)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = Counter(pool.map(write, counted()))
    return outcomes + refused


def _write_one(
    client: Any, table: str, view: str, state: State, *, marks: Positions, joined: Positions, joining: bool
) -> str:
    key = key_of(state.entity_id, view)
    known: Positions = {}
    version: int | None = None
    for tried in range(_TRIES):
        # An item that was there and went may have been erased since the list was read.
        if tried > 0 and version is None and has_item(table, ERASED_KEY, tombstone_of(state.entity_id), client):
            return "erased"
        own = marks_of(state, known, joined)
        outcome = put_state(client, table, item_of(state, view, own, (version or 0) + 1), version)
        if outcome == "written":
            return "written" if version is None else "replaced"
        if outcome != "lost":
            return outcome
        if tried > 0:
            pause(tried)
        known, version = {}, None
        stored = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        if stored is None:
            continue
        known = known_positions(stored)
        if joining:
            if ("joined" in stored or "base" in stored) and covers(known, state.positions):
                return "kept"
            if "joined" not in stored:
                outcome = _add_base(client, table, state, stored)
                if outcome == "lost":
                    continue
                return "based" if outcome == "written" else outcome
        if not covers(marks, known):
            return "kept" if covers(known, state.positions) else "behind"
        version = int(stored["version"]["N"])
    raise BackfillError(f"a state was changed {_TRIES} times while it was written. Run the job again.")


def known_positions(item: Item) -> Positions:
    """Shard → what an item has seen, in both of its parts where it has two."""
    return highest(positions_of(item[part]) for part in ("watermarks", "base_watermarks") if part in item)


def marks_of(state: State, known: Positions, joined: Positions) -> Positions:
    """The watermarks of a state that replaces one which has seen `known`: of the shards with events of its entity.

    What lies before the position where the version joined a shard, the processor leaves out without asking a state.
    """
    since = {
        shard: mark for shard, mark in known.items() if shard in state.positions or _at_or_after(mark, joined, shard)
    }
    return highest([since, state.positions])


def _at_or_after(mark: str, joined: Positions, shard: str) -> bool:
    return shard not in joined or int(mark) >= int(joined[shard])


def _add_base(client: Any, table: str, state: State, stored: Item) -> Outcome:
    """Puts the state beside the stream's own, under the condition that nobody wrote since `stored` was read."""
    base = {"base": {"B": state.data}, "base_watermarks": attribute_of(state.positions)}
    if size_of(stored | base) > MAX_ITEM_BYTES:
        return "too_large"
    return attempt(
        lambda: client.update_item(
            TableName=table,
            Key={name: stored[name] for name in ("entity_id", "view")},
            UpdateExpression="SET #base = :base, base_watermarks = :marks, #version = #version + :one",
            ConditionExpression="#version = :read",
            ExpressionAttributeNames={"#base": "base", "#version": "version"},
            ExpressionAttributeValues={
                ":base": base["base"],
                ":marks": base["base_watermarks"],
                ":one": {"N": "1"},
                ":read": stored["version"],
            },
        )
    )


def item_of(state: State, view: str, marks: Positions, version: int) -> Item:
    """The item as the stream processor writes it."""
    item: Item = {
        **key_of(state.entity_id, view),
        "state": {"B": state.data},
        "version": {"N": str(version)},
        "watermarks": attribute_of(marks),
        "newest_event_time": {"N": str(state.newest_event_time)},
        "newest_available_at": {"N": str(state.newest_available_at)},
        "joined": {"BOOL": True},
    }
    return item if state.expires_at is None else item | {"expires_at": {"N": str(state.expires_at)}}


def put_state(client: Any, table: str, item: Item, version: int | None) -> Outcome:
    """Writes under the condition that nobody did since `version` was read (None: there was no item). The caller has
    asked whether the entity was erased."""
    if len(item["state"]["B"]) > MAX_STATE_BYTES or size_of(item) > MAX_ITEM_BYTES:
        return "too_large"
    if version is None:
        absent = "attribute_not_exists(entity_id)"
        return attempt(lambda: client.put_item(TableName=table, Item=item, ConditionExpression=absent))
    return attempt(
        lambda: client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="#version = :read",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":read": {"N": str(version)}},
        )
    )


def write_fence(table: str, view: str, snapshot: int, history_rows: int) -> None:
    """Opens the view: readers refuse to serve it before. Raises RetiredError when it is not kept up any more."""
    fence = {
        **key_of(FENCE_KEY, view),
        "ready": {"BOOL": True},
        "snapshot_id": {"S": str(snapshot)},
        "history_rows": {"N": str(history_rows)},
    }
    kept = {
        "TableName": table,
        "Key": key_of(JOIN_KEY, view),
        "ConditionExpression": "attribute_not_exists(retired_at)",
    }
    actions = [{"Put": {"TableName": table, "Item": fence}}, {"ConditionCheck": kept}]
    client = aws.client("dynamodb")
    for tried in range(_TRIES):
        outcome = attempt(lambda: client.transact_write_items(TransactItems=actions))
        if outcome == "written":
            return
        JoinItem(table, view).require_kept()
        # A function settled a position in the same moment.
        pause(tried)
    raise BackfillError(f"{view}: its fence could not be written in {_TRIES} tries. Run the job again.")
