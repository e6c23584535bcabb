"""Tables as Fivetran and Airbyte keep them → history and stream: each fact once, in its order, whatever breaks."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from imports_stage import NOW, Stage, import_stage, raw_of, use_case

from tidemark_spark.lake.imports.kept import keep_history
from tidemark_spark.online.import_marks import ImportMark
from tidemark_spark.spark.import_runs import import_table

TABLE = "glue_catalog.theirs.orders"
# Where the table's files lie while it is one of plain files.
FOLDER: dict[str, str] = {}
SENT: list[dict[str, Any]] = []
OPTIONS = {"version": "updated", "deleted": "_fivetran_deleted", "arrived": "_fivetran_synced"}


@pytest.fixture(scope="module")
def stage(spark: Any) -> Iterator[Stage]:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.theirs")
    properties = ", ".join(f"'write.{what}.mode'='merge-on-read'" for what in ("update", "delete", "merge"))
    spark.sql(
        f"CREATE TABLE {TABLE} (id BIGINT, customer STRING, total DECIMAL(10, 2), state STRING, updated TIMESTAMP,"
        f" _fivetran_deleted BOOLEAN, _fivetran_synced TIMESTAMP) USING iceberg TBLPROPERTIES ({properties})"
    )
    with import_stage(spark, "table", use_case("table", **OPTIONS)) as made:
        yield made


def run(stage: Stage, **more: str) -> dict[str, Any]:
    args = stage.args | {"source_database": "theirs", "source_table": "orders"} | more
    return import_table(stage.spark, args, stage.use_case, NOW, stage.land, lambda *_: FOLDER.get("files"))


def add(stage: Stage, *rows: tuple[int, str | None, str, str, int, int]) -> None:
    """Of each: id, customer, total, state, when it was updated and when it was synchronised, s."""
    values = ", ".join(
        f"({i}, nullif('{who}', 'None'), {total}, '{state}', timestamp_seconds({at}), false,"
        f" timestamp_seconds({synced}))"
        for i, who, total, state, at, synced in rows
    )
    stage.spark.sql(f"INSERT INTO {TABLE} VALUES {values}")


def test_what_a_table_holds_first_is_history(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    add(stage, (1, "ann", "10.00", "paid", 100, 1000), (2, "bob", "5", "draft", 100, 1000))
    add(stage, (3, "ann", "7.50", "paid", 90, 1001), (4, None, "1", "paid", 95, 1001))
    # Nobody asked for it yet.
    assert "source run shop" in run(stage)["waiting"]
    assert stage.objects("raw/history/") == []

    # It breaks off after the history landed, before the mark is moved.
    def broken(*_: Any) -> None:
        raise RuntimeError("the machine is gone")

    with monkeypatch.context() as patched:
        patched.setattr(ImportMark, "move", broken)
        with pytest.raises(RuntimeError, match="is gone"):
            run(stage, first="yes")
    assert "waiting" in run(stage)

    counts = {"received": 4, "events": 2, "known": 0, "refused": 1, "ignored": 1}
    told = run(stage, first="yes")
    assert told | counts == told
    assert (told["mode"], told["arrived_ms"]) == ("all", 1_001_000)
    landed = {row["entity_id"]: row for row in stage.landed() if row["event_time"].timestamp() == 90}
    assert len(stage.landed()) == 2
    assert landed["ann"]["properties"] == '{"gone":null,"tier":null,"total":750}'
    assert (landed["ann"]["shard_id"], landed["ann"]["available_at"].timestamp()) == ("history", 91)
    assert stage.sent() == []
    (refused,) = stage.objects("archive/quarantine/")
    assert (refused["shard_id"], refused["reason"], refused["arrival"]) == ("intake-shop-table", "MISSING_ENTITY", NOW)
    assert raw_of(refused)["after"]["id"] == 4
    assert raw_of(refused)["time_ms"] == 1_001_000
    assert run(stage)["mode"] == "nothing"


def test_what_comes_later_comes_by_the_stream_in_the_order_of_its_entity(stage: Stage) -> None:
    stage.spark.sql(
        f"UPDATE {TABLE} SET total = 12, updated = timestamp_seconds(200), _fivetran_synced = timestamp_seconds(1010)"
        " WHERE id = 1"
    )
    add(stage, (5, "ann", "3", "paid", 150, 1009), (6, "cyd", "0.01", "paid", 10, 1011))
    told = run(stage)
    assert (told["mode"], told["gaps"]) == ("current", 0)
    # Those of the overlap are known.
    assert (told["events"], told["known"]) == (3, 1)
    sent = stage.sent()
    SENT.extend(sent)
    assert [(e["event_time"], e["properties"]["total"]) for e in sent if e["entity_id"] == "ann"] == [
        (150_000, "3.00"),
        (200_000, "12.00"),
    ]
    assert {e["event_id"].split(":")[0] for e in sent} == {"shop"}
    assert all(len(e["event_id"]) == len("shop:") + 64 for e in sent)


def test_a_row_that_says_that_it_was_deleted_is_a_deletion(stage: Stage) -> None:
    stage.spark.sql(
        f"UPDATE {TABLE} SET _fivetran_deleted = true, _fivetran_synced = timestamp_seconds(1020) WHERE id = 3"
    )
    run(stage)
    sent = stage.sent()
    SENT.extend(sent)
    (deleted,) = [e for e in sent if e["properties"].get("gone")]
    assert (deleted["entity_id"], deleted["properties"]) == ("ann", {"total": "7.50", "gone": True})


def test_a_table_that_is_synchronised_anew_says_nothing_new(stage: Stage) -> None:
    # As the compaction does with what was sent.
    keep_history(stage.online.bucket, "shop", [json.dumps(event) for event in SENT])
    stage.land()
    stage.spark.sql(f"UPDATE {TABLE} SET _fivetran_synced = timestamp_seconds(2000)")
    told = run(stage)
    assert (told["mode"], told["received"], told["events"], told["known"]) == ("current", 6, 0, 4)
    assert stage.sent() == []
    assert run(stage)["mode"] == "nothing"


def test_a_new_column_comes_with_the_rows_that_have_it(stage: Stage) -> None:
    stage.spark.sql(f"ALTER TABLE {TABLE} ADD COLUMN tier STRING")
    stage.spark.sql(
        f"INSERT INTO {TABLE}"
        " VALUES (9, 'dan', 1, 'paid', timestamp_seconds(300), false, timestamp_seconds(2001), 'gold')"
    )
    run(stage)
    sent = {e["entity_id"]: e["properties"] for e in stage.sent()}
    assert sent["dan"] == {"total": "1.00", "tier": "gold"}


def test_a_snapshot_that_is_gone_is_written_down(stage: Stage) -> None:
    mark = ImportMark(stage.online.table, "shop", "table")
    place, arrived = mark.read() or ("", None)
    mark.move("7", arrived)
    told = run(stage)
    assert (told["mode"], told["gaps"]) == ("current", 1)
    (gap,) = stage.objects("sources/gaps/")
    detail = f"snapshot 7 expired or was rolled back; now is {place}"
    assert gap == {
        "source": "shop",
        "carriage": "table",
        "received_at": NOW,
        "kind": "SNAPSHOT_GONE",
        "detail": detail,
    }
    assert run(stage, again="yes")["mode"] == "all"


def test_a_table_of_plain_files_is_read_by_what_was_written_since(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*rows: tuple[int, str, str, int, int]) -> None:
        made = [
            {
                "id": i,
                "customer": who,
                "total": Decimal(total),
                "state": "paid",
                "updated": datetime.fromtimestamp(at, UTC),
            }
            | {"_fivetran_deleted": False, "_fivetran_synced": datetime.fromtimestamp(synced, UTC)}
            for i, who, total, at, synced in rows
        ]
        file = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(made), file)
        key = f"theirs/{rows[0][0]}.parquet"
        boto3.client("s3").put_object(Bucket=stage.args["lake_bucket"], Key=key, Body=file.getvalue())

    monkeypatch.setitem(FOLDER, "files", f"s3://{stage.args['lake_bucket']}/theirs/")
    stage.sent()
    write((901, "eve", "3.00", 9000, 90_000))
    run(stage)
    first = {event["event_id"]: event["properties"]["total"] for event in stage.sent()}
    write((902, "eve", "4.00", 9001, 90_001))
    told = run(stage)
    second = {event["event_id"]: event["properties"]["total"] for event in stage.sent()}
    assert told["mode"] == "files"
    assert list(first.values()) == ["3.00"]
    # What is read again within the overlap is the same event: its id says so.
    assert sorted((first | second).values()) == ["3.00", "4.00"]
