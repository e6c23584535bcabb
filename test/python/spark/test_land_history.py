"""Landing: wire lines in S3 → Iceberg events and quarantine, once however often it runs."""

from __future__ import annotations

import gzip
import json
from typing import Any

import boto3
import pytest
from test_contracts import CONTRACTS, GOOD
from tidemark_spark.history import count_lines, land
from tidemark_spark.lake import list_objects
from tidemark_spark.tables import Tables

USE_CASE = {"contracts": CONTRACTS, "replay": {"available_lag_ms": 60_000}}


def wire(name: str, **more: Any) -> bytes:
    return json.dumps(GOOD | {"event_id": name} | more).encode()


def put(bucket: str, key: str, lines: list[bytes]) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"\n".join(lines) + b"\n"))


@pytest.fixture(scope="module")
def bucket(aws: str) -> str:
    boto3.client("s3").create_bucket(Bucket="land", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return "land"


def test_lands_each_fact_once_and_keeps_what_it_refused(spark: Any, bucket: str) -> None:
    tables = Tables("land")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.land")
    later = wire("a", available_at="2017-03-01T12:00:00Z", source="late")
    put(bucket, "raw/history/b.ndjson.gz", [wire("c"), later, b"", b"{"])
    put(bucket, "raw/history/a.ndjson.gz", [wire("a"), wire("b", entity_id="h2", event_time="2017-02-29T00:00:00Z")])

    def run() -> dict[str, int]:
        slices = count_lines(spark, bucket, list_objects(bucket, "raw/history/", ".ndjson.gz"))
        return land(spark, tables, USE_CASE, bucket, slices, 1)

    counts = {"lines": 5, "admitted": 3, "rejected_INVALID_EVENT_TIME": 1, "rejected_MALFORMED_JSON": 1}
    for _ in range(2):
        assert run() == counts
        rows = spark.sql(
            "SELECT event_id, entity_id, sequence_number, shard_id, properties, unix_millis(event_time) t,"
            " unix_millis(available_at) a, source FROM glue_catalog.land.events ORDER BY event_id"
        ).collect()
        assert [(r.event_id, r.sequence_number, r.source) for r in rows] == [("a", "1", "shop"), ("c", "3", "shop")]
        assert all(r.shard_id == "history" and r.a == r.t + 60_000 == 1_488_362_460_000 for r in rows)
        assert json.loads(rows[0].properties)["net"] == 1225
        refused = spark.sql("SELECT * FROM glue_catalog.land.quarantine ORDER BY length(sequence_number), 2").collect()
        reasons = {r.sequence_number: r.reason for r in refused}
        assert reasons == {"2": "INVALID_EVENT_TIME", "6": "MALFORMED_JSON"}

    put(bucket, "raw/history/c.ndjson.gz", [wire("a", available_at="2017-03-01T10:00:30Z", source="early")])
    run()
    assert spark.sql("SELECT source FROM glue_catalog.land.events WHERE event_id = 'a'").collect()[0][0] == "early"


def test_a_line_of_several_objects_lands_each_of_them(spark: Any, bucket: str) -> None:
    """Firehose delivers objects to S3 one right after the other: a whole file is one line."""
    tables = Tables("several")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.several")
    first, again = wire("a", source="first"), wire("a", source="again")
    put(bucket, "raw/several/a.ndjson.gz", [first + again + b"{}" + wire("b") + b"{]", wire("c")])

    for _ in range(2):
        slices = count_lines(spark, bucket, list_objects(bucket, "raw/several/", ".ndjson.gz"))
        counts = land(spark, tables, USE_CASE, bucket, slices, 1)
        assert counts == {"lines": 6, "admitted": 4, "rejected_MISSING_ENTITY": 1, "rejected_MALFORMED_JSON": 1}
    events = spark.sql("SELECT event_id, source, sequence_number, sub_sequence FROM glue_catalog.several.events")
    assert sorted(map(tuple, events.collect())) == [
        ("a", "first", "1", 0),
        ("b", "shop", "1", 3),
        ("c", "shop", "2", 0),
    ]
    refused = spark.sql("SELECT sub_sequence, reason, raw_base64 FROM glue_catalog.several.quarantine").collect()
    assert sorted(map(tuple, refused)) == [(2, "MISSING_ENTITY", "e30="), (4, "MALFORMED_JSON", "e10=")]
