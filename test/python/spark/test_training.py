"""Training rows and sets: labels only where closed, nobody lost, the same bytes again."""

from __future__ import annotations

import io
import json
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from naive import naive_holds, naive_row
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, START
from test_archive_and_check import VIEW, aggregate
from test_backfill import events_frame
from typescript import planned

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import DefinitionError
from tidemark_spark.engine.training import DROPPED, plan_training, training_rows
from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.training_set import TrainingSetError, build, rebuild

CHANNELS = ["web", "shop"]
FEATURES = [
    *VIEW["features"],
    aggregate("channel", "last", "channel", None, "string") | {"enum_values": CHANNELS},
]
NO = {"kind": "no_event", "event_type": "purchase", "where": [], "horizon_ms": 3 * DAY, "name": "quiet"}


def use_case(**label: Any) -> dict[str, Any]:
    def span(first: int, last: int) -> dict[str, int]:
        return {"from": START + first * DAY, "to": START + last * DAY, "every_ms": DAY}

    model = {"view": "v", "inputs": ["channel", "loyal", "n", "mean"]}
    model |= {"train": span(2, 6), "validation": span(8, 9), "test": span(12, 14)}
    view = planned(VIEW | {"features": FEATURES})
    document = {"ir_version": 2, "name": "demo", "contracts": CONTRACTS, "views": [view], "model": model}
    return document | {"label": NO | {"eligible": {"event_type": "purchase"}} | label}


def purchases() -> list[dict[str, Any]]:
    """A buys daily until day 9, B once on day 3 (known a day later), C only visits."""
    days = [("A", d) for d in range(10)] + [("B", 3), ("C", 1)]
    return [
        {
            "event_id": f"{entity}{day}",
            "entity_id": entity,
            "event_type": "visit" if entity == "C" else "purchase",
            "event_time": START + day * DAY,
            "available_at": START + (day + (entity == "B")) * DAY,
            "shard_id": "history",
            "sequence_number": str(i + 1),
            "properties": json.dumps({"amount": day, "channel": CHANNELS[day % 2], "loyal": day > 4}),
        }
        for i, (entity, day) in enumerate(days)
    ]


def test_rows_have_the_naive_labels_and_inputs() -> None:
    where = [{"field": "amount", "op": "gt", "value": 4}]
    document, events = use_case(where=where), purchases()
    plan = plan_training(document, START + 13 * DAY)
    found = training_rows(plan, pa.Table.from_pylist(events, EVENT_SCHEMA))
    rows, wanted, still_open = found.rows.to_pylist(), [], 0
    for entity, first in (("A", 2), ("B", 5)):
        for t, split in zip(plan.instants.tolist(), plan.splits, strict=True):
            if t < START + first * DAY:
                continue
            came = any(
                e["entity_id"] == entity
                and t <= e["event_time"] < t + 3 * DAY
                and naive_holds(where[0], json.loads(e["properties"])["amount"])
                for e in events
            )
            value = naive_row(document["views"][0], events, entity, t, lambda e, t=t: e["available_at"] < t)
            inputs = [CHANNELS.index(value["channel"]), int(value["loyal"]), value["n"], value["mean"]]
            if t + 3 * DAY > START + 13 * DAY:
                still_open += 1
                continue
            known = [e for e in events if e["entity_id"] == entity and e["available_at"] < t]
            row = {"entity_id": entity, "t": t, "split": split, "label": int(not came)}
            wanted.append(row | {"newest_event_time": max(e["event_time"] for e in known), "values": inputs})
    assert rows == wanted
    assert {row["label"] for row in rows} == {0, 1}
    assert sum(row["entity_id"] == "B" for row in rows) == 4, "a leaving entity stays in later rows"
    assert found.dropped == dict.fromkeys(DROPPED, 0) | {"label_horizon_open": still_open}


def test_an_instant_of_two_splits_is_refused() -> None:
    document = use_case()
    document["model"]["test"] = document["model"]["train"]
    with pytest.raises(DefinitionError, match="one split"):
        plan_training(document, START)


def test_a_set_is_built_to_the_same_bytes(spark: Any, aws: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="sets", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.sets")
    tables = Tables("sets")
    tables.create_events(spark, 1)
    rows = [(e["event_id"], e["entity_id"], e["event_time"], "history", e["sequence_number"]) for e in purchases()]
    merge_events(spark, tables, events_frame(spark, rows))
    document = use_case(event_type="visit", eligible={"event_type": "visit"})
    said = r"^validation, test: no row has a closed label by \d+ ms; left out were 18 label_horizon_open\. Load later"
    with pytest.raises(TrainingSetError, match=said):
        build(spark, tables, document, "sets", "early", START + 9 * DAY)
    document["model"]["test"] = {"from": START + 5 * DAY + 2, "to": START + 5 * DAY + 2, "every_ms": DAY}
    document["model"]["validation"] = {"from": START + 5 * DAY + 1, "to": START + 5 * DAY + 1, "every_ms": DAY}

    def objects() -> dict[str, bytes]:
        listed = s3.list_objects_v2(Bucket="sets", Prefix="training/one/")["Contents"]
        return {o["Key"]: s3.get_object(Bucket="sets", Key=o["Key"])["Body"].read() for o in listed}

    manifest = build(spark, tables, document, "sets", "one", None)
    first = objects()
    build(spark, tables, document, "sets", "one", None)
    assert objects() == first
    assert json.loads(first["training/one/manifest.json"]) == manifest
    assert manifest["rows"] == {"train": 13, "validation": 3, "test": 3}
    assert manifest["dropped"] == dict.fromkeys(DROPPED, 0)
    assert spark.table("glue_catalog.sets.training_sets").count() == 19
    table = pq.read_table(io.BytesIO(first["training/one/train/part-00000.parquet"]))
    assert table.column_names == ["entity_id", "t", "label", "newest_event_time", "channel", "loyal", "n", "mean"]
    assert table.schema.field("n").type == pa.float64()
    tags = spark.sql("SELECT name, snapshot_id FROM glue_catalog.sets.events.refs WHERE type = 'TAG'").collect()
    assert [(r.name, str(r.snapshot_id)) for r in tags] == [("training-one", manifest["snapshot_id"])]


def test_a_set_of_categories_with_refunds_and_samples_is_the_engines_and_can_be_rebuilt(spark: Any, aws: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="categories", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.categories")
    tables = Tables("categories")
    tables.create_events(spark, 1)
    label = {"kind": "category", "field": "channel", "values": ["web"], "when_none": "drop", "maturity_ms": DAY}
    label |= {"censor": {"event_type": "visit"}, "eligible": {"event_type": "purchase", "within_ms": 4 * DAY}}
    document = use_case(**label)
    document["model"]["sampling"] = {"fraction": 0.9, "seed": 3}
    events = [*purchases(), *refunds_and_an_end(["A7", "A8", "B3"])]
    merge_events(spark, tables, frame_of(spark, events))

    manifest = build(spark, tables, document, "categories", "one", None)
    newest = max(e["event_time"] for e in events)
    wanted = training_rows(plan_training(document, newest), pa.Table.from_pylist(events, EVENT_SCHEMA))
    assert manifest["dropped"] == wanted.dropped
    assert all(wanted.dropped[reason] for reason in ("not_eligible", "not_sampled", "no_event", "censored"))
    columns, found = ["entity_id", "t", "label", "newest_event_time"], []
    for key in manifest["files"]:
        file = io.BytesIO(s3.get_object(Bucket="categories", Key=key)["Body"].read())
        found += pq.read_table(file, columns=columns).to_pylist()
    assert sorted(found, key=str) == sorted(wanted.rows.select(columns).to_pylist(), key=str)
    assert {row["label"] for row in found} == {0, 1}
    report = rebuild(spark, tables, document, "categories", "one")
    assert (report["different"], report["missing"], report["unexpected"]) == ([], [], [])


def refunds_and_an_end(of: list[str]) -> list[dict[str, Any]]:
    """Refunds of purchases on day 11; A is out of sight on day 13; D buys every day up to the 20th."""
    told = [(f"r{one}", one[0], "refund", 11, {"purchase_id": one}) for one in of]
    told += [("end", "A", "visit", 13, {}), ("last", "C", "visit", 30, {})]
    told += [(f"D{day}", "D", "purchase", day, {"amount": day, "channel": CHANNELS[day % 2]}) for day in range(21)]
    return [
        {
            "event_id": event_id,
            "entity_id": entity,
            "event_type": event_type,
            "event_time": START + day * DAY,
            "available_at": START + day * DAY,
            "shard_id": "history",
            "sequence_number": str(100 + number),
            "properties": json.dumps(properties),
        }
        for number, (event_id, entity, event_type, day, properties) in enumerate(told)
    ]


def frame_of(spark: Any, events: list[dict[str, Any]]) -> Any:
    """Rows of the `events` table."""
    frame = spark.createDataFrame(
        [tuple(event[name] for name in EVENT_SCHEMA.names) for event in events],
        "event_id string, entity_id string, event_type string, event_time long, available_at long, shard_id string,"
        " sequence_number string, properties string",
    )
    for name in ("event_time", "available_at"):
        frame = frame.withColumn(name, F.timestamp_millis(name))
    rest = {"source_time": F.lit(None).cast("timestamp"), "source": F.lit(""), "schema_version": F.lit(1)}
    return frame.withColumns(rest | {"sub_sequence": F.lit(0)})
