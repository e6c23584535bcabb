"""Whole entities meet in one partition, typed, and the join of DataFrames says what the engine says of tables."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from naive import naive_row
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, START
from test_archive_and_check import VIEW, aggregate, event
from typescript import planned

from tidemark_spark.engine.event_log import EVENT_SCHEMA, read_events, with_typed_properties
from tidemark_spark.engine.ir import compile_view
from tidemark_spark.engine.values.columns import codes_of
from tidemark_spark.spark import entity_shuffle
from tidemark_spark.spark.entity_shuffle import ENTITY_ID, Side, map_entities, partition_keys, split
from tidemark_spark.spark.events import events_side
from tidemark_spark.spark.pit_join import point_in_time_join

COUNTS = VIEW | {
    "features": [aggregate("n", "count", None, 7 * DAY, "int"), aggregate("s", "sum", "amount", None, "int")]
}


def events_of(entities: list[str], count: int) -> list[dict[str, Any]]:
    """One event_id each; some are known late, some lack a property, some are of a type that no view here reads."""
    random = Random(5)
    rows = []
    for number in range(count):
        time = START + random.randrange(40 * DAY)
        properties: dict[str, Any] = {"amount": random.randrange(-9, 99), "store": random.choice("äb"), "loyal": True}
        if random.random() < 0.3:
            del properties[random.choice(sorted(properties))]
        rows.append(
            event(f"e{number}", number, 0)
            | {
                "entity_id": random.choice(entities),
                "event_type": "other" if random.random() < 0.1 else "purchase",
                "event_time": time,
                "available_at": time + random.choice([0, 1, DAY]),
                "properties": properties,
            }
        )
    return rows


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    texts = [row | {"properties": json.dumps(row["properties"])} for row in rows]
    return pa.Table.from_pylist([{name: row[name] for name in EVENT_SCHEMA.names} for row in texts], EVENT_SCHEMA)


@pytest.mark.parametrize("partitions", [1, 2, 7, 200])
def test_spark_puts_each_key_into_a_partition_of_its_own(spark: Any, partitions: int) -> None:
    keys = spark.createDataFrame([(key,) for key in partition_keys(partitions)], "key int")
    at = keys.repartition(partitions, "key").select("key", F.spark_partition_id().alias("at")).collect()
    assert sorted(row["at"] for row in at) == list(range(partitions))


def test_a_split_keeps_rows_their_order_and_each_entity_in_one_bucket() -> None:
    ids = [f"entity-{Random(n).randrange(50)}" for n in range(500)]
    parts = dict(split(pa.table({"x": range(500), "entity_id": ids}), 7))
    rows = [(bucket, row["x"], row["entity_id"]) for bucket, part in parts.items() for row in part.to_pylist()]
    assert sorted((x, entity) for _, x, entity in rows) == list(enumerate(ids))
    assert all(part["x"].to_pylist() == sorted(part["x"].to_pylist()) for part in parts.values())
    assert len({(bucket, entity) for bucket, _, entity in rows}) == len(set(ids))
    assert sum(len(part["entity_id"].chunk(0).dictionary) for part in parts.values()) == len(set(ids))


def test_pieces_are_put_together_in_whatever_order_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entity_shuffle, "_PIECE", 64)
    keys, sent = partition_keys(1), pa.table({"entity_id": [f"e{n % 3}" for n in range(90)], "n": range(90)})
    unsent: Any = None
    send = entity_shuffle._sender("side", Side(unsent, sent.schema), keys)
    (batch,) = send(iter(sent.to_batches()))
    assert batch.num_rows > 3
    schemas = {"side": pa.schema([("entity_id", ENTITY_ID), ("n", pa.int64())])}
    backwards = [batch.slice(row, 1) for row in reversed(range(batch.num_rows))]
    tables = entity_shuffle._received(iter(backwards), schemas)
    assert tables is not None
    assert tables["side"].to_pylist() == sent.to_pylist()


def test_sides_meet_whole(spark: Any) -> None:
    schema = pa.schema([("entity_id", ENTITY_ID), ("n", pa.int64())])
    many = spark.range(300).select(F.concat(F.lit("e"), F.col("id") % 20).alias("entity_id"), F.col("id").alias("n"))
    one = spark.createDataFrame([("e3", 1)], "entity_id string, n long")

    def sums(tables: dict[str, pa.Table]) -> pa.Table:
        of = {side: table["n"].to_pylist() for side, table in tables.items()}
        return pa.table(
            {"entities": [len(set(tables["many"]["entity_id"].to_pylist()))]} | {k: [sum(v)] for k, v in of.items()}
        )

    sides = {"many": Side(many, schema), "one": Side(one, schema)}
    rows = map_entities(sides, sums, "entities long, many long, one long").collect()
    assert sum(row["entities"] for row in rows) == 20
    assert sum(row["many"] for row in rows) == sum(range(300))
    assert sum(row["one"] for row in rows) == 1


def test_properties_read_before_they_travel_are_those_of_the_text() -> None:
    plan = compile_view({"contracts": CONTRACTS}, planned(VIEW))
    table = table_of(events_of(["A"], 200))
    codes, _ = codes_of(table["entity_id"])
    text, typed = (read_events(plan, one, codes) for one in (table, with_typed_properties(plan, table)))
    assert text.properties.keys() == typed.properties.keys()
    for key, column in text.properties.items():
        assert column.arrow().equals(typed.properties[key].arrow()), key


@pytest.mark.parametrize("definition", [VIEW, COUNTS], ids=["with first and last", "without event ids"])
def test_the_join_of_frames_equals_plain_python(spark: Any, definition: dict[str, Any]) -> None:
    plan = compile_view({"contracts": CONTRACTS}, planned(definition))
    random = Random(6)
    entities = [f"entity-{n}" for n in range(12)]
    rows = events_of(entities[:-1], 600)
    texts = [row | {"properties": json.dumps(row["properties"])} for row in rows]
    events = spark.createDataFrame(
        [[row[name] for name in EVENT_SCHEMA.names] for row in texts],
        "event_id string, entity_id string, event_type string, event_time long, available_at long, "
        "shard_id string, sequence_number string, properties string",
    )
    for name in ("event_time", "available_at"):
        events = events.withColumn(name, F.timestamp_millis(name))
    asked = [(random.choice(entities), START + random.randrange(50 * DAY), f"row {n}") for n in range(150)]
    spine = spark.createDataFrame(asked, "entity_id string, t long, kept string")
    found = {row["kept"]: row.asDict() for row in point_in_time_join(plan, events, spine).collect()}
    assert len(found) == len(asked)
    for entity, t, kept in asked:
        wanted = naive_row(definition, texts, entity, t, lambda one, t=t: one["available_at"] < t)
        assert found[kept] == {"entity_id": entity, "t": t, "kept": kept} | wanted


def test_events_of_other_types_do_not_travel(spark: Any) -> None:
    plan = compile_view({"contracts": CONTRACTS}, planned(COUNTS))
    assert plan.event_types == ["purchase"]
    frame = spark.createDataFrame(
        [],
        "event_id string, entity_id string, event_type string, event_time timestamp, "
        "available_at timestamp, shard_id string, sequence_number string, properties string",
    )
    columns = ["entity_id", "event_type", "event_time", "available_at", "properties"]
    assert events_side(plan, frame, plan.event_types).rows.columns == columns
    assert events_side(plan, frame).rows.columns == EVENT_SCHEMA.names
