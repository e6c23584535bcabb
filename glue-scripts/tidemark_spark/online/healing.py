"""The online side of the healing: states read in bulk, what they say of themselves, and states written anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from tidemark_spark.engine.admission.tombstones import Tombstones, any_erased
from tidemark_spark.engine.state.codec import OUTDATED, READABLE, CodecError, has_inexact
from tidemark_spark.engine.state.states import State
from tidemark_spark.online.states import item_of, put_state
from tidemark_spark.online.table import CONNECTIONS, SEGMENTS, Item, connect, key_of, segment_pages
from tidemark_spark.online.tombstones import read_tombstones

BATCH = 1600
"""Entities that are read at once."""
_BATCH_GET = 100
_TRIES = 8

FOUND = pa.schema(
    [
        ("entity_id", pa.string()),
        ("finding", pa.string()),
        ("revision", pa.int64()),
        ("state", pa.binary()),
        ("watermarks", pa.map_(pa.string(), pa.string())),
        ("newest_event_time", pa.int64()),
        ("newest_available_at", pa.int64()),
        ("expires_at", pa.int64()),
    ]
)
FOUND_DDL = """entity_id string, finding string, revision long, state binary, watermarks map<string, string>,
    newest_event_time long, newest_available_at long, expires_at long"""
"""A finding an entity; from `state` on only where a new state is wanted. Times in ms, `expires_at` in s, UTC."""


def flagged_entities(spark: SparkSession, table: str, view: str, partials: int | None) -> DataFrame:
    """The entity_id of every state of the view that says itself that it is at odds."""

    def scan(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        client = connect()
        for segment in (number for batch in batches for number in batch.column(0).to_pylist()):
            for items in segment_pages(client, table, segment, **_states_of(view)):
                ids = [i["entity_id"]["S"] for i in items if "state" in i and flag_of(i, partials)]
                yield pa.RecordBatch.from_pydict({"entity_id": ids}, pa.schema([("entity_id", pa.string())]))

    return spark.range(SEGMENTS).repartition(SEGMENTS).mapInArrow(scan, "entity_id string").distinct()


def _states_of(view: str) -> dict[str, Any]:
    return {
        "FilterExpression": "#view = :view",
        "ProjectionExpression": "entity_id, #state, heal, #base",
        "ExpressionAttributeNames": {"#view": "view", "#state": "state", "#base": "base"},
        "ExpressionAttributeValues": {":view": {"S": view}},
    }


def flag_of(item: Item, partials: int | None) -> str | None:
    """Why an item says itself that it needs a new state."""
    data = item["state"]["B"]
    if data[:1] not in READABLE:
        return "unreadable"
    if item.get("heal", {}).get("BOOL"):
        return "doubled"
    if "base" in item:
        return "unmerged"
    if data[:1] in OUTDATED:
        return "outdated"
    try:
        return "inexact" if partials is not None and has_inexact(data, partials) else None
    except CodecError:
        # Damaged: the comparison says so.
        return None


def read_items(table: str, view: str, entities: list[str]) -> dict[str, Item]:
    """Consistent; entities without an item are absent."""
    client = connect()

    def read(some: list[str]) -> list[Item]:
        open_keys, items = [key_of(entity, view) for entity in some], []
        for attempt in range(_TRIES):
            if not open_keys:
                return items
            time.sleep(0.05 * (2**attempt - 1))
            answer = client.batch_get_item(RequestItems={table: {"Keys": open_keys, "ConsistentRead": True}})
            items += answer["Responses"].get(table, [])
            open_keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        raise RuntimeError(f"{len(open_keys)} keys stayed unprocessed. Run the job again.")

    parts = [entities[i : i + _BATCH_GET] for i in range(0, len(entities), _BATCH_GET)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return {item["entity_id"]["S"]: item for items in pool.map(read, parts) for item in items}


def write_states_anew(wanted: DataFrame, table: str, view: str) -> dict[str, int]:
    """Writes each state under the condition that nobody did since it was compared; returns counts by outcome."""

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        client = connect()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for batch in batches:
                # A list a batch, and who is erased after it is deleted again by the erasure, which waits for this job.
                erased = frozenset(read_tombstones(table))
                outcomes = list(pool.map(_writer(client, table, view, erased), batch.to_pylist()))
                yield pa.RecordBatch.from_pydict({"outcome": outcomes})

    rows = wanted.mapInArrow(write, "outcome string").groupBy("outcome").count().collect()
    return {row["outcome"]: row["count"] for row in rows}


def _writer(client: Any, table: str, view: str, erased: Tombstones) -> Callable[[dict[str, Any]], str]:
    def write(row: dict[str, Any]) -> str:
        if row["revision"] is None and any_erased(erased, [row["entity_id"]]):
            return "erased"
        times = (row["newest_event_time"], row["newest_available_at"])
        state = State(row["entity_id"], row["state"], *times, {}, row["expires_at"])
        revision = row["revision"]
        outcome = put_state(client, table, item_of(state, view, dict(row["watermarks"]), (revision or 0) + 1), revision)
        return {"written": "repaired", "lost": "raced"}.get(outcome, outcome)

    return write
