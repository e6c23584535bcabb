"""Writing states to the online table: never over a newer live one, and the fence when all are there.

Before the fence, a state that the stream has begun gets the backfill's part beside its own (`base`); its readers merge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from botocore.exceptions import ClientError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from . import aws
from .events import HISTORY_SHARD
from .ir import ViewPlan
from .joins import FENCE_KEY, BackfillError, Online, before, is_fenced, marks_before, settle_positions
from .online_table import CONNECTIONS, connect, has_item, key_of
from .positions import attribute_of, covers, highest, positions_of
from .spark_events import by_entity, engine_events, partition_table
from .states import State, entity_states
from .tables import Tables, snapshot_id
from .tombstones import ERASED_KEY, read_tombstones, tombstone_of, without_erased

_TRIES = 5


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
            counts = write_states(table, view, entity_states(plan, rows), marks, joining=joining)
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
    table: str, view: str, states: Iterator[State], marks: dict[str, str], *, joining: bool = False
) -> Counter[str]:
    """Counts of states by what happened: `written`, `replaced` (an older one), `kept` (a live one that has seen
    all archived events of its entity), `behind` (a live one that has not, but holds newer ones), `erased`; while
    `joining` also `based` (put beside what the stream has begun). And of `refused_events`, which no exact
    state holds."""
    client = connect()
    refused: Counter[str] = Counter()

    def counted() -> Iterator[State]:
        for state in states:
            if state.refused:
                refused["refused_events"] += state.refused
            yield state

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        outcomes = Counter(pool.map(lambda state: _write_one(client, table, view, state, marks, joining), counted()))
    return outcomes + refused


def _write_one(client: Any, table: str, view: str, state: State, marks: dict[str, str], joining: bool) -> str:
    key = key_of(state.entity_id, view)
    version: int | None = None
    for _ in range(_TRIES):
        if put_state(client, table, item_of(state, view, marks, (version or 0) + 1), version):
            return "written" if version is None else "replaced"
        if version is None and is_erased(client, table, state.entity_id):
            return "erased"
        version = None
        stored = client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        if stored is None:
            continue
        known = known_positions(stored)
        if joining:
            if ("joined" in stored or "base" in stored) and covers(known, marks):
                return "kept"
            if "joined" not in stored:
                if _add_base(client, table, key, state, marks, stored["version"]["N"]):
                    return "based"
                continue
        if not covers(marks, known):
            return "kept" if covers(known, state.positions) else "behind"
        version = int(stored["version"]["N"])
    raise BackfillError(f"a state was changed {_TRIES} times while it was written. Run the job again.")


def known_positions(item: dict[str, Any]) -> dict[str, str]:
    """Shard → what an item has seen, in both of its parts where it has two."""
    return highest(positions_of(item[part]) for part in ("watermarks", "base_watermarks") if part in item)


def _add_base(client: Any, table: str, key: dict[str, Any], state: State, marks: dict[str, str], version: str) -> bool:
    """Puts the state beside the stream's own, under the condition that nobody wrote since `version` was read."""
    try:
        client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #base = :base, base_watermarks = :marks, #version = #version + :one",
            ConditionExpression="#version = :read",
            ExpressionAttributeNames={"#base": "base", "#version": "version"},
            ExpressionAttributeValues={
                ":base": {"B": state.data},
                ":marks": attribute_of(marks),
                ":one": {"N": "1"},
                ":read": {"N": version},
            },
        )
    except ClientError as error:
        return _lost(error)
    return True


def item_of(state: State, view: str, marks: dict[str, str], version: int) -> dict[str, Any]:
    """The item as the stream processor writes it."""
    item: dict[str, Any] = {
        **key_of(state.entity_id, view),
        "state": {"B": state.data},
        "version": {"N": str(version)},
        "watermarks": attribute_of(marks),
        "newest_event_time": {"N": str(state.newest_event_time)},
        "newest_available_at": {"N": str(state.newest_available_at)},
        "joined": {"BOOL": True},
    }
    return item if state.expires_at is None else item | {"expires_at": {"N": str(state.expires_at)}}


def put_state(client: Any, table: str, item: dict[str, Any], version: int | None) -> bool:
    """Writes under the condition that nobody did since `version` was read (None: there was no item)."""
    absent = {"TableName": table, "ConditionExpression": "attribute_not_exists(entity_id)"}
    try:
        if version is None:
            check = absent | {"Key": key_of(ERASED_KEY, tombstone_of(item["entity_id"]["S"]))}
            client.transact_write_items(TransactItems=[{"Put": absent | {"Item": item}}, {"ConditionCheck": check}])
        else:
            client.put_item(
                TableName=table,
                Item=item,
                ConditionExpression="#version = :read",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":read": {"N": str(version)}},
            )
    except ClientError as error:
        return _lost(error)
    return True


def _lost(error: ClientError) -> bool:
    """False when a condition refused the write. Raises the error when it was anything else."""
    lost = ("ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException")
    if error.response["Error"]["Code"] in lost:
        return False
    raise error


def is_erased(client: Any, table: str, entity_id: str) -> bool:
    return has_item(table, ERASED_KEY, tombstone_of(entity_id), client)


def write_fence(table: str, view: str, snapshot: int, history_rows: int) -> None:
    """Opens the view: readers refuse to serve it before."""
    aws.client("dynamodb").put_item(
        TableName=table,
        Item={
            **key_of(FENCE_KEY, view),
            "ready": {"BOOL": True},
            "snapshot_id": {"S": str(snapshot)},
            "history_rows": {"N": str(history_rows)},
        },
    )
