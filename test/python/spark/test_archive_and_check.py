"""Compaction of the archive, and served vectors replayed from what it holds."""

from __future__ import annotations

import gzip
import json
from typing import Any

import boto3
import pytest
from streams import CONTRACTS, DAY, START
from typescript import planned, unreadable

from tidemark_spark.engine.ir import compile_view
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.consistency import check, same_value

HOUR = 3_600_000


def aggregate(name: str, op: str, field: str | None, window: int | None, value_type: str) -> dict[str, Any]:
    hop = None if window is None else HOUR
    more = {
        "where": [],
        "window_ms": window,
        "hop_ms": hop,
        "cap": None,
        "k": None,
        "offset_ms": 0,
        "enum_values": None,
        "description": "",
    }
    base = {"kind": "aggregate", "name": name, "op": op, "event_type": "purchase", "field": field}
    return base | more | {"value_type": value_type}


VIEW = {
    "name": "v",
    "features": [
        aggregate("n", "count", None, 7 * DAY, "int"),
        aggregate("mean", "mean", "amount", None, "float"),
        aggregate("store", "last", "store", None, "string"),
        aggregate("loyal", "last", "loyal", None, "bool"),
    ],
    "dedupe": {"horizon_ms": DAY, "cap": 4},
    "retractions": None,
    "definition_hash": "h",
    "version": "v@h",
}
PLAN = compile_view({"contracts": CONTRACTS}, planned(VIEW))


def event(name: str, sequence: int, amount: int, **more: Any) -> dict[str, Any]:
    time = START + sequence * 1000
    base = {"event_id": name, "entity_id": "A", "event_type": "purchase", "event_time": time, "source_time": None}
    base |= {"source": "", "schema_version": 1, "available_at": time + 10, "shard_id": "s1"}
    base |= {
        "sequence_number": str(sequence),
        "properties": {"amount": amount, "store": "s", "loyal": True, "x": "\ud800"},
    }
    return base | more


def prediction(name: str, mark: int, values: list[Any], **more: Any) -> dict[str, Any]:
    base = {"prediction_id": name, "entity_id": "A", "t": START + DAY, "view": "v@h", "definition_hash": "h"}
    base |= {
        "watermarks": {"s1": str(mark)},
        "values": values,
        "inputs": [1, None],
        "score": 0.5,
        "variant": "champion",
    }
    base |= {"model_version": "1", "reasons": ["quiet"], "trigger": "event", "scored_at": START + DAY + 5}
    return base | more


def decided(name: str, rule: str | None, **more: Any) -> dict[str, Any]:
    base = {"alert_id": name, "entity_id": "A", "t": START + DAY, "score": 0.9, "variant": "champion", "rule": rule}
    base |= {"model_version": "1", "definition_hash": "h", "trigger": "sweep", "decided_at": START + DAY + 5}
    return base | more


def said(name: str, alert: str, outcome: str, **more: Any) -> dict[str, Any]:
    base = {"outcome_id": name, "alert_id": alert, "entity_id": "A", "t": START + DAY, "outcome": outcome}
    return base | {"said_by": "U1", "said_at": START + 2 * DAY} | more


@pytest.fixture(scope="module")
def bucket(aws: str) -> str:
    boto3.client("s3").create_bucket(Bucket="arc", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return "arc"


def put(bucket: str, key: str, lines: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line) + "\n" for line in lines)
    boto3.client("s3").put_object(Bucket=bucket, Key=f"archive/{key}.ndjson.gz", Body=gzip.compress(text.encode()))


def test_what_was_served_is_replayed_from_what_was_archived(spark: Any, bucket: str) -> None:
    tables = Tables("arc")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.arc")
    events = [event("a", 1, 10), event("b", 2, 11), event("a", 3, 99), event("c", 4, 1)]
    put(bucket, "events/dt=2023-11-14/s1/1-3", events[:3])
    put(bucket, "events/dt=2023-11-14/s1/2-4", events[1:])
    refused = {"shard_id": "s1", "sequence_number": "5", "arrival": START, "reason": "MALFORMED_JSON", "detail": "d"}
    refused |= {
        "event_type": None,
        "schema_version": None,
        "contract_version": "",
        "partition_key": "A",
        "raw_base64": "",
    }
    put(bucket, "quarantine/dt=2023-11-14/s1/5-5", [refused])
    served = [
        prediction("p1", 2, [2, 10.5, "s", True]),
        prediction("p2", 4, [3, 22 / 3, "s", True]),
        prediction("p3", 4, [3, 7.333333333333334, "s", 1]),
        prediction("p4", 4, [0, None, None, None], entity_id="nobody"),
        prediction("p5", 4, [0], definition_hash="old", view="v@old"),
    ]
    put(bucket, "predictions/dt=2023-11-15/x", served)
    # A batch of the publisher that came again in other parts.
    put(bucket, "alerts/dt=2023-11-15/x", [decided("a1", None), decided("a2", "hold_out")])
    put(bucket, "alerts/dt=2023-11-15/y", [decided("a2", "hold_out"), decided("a3", "capacity")])
    put(bucket, "outcomes/dt=2023-11-16/x", [said("o1", "a1", "reached"), said("o2", "a1", "saved")])
    put(bucket, "outcomes/dt=2023-11-16/y", [said("o2", "a1", "saved")])

    first = compact(spark, tables, bucket, 1)
    objects = {"events": 2, "quarantine": 1, "predictions": 1, "exposures": 0, "alerts": 2, "outcomes": 2}
    assert first == {f"{kind}_objects": count for kind, count in objects.items()}
    assert set(compact(spark, tables, bucket, 1).values()) == {0}
    spark.sql("DELETE FROM glue_catalog.arc.archive_files")
    assert compact(spark, tables, bucket, 1) == first
    kept = spark.sql("SELECT event_id, sequence_number FROM glue_catalog.arc.events ORDER BY 1").collect()
    assert [tuple(row) for row in kept] == [("a", "1"), ("b", "2"), ("c", "4")]
    assert spark.table("glue_catalog.arc.quarantine").count() == 1
    assert spark.table("glue_catalog.arc.predictions").count() == 5
    alerts = spark.sql("SELECT alert_id, rule, unix_millis(decided_at) FROM glue_catalog.arc.alerts ORDER BY 1")
    at = START + DAY + 5
    assert [tuple(row) for row in alerts.collect()] == [
        ("a1", None, at),
        ("a2", "hold_out", at),
        ("a3", "capacity", at),
    ]
    outcomes = spark.sql("SELECT outcome_id, outcome, said_by FROM glue_catalog.arc.outcomes ORDER BY 1").collect()
    assert [tuple(row) for row in outcomes] == [("o1", "reached", "U1"), ("o2", "saved", "U1")]

    found = check(spark, tables, PLAN)
    assert unreadable("checkConsistency", found) == []
    assert (found["checked"], found["mismatches"], found["without_events"], found["other_definition"]) == (4, 1, 1, 1)
    assert found["by_feature"] == {"loyal": 1, "mean": 1}
    example = found["first_example"]
    assert (example["prediction_id"], example["feature"], example["served"]) == ("p3", "loyal", "1")


def test_a_check_before_anything_was_served_checks_nothing(spark: Any) -> None:
    assert check(spark, Tables("nothing"), PLAN)["checked"] == 0


@pytest.mark.parametrize(("a", "b", "same"), [(1, 1.0, True), (1, True, False), (0, None, False), (None, None, True)])
def test_values_are_compared_by_what_they_are(a: Any, b: Any, same: bool) -> None:
    assert same_value(a, b) is same


def test_events_of_one_record_stand_in_their_order_beside_rows_of_an_earlier_release(spark: Any, bucket: str) -> None:
    tables = Tables("subs")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.subs")
    tables.create_events(spark, 1)
    spark.sql("ALTER TABLE glue_catalog.subs.events DROP COLUMN sub_sequence")
    spark.sql(
        "INSERT INTO glue_catalog.subs.events SELECT 'sub-a', 'A', 'purchase', timestamp_millis(1), NULL, 'before', 1,"
        " '{}', timestamp_millis(2), 's2', '9'"
    )
    old = "shard_id STRING, sequence_number STRING, arrival TIMESTAMP, reason STRING, detail STRING, event_type STRING"
    rest = "schema_version INT, contract_version STRING, partition_key STRING, raw_base64 STRING, dt STRING"
    spark.sql(f"CREATE TABLE glue_catalog.subs.quarantine ({old}, {rest}) USING iceberg PARTITIONED BY (dt)")
    line = {"shard_id": "s2", "sequence_number": "8", "arrival": START, "reason": "OVERSIZE", "detail": "d"}
    line |= {"event_type": None, "schema_version": None, "partition_key": "A", "raw_base64": ""}
    spark.sql(
        "INSERT INTO glue_catalog.subs.quarantine SELECT 's2', '8', now(), 'OVERSIZE', '', '', 1, '', '', '', 'x'"
    )

    copies = [event("sub-b", 7, 1, sub_sequence=2), event("sub-b", 7, 2), event("sub-c", 7, 3, sub_sequence=3)]
    again = event("sub-a", 1, 9, shard_id="s2", sequence_number="9", sub_sequence=1, event_time=1, available_at=2)
    put(bucket, "events/dt=2024-01-01/s2/7-9", [*copies, again])
    put(
        bucket,
        "quarantine/dt=2024-01-01/s2/8-8",
        [line, line | {"sub_sequence": 0}, line | {"sub_sequence": 5, "source": "till"}],
    )
    for _ in range(2):
        compact(spark, tables, bucket, 1)
        found = spark.sql("SELECT event_id, sequence_number, sub_sequence, source FROM glue_catalog.subs.events")
        mine = sorted(tuple(row) for row in found.collect() if row.event_id.startswith("sub-"))
        assert mine == [
            ("sub-a", "9", None, "before"),
            ("sub-b", "7", None, ""),
            ("sub-c", "7", 3, ""),
        ]
        rows = spark.sql(
            "SELECT sub_sequence, source FROM glue_catalog.subs.quarantine WHERE shard_id = 's2'"
        ).collect()
        assert sorted(map(tuple, rows), key=lambda row: row[0] or 0) == [(None, None), (5, "till")]
        spark.sql("DELETE FROM glue_catalog.subs.archive_files")
