"""Landing: wire lines in S3 → Iceberg events and quarantine, once however often it runs."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import boto3
import pytest
from damage import CONTRACTS, GOOD
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.tombstones import tombstone_of
from tidemark_spark.lake.erasure.objects import history
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.history_objects import lines_of, list_history, unpacked
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.backfill import newest_positions

USE_CASE = {"contracts": CONTRACTS, "replay": {"available_lag_ms": 60_000}}


def wire(name: str, **more: Any) -> bytes:
    return json.dumps(GOOD | {"event_id": name} | more).encode()


def put(bucket: str, key: str, lines: list[bytes]) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"\n".join(lines) + b"\n"))


@pytest.fixture
def bucket(aws: str, request: pytest.FixtureRequest) -> str:
    name = f"land-{abs(hash(request.node.name))}"
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def run(spark: Any, database: str, bucket: str, use_case: dict[str, Any] = USE_CASE) -> dict[str, int]:
    """The job, once."""
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{database}")
    return land(spark, Tables(database), use_case, bucket, count_lines(spark, bucket, list_history(bucket)), 1)


def rows(spark: Any, database: str, table: str) -> list[Any]:
    name = f"glue_catalog.{database}.{table}"
    spark.sql(f"REFRESH TABLE {name}")
    return spark.sql(f"SELECT * FROM {name}").collect()


def test_lands_each_fact_once_and_keeps_what_it_refused(spark: Any, bucket: str) -> None:
    later = wire("a", available_at="2017-03-01T12:00:00Z", source="late")
    put(bucket, "raw/history/b.ndjson.gz", [wire("c"), later, b"", b"{"])
    put(bucket, "raw/history/a.ndjson.gz", [wire("a"), wire("b", entity_id="h2", event_time="2017-02-29T00:00:00Z")])
    counts = {"lines": 5, "admitted": 3, "rejected_INVALID_EVENT_TIME": 1, "rejected_MALFORMED_JSON": 1}
    positions = set()
    for _ in range(2):
        assert run(spark, "land", bucket) == counts
        found = spark.sql(
            "SELECT event_id, entity_id, sequence_number, shard_id, properties, unix_millis(event_time) t,"
            " unix_millis(available_at) a, source FROM glue_catalog.land.events ORDER BY length(sequence_number), 3"
        ).collect()
        assert [(r.event_id, r.source) for r in found] == [("a", "shop"), ("c", "shop")]
        positions.add(tuple(r.sequence_number for r in found))
        assert all(r.shard_id == "history" and r.a == r.t + 60_000 == 1_488_362_460_000 for r in found)
        assert json.loads(found[0].properties)["net"] == 1225
        refused = {(r.shard_id, r.sequence_number): r.reason for r in rows(spark, "land", "quarantine")}
        reasons = {line: reason for (_, line), reason in refused.items()}
        assert reasons == {"2": "INVALID_EVENT_TIME", "4": "MALFORMED_JSON"}
        assert len({shard for shard, _ in refused}) == 2
    assert len(positions) == 1

    put(bucket, "raw/history/c.ndjson.gz", [wire("a", available_at="2017-03-01T10:00:30Z", source="early")])
    run(spark, "land", bucket)
    (again,) = [r for r in rows(spark, "land", "events") if r.event_id == "a"]
    assert again.source == "early"
    # Whoever knew the fact at its position knew it then, however it is told since.
    assert again.sequence_number == min(positions.pop(), key=int)


def test_a_second_load_keeps_every_refused_line_once_and_lands_behind_the_first(spark: Any, bucket: str) -> None:
    def known(positions: dict[str, str]) -> list[str]:
        marks = {shard: int(mark) for shard, mark in positions.items()}
        return sorted(r.event_id for r in rows(spark, "loads", "events") if int(r.sequence_number) <= marks[r.shard_id])

    put(bucket, "raw/history/2017.ndjson.gz", [wire("a"), b"{broken 2017", wire("b"), wire("f", schema_version=9)])
    run(spark, "loads", bucket)
    served = newest_positions(spark.table("glue_catalog.loads.events"))
    assert known(served) == ["a", "b"]

    put(bucket, "raw/history/2016.ndjson.gz", [wire("c"), b"{broken 2016", wire("d"), wire("a", source="again")])
    counts = {"lines": 8, "admitted": 5, "rejected_MALFORMED_JSON": 2, "rejected_UNSUPPORTED_SCHEMA_VERSION": 1}
    for _ in range(2):
        assert run(spark, "loads", bucket) == counts
        # What was served between the loads is replayed by its watermarks.
        assert known(served) == ["a", "b"]
        assert known(newest_positions(spark.table("glue_catalog.loads.events"))) == ["a", "b", "c", "d"]
        refused = rows(spark, "loads", "quarantine")
        broken = [base64.b64decode(r.raw_base64) for r in refused if r.reason == "MALFORMED_JSON"]
        assert sorted(broken) == [b"{broken 2016", b"{broken 2017"]
        both = [(r.shard_id, r.sequence_number) for r in [*rows(spark, "loads", "events"), *refused]]
        assert len(both) == len(set(both)) == 7

    # A line that a contract admits later is known from then on only.
    wider = USE_CASE | {"contracts": [*CONTRACTS, CONTRACTS[0] | {"schema_version": 9}]}
    assert run(spark, "loads", bucket, wider)["admitted"] == 6
    assert known(served) == ["a", "b"]
    assert "f" in known(newest_positions(spark.table("glue_catalog.loads.events")))


def test_the_same_content_is_landed_once_whatever_its_name(spark: Any, bucket: str) -> None:
    for key in ("raw/history/x/1.ndjson.gz", "raw/history/x/2.json.gz"):
        put(bucket, key, [wire("a"), b"{"])
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="raw/history/x/3.jsonl", Body=wire("a") + b"\n{\n")
    for bookkeeping in ("_SUCCESS", ".part.crc", "folder/"):
        s3.put_object(Bucket=bucket, Key=f"raw/history/x/{bookkeeping}", Body=b"" if "/" in bookkeeping else b"{")
    assert run(spark, "same", bucket) == {"lines": 2, "admitted": 1, "rejected_MALFORMED_JSON": 1}
    assert len(rows(spark, "same", "quarantine")) == 1


@pytest.mark.parametrize(
    "body",
    [
        wire("a") + b"\r\n\r\n" + wire("b") + b"\r\n",
        b"\xef\xbb\xbf" + wire("a") + b"\n \t\n\xef\xbb\xbf" + wire("b") + b"\n\x1a",
        gzip.compress(wire("a") + b"\n") + gzip.compress(wire("b")),
        gzip.compress(wire("a") + b"\n" + wire("b")) + bytes(512),
    ],
)
def test_reads_what_the_command_accepts(body: bytes) -> None:
    assert [line for line in lines_of(unpacked(body)) if line] == [wire("a"), wire("b")]


def test_a_damaged_object_ends_no_job(spark: Any, bucket: str) -> None:
    packed = gzip.compress(b"\n".join(wire(str(i)) for i in range(99)))
    s3 = boto3.client("s3")
    damaged = {"cut": packed[:-5], "behind": packed + b"more", "broken": packed[:60] + b"\0\0\0" + packed[63:]}
    for name, body in damaged.items():
        s3.put_object(Bucket=bucket, Key=f"raw/history/{name}.ndjson.gz", Body=body)
    put(bucket, "raw/history/fine.ndjson.gz", [wire("a")])
    for _ in range(2):
        assert run(spark, "damaged", bucket) == {"lines": 4, "admitted": 1, "rejected_MALFORMED_JSON": 3}
        refused = rows(spark, "damaged", "quarantine")
        assert sorted(r.detail.split(".")[0] for r in refused) == ["behind", "broken", "cut"]
        assert all(r.sequence_number == "0" for r in refused)


def test_an_erasure_finds_what_can_be_read_of_a_damaged_object() -> None:
    text = b"\n".join(wire(str(i), entity_id=f"h{i}") for i in range(200))
    erased = frozenset([tombstone_of("h3")])
    for body in (gzip.compress(text)[:-5], gzip.compress(text[:50]) + gzip.compress(text[50:])[:-9]):
        assert history(body, erased) == (None, 1)
        assert history(body, frozenset([tombstone_of("nobody")])) == (body, 0)
    assert history(gzip.compress(text)[:40], erased)[1] == 0


def test_rows_that_were_numbered_over_all_files_give_way_to_their_lines(spark: Any, bucket: str) -> None:
    put(bucket, "raw/history/2017.ndjson.gz", [wire("a"), b"{broken 2017"])
    put(bucket, "raw/history/2016.ndjson.gz", [wire("b"), b"{broken 2016"])
    run(spark, "former", bucket)
    quarantine = "glue_catalog.former.quarantine"
    whole = rows(spark, "former", "quarantine")
    spark.sql(f"DELETE FROM {quarantine} WHERE raw_base64 = '{base64.b64encode(b'{broken 2016').decode()}'")
    spark.sql(f"UPDATE {quarantine} SET shard_id = 'history', sequence_number = '2'")
    gone = spark.table(quarantine).withColumn("raw_base64", F.lit("Z29uZQ==")).withColumn("sequence_number", F.lit("9"))
    gone.writeTo(quarantine).append()
    run(spark, "former", bucket)
    found = {(r.shard_id, r.sequence_number, r.raw_base64) for r in rows(spark, "former", "quarantine")}
    assert found == {(r.shard_id, r.sequence_number, r.raw_base64) for r in whole} | {("history", "9", "Z29uZQ==")}


def test_positions_go_on_when_a_clock_went_back(spark: Any, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, "raw/history/1.ndjson.gz", [wire("a")])
    run(spark, "clock", bucket)
    monkeypatch.setattr("tidemark_spark.lake.history.time.time", lambda: 1.0)
    put(bucket, "raw/history/2.ndjson.gz", [wire("b")])
    run(spark, "clock", bucket)
    place = {r.event_id: int(r.sequence_number) for r in rows(spark, "clock", "events")}
    assert place["a"] < place["b"]


def test_a_line_of_several_objects_lands_each_of_them(spark: Any, bucket: str) -> None:
    """Firehose delivers objects to S3 one right after the other: a whole file is one line."""
    first, again = wire("a", source="first"), wire("a", source="again")
    put(bucket, "raw/history/a.ndjson.gz", [first + again + b"{}" + wire("b") + b"{]", wire("c")])
    for _ in range(2):
        counts = {"lines": 6, "admitted": 4, "rejected_MISSING_ENTITY": 1, "rejected_MALFORMED_JSON": 1}
        assert run(spark, "several", bucket) == counts
        landed = sorted(rows(spark, "several", "events"), key=lambda row: row.event_id)
        assert [(r.event_id, r.source, r.sub_sequence) for r in landed] == [
            ("a", "first", 0),
            ("b", "shop", 3),
            ("c", "shop", 0),
        ]
        assert landed[0].sequence_number == landed[1].sequence_number
        refused = [(r.sequence_number, r.sub_sequence, r.raw_base64) for r in rows(spark, "several", "quarantine")]
        assert sorted(refused) == [("1", 2, "e30="), ("1", 4, "e10=")]


def test_of_a_line_of_several_objects_only_those_of_the_erased_are_left_out(spark: Any, bucket: str) -> None:
    put(bucket, "raw/history/a.ndjson.gz", [wire("a") + wire("b", entity_id="gone") + wire("c", entity_id="h2")])
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.somebody")
    slices, erased = count_lines(spark, bucket, list_history(bucket)), frozenset([tombstone_of("gone")])
    counts = land(spark, Tables("somebody"), USE_CASE, bucket, slices, 1, erased)
    assert counts == {"lines": 2, "admitted": 2}
    assert sorted(r.event_id for r in rows(spark, "somebody", "events")) == ["a", "c"]


def test_what_spark_and_hadoop_keep_beside_data_is_no_history(bucket: str) -> None:
    data = ["a.json", "x/2017_01/part-0.gz", "x/y.z/b.jsonl"]
    for key in [*data, "_SUCCESS", "x/.part-0.crc", "_temporary/0/task_1/part-0.json", "x/.staging/part-1", "folder/"]:
        boto3.client("s3").put_object(Bucket=bucket, Key=f"raw/history/{key}", Body=b"{}")
    assert [found.key.removeprefix("raw/history/") for found in list_history(bucket)] == data
