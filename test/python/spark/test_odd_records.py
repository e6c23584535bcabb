"""One record never ends a job: what is refused lands as one row, whatever it held, and what is kept is unchanged."""

from __future__ import annotations

import gzip
import json
from typing import Any

import boto3
import numpy as np
import pyarrow as pa
import pytest
from damage import CONTRACTS, GOOD

from tidemark_spark.engine.values.columns import read_properties
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.events import LANDED_ARROW, refused_row
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables

USE_CASE = {"contracts": CONTRACTS, "replay": {"available_lag_ms": 60_000}}
LINE = {"shard_id": "s1", "sequence_number": "1", "arrival": 1_700_000_000_000, "reason": "UNKNOWN_EVENT_TYPE"}
LINE |= {"detail": "d", "event_type": None, "schema_version": None, "partition_key": "A", "raw_base64": ""}
STRANGE = [
    ("event_type", "\ud83d"),
    ("event_type", "\ud83da\udc00"),
    ("event_type", "a\0b"),
    ("event_type", "a\nb"),
    ("event_type", "x" * 129),
    ("event_type", 7),
    ("event_type", {"a": 1}),
    ("schema_version", 202603011200),
    ("schema_version", -(2**31) - 1),
    ("schema_version", 2**53),
    ("schema_version", 1.5),
    ("schema_version", True),
    ("schema_version", "1"),
    ("source", 7),
    ("source", "\ud83d"),
    ("partition_key", "\udc00"),
    ("detail", "\ud800"),
]


@pytest.fixture
def bucket(aws: str, request: pytest.FixtureRequest) -> str:
    name = f"odd-{abs(hash(request.node.name))}"
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def put(bucket: str, key: str, lines: list[bytes]) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"\n".join(lines) + b"\n"))


@pytest.mark.parametrize(("name", "value"), STRANGE)
def test_a_refused_line_becomes_a_row_whoever_wrote_it(name: str, value: Any) -> None:
    batch = pa.RecordBatch.from_pylist([refused_row(LINE | {name: value})], LANDED_ARROW)
    assert batch.to_pylist()[0]["reason"] == "UNKNOWN_EVENT_TYPE"
    assert len(batch.to_pylist()[0]["partition_key"]) == 1


def test_odd_records_land_once_with_their_reason(spark: Any, bucket: str) -> None:
    tables = Tables("odd")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.odd")
    good = json.dumps(GOOD)
    text = "\\u0000\\r\\n\\u2028\\ud83d\\ude00"
    lines = [
        good.replace('"purchase"', '"\\ud83d"'),
        good.replace('"schema_version": 2', '"schema_version": 202603011200'),
        good.replace('"items": 3', f'"x": {"[" * 600}{"]" * 600}'),
        good.replace('"items": 3', f'"x": {"[" * 1500}{"]" * 1500}'),
        "[" * 100_000,
        good.replace('"items": 3', f'"x": "{"y" * 300_000}"'),
        good.replace('"items": 3', '"x": 1e400, "y": {"a": 12345678901234567890, "a": "\\ud83d"}'),
        good.replace('" a7 "', f'"{text}"').replace('"e1"', '"e2"'),
    ]
    put(bucket, "raw/history/a.ndjson.gz", [line.encode() for line in lines])
    slices = count_lines(spark, bucket, list_objects(bucket, "raw/history/", ".ndjson.gz"))
    assert land(spark, tables, USE_CASE, bucket, slices, 1) == {
        "lines": 8,
        "admitted": 2,
        "rejected_UNKNOWN_EVENT_TYPE": 1,
        "rejected_UNSUPPORTED_SCHEMA_VERSION": 1,
        "rejected_TOO_DEEP": 3,
        "rejected_OVERSIZE": 1,
    }
    rows = spark.sql("SELECT properties FROM glue_catalog.odd.events ORDER BY event_id").collect()
    kept = json.loads(rows[0][0])["_unknown"]
    assert kept == '{"properties":{"x":1e400,"y":{"a": 12345678901234567890, "a": "\\ud83d"}}}'
    assert json.loads(rows[1][0])["store"] == "\0\r\n\u2028😀"


def test_compaction_outlives_lines_of_an_older_release(spark: Any, bucket: str) -> None:
    tables = Tables("odd_archive")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.odd_archive")
    lines = [json.dumps(LINE | {"sequence_number": str(i), name: value}) for i, (name, value) in enumerate(STRANGE)]
    put(bucket, "archive/quarantine/dt=2023-11-14/s1/0-99.ndjson.gz", [line.encode() for line in lines])
    assert compact(spark, tables, bucket, 1)["quarantine_objects"] == 1
    assert spark.table("glue_catalog.odd_archive.quarantine").count() == len(STRANGE)


def test_a_value_that_no_contract_checked_is_no_input() -> None:
    values = ['"12"', "3.7", "-1000000", "true", '{"a":1}', "5", "1e400", "12345678901234567890", "null"]
    documents = pa.chunked_array([pa.array([f'{{"n":{v}}}' for v in values])])

    def read(kind: Any) -> list[Any]:
        column = read_properties(documents, np.ones(len(values), bool), {"n": kind})["n"]
        return [
            value if there else None for value, there in zip(column.arrow().to_pylist(), column.present, strict=True)
        ]

    assert read("int") == [None, None, -1000000, None, None, 5, None, None, None]
    assert read("bool") == [None, None, None, True, None, None, None, None, None]
    assert read("string") == ["12", None, None, None, None, None, None, None, None]
