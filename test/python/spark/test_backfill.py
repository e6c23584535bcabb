"""Backfill: states and the fence in DynamoDB, beside live traffic."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, START
from tidemark_spark.backfill import BackfillError, backfill, write_states
from tidemark_spark.events import merge_events
from tidemark_spark.ir import compile_view
from tidemark_spark.states import State
from tidemark_spark.tables import Tables
from tidemark_spark.tombstones import ERASED_KEY, tombstone_of

VIEW = {
    "name": "v",
    "features": [
        {
            "kind": "aggregate",
            "name": "n",
            "op": "count",
            "event_type": "visit",
            "field": None,
            "where": [],
            "window_ms": 7 * DAY,
            "hop_ms": 3_600_000,
            "cap": None,
            "k": None,
            "offset_ms": 0,
            "value_type": "int",
            "enum_values": None,
        }
    ],
    "dedupe": {"horizon_ms": DAY, "cap": 4},
    "retractions": None,
    "version": "v@0",
}
PLAN = compile_view({"contracts": CONTRACTS}, VIEW)


def events_frame(spark: Any, rows: list[tuple[str, str, int, str, str]]) -> Any:
    """(event_id, entity_id, event_time, shard_id, sequence_number) → rows of the `events` table."""
    frame = spark.createDataFrame(
        [(i, e, "visit", t, None, "", 1, json.dumps({}), t + 1000, shard, n) for i, e, t, shard, n in rows],
        "event_id string, entity_id string, event_type string, event_time long, source_time long, source string,"
        " schema_version int, properties string, available_at long, shard_id string, sequence_number string",
    )
    for name in ("event_time", "source_time", "available_at"):
        frame = frame.withColumn(name, F.timestamp_millis(name))
    return frame


@pytest.fixture
def online(aws: str) -> Any:
    table = boto3.resource("dynamodb").create_table(
        TableName="features",
        KeySchema=[{"AttributeName": "entity_id", "KeyType": "HASH"}, {"AttributeName": "view", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("entity_id", "view")],
        BillingMode="PAY_PER_REQUEST",
    )
    yield table
    table.delete()


def test_never_overwrites_what_is_newer_and_opens_the_view_at_the_end(spark: Any, online: Any) -> None:
    tables = Tables("backfill")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.backfill")
    tables.create_events(spark, 1)
    merge_events(
        spark, tables, events_frame(spark, [("a", "A", START, "history", "1"), ("b", "B", START, "history", "2")])
    )

    def item(entity: str) -> dict[str, Any]:
        return online.get_item(Key={"entity_id": entity, "view": "v@0"}).get("Item", {})

    assert backfill(spark, tables, PLAN, "lake", "features")["written"] == 2
    assert item("A")["watermarks"] == {"history": "2"}
    assert item("#fence")["ready"] is True
    # The same again replaces; with more archived, the newer replaces the older.
    merge_events(spark, tables, events_frame(spark, [("c", "A", START + 5, "s1", "10")]))
    assert backfill(spark, tables, PLAN, "lake", "features")["replaced"] == 2
    assert item("A")["watermarks"] == item("B")["watermarks"] == {"history": "2", "s1": "10"}
    assert item("A")["version"] == 2

    # A live state ahead of the archive stays; it has seen all of its entity's events.
    live = item("A") | {"watermarks": {"history": "2", "s1": "11"}, "version": 9}
    online.put_item(Item=live)
    counts = backfill(spark, tables, PLAN, "lake", "features")
    assert (counts["kept"], counts["replaced"]) == (1, 1)
    assert item("A") == live

    # A live state that never saw the history is neither kept silently nor overwritten: the view stays closed.
    online.put_item(Item=live | {"watermarks": {"s1": "11"}})
    online.delete_item(Key={"entity_id": "#fence", "view": "v@0"})
    with pytest.raises(BackfillError, match="1 live states lack archived events"):
        backfill(spark, tables, PLAN, "lake", "features")
    assert item("#fence") == {}


def test_an_erased_entity_gets_no_state(spark: Any, online: Any) -> None:
    tables = Tables("buried")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.buried")
    tables.create_events(spark, 1)
    merge_events(
        spark, tables, events_frame(spark, [("a", "A", START, "history", "1"), ("b", "B", START, "history", "2")])
    )
    online.put_item(Item={"entity_id": ERASED_KEY, "view": tombstone_of("A")})
    assert backfill(spark, tables, PLAN, "lake", "features")["written"] == 1
    assert "Item" not in online.get_item(Key={"entity_id": "A", "view": "v@0"})
    # Erased after the job has read who was: the write itself refuses.
    state = State("A", b"x", START, START, {}, None)
    assert write_states("features", "v@0", iter([state]), {}) == {"erased": 1}
