"""Increments of Iceberg tables as Fivetran, Airbyte and others keep them: each way, and what no way may lose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tidemark_spark.lake.imports.increments import (
    ARRIVED,
    OP,
    ORDINAL,
    Mark,
    greatest_arrival,
    instant_ms,
    plan_increment,
    read_increment,
)
from tidemark_spark.lake.maintenance import expire
from tidemark_spark.lake.tables import Tables

TABLES = Tables("imports")


@pytest.fixture(scope="module")
def lake(spark: Any) -> Any:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.imports")
    return spark


def table(spark: Any, name: str, mode: str = "copy-on-write") -> str:
    full = TABLES.name(name)
    properties = ", ".join(f"'write.{what}.mode'='{mode}'" for what in ("update", "delete", "merge"))
    spark.sql(
        f"CREATE TABLE {full} (id BIGINT, state STRING, synced TIMESTAMP) USING iceberg"
        f" TBLPROPERTIES ('format-version'='2', {properties})"
    )
    return full


def add(spark: Any, full: str, *rows: tuple[int, str, int]) -> None:
    values = ", ".join(f"({i}, '{state}', timestamp_seconds({at}))" for i, state, at in rows)
    spark.sql(f"INSERT INTO {full} VALUES {values}")


def step(spark: Any, name: str, mark: Mark | None, arrived: str | None = "synced") -> tuple[Any, set[tuple], Mark]:
    plan = plan_increment(spark, TABLES, name, mark)
    rows = read_increment(spark, TABLES, name, plan, key=["id"], arrived=arrived, overlap_ms=5_000)
    found = {(r["id"], r["state"], r[OP]) for r in rows.collect()}
    newest = greatest_arrival(rows)
    before = mark.arrived_ms if mark else None
    return plan, found, Mark(plan.until or 0, max((t for t in (newest, before) if t is not None), default=None))


def test_appends_alone_are_read_by_themselves(lake: Any) -> None:
    full = table(lake, "appended")
    plan, found, _ = step(lake, "appended", None)
    assert (plan.mode, found) == ("nothing", set())
    add(lake, full, (1, "a", 100), (2, "b", 101))
    plan, found, mark = step(lake, "appended", None)
    assert (plan.mode, mark.arrived_ms, found) == ("all", 101_000, {(1, "a", "r"), (2, "b", "r")})
    assert step(lake, "appended", mark)[0].mode == "nothing"
    lake.sql(f"ALTER TABLE {full} ADD COLUMN note STRING")
    lake.sql(f"INSERT INTO {full} VALUES (3, 'c', timestamp_seconds(99), 'new')")
    # A compaction of files in between says nothing new.
    lake.sql(
        "CALL glue_catalog.system.rewrite_data_files("
        "table => 'imports.appended', options => map('min-input-files', '2'))"
    )
    plan, found, mark = step(lake, "appended", mark)
    assert (plan.mode, found, mark.arrived_ms) == ("appends", {(3, "c", "c")}, 101_000)
    lake.sql("CALL glue_catalog.system.rewrite_manifests('imports.appended')")
    assert step(lake, "appended", mark)[0].mode == "nothing"


def test_a_table_that_is_copied_on_write_tells_its_changes_in_their_order(lake: Any) -> None:
    full = table(lake, "copied")
    add(lake, full, (1, "a", 100), (2, "b", 100), (3, "c", 100))
    *_, mark = step(lake, "copied", None)
    lake.sql(f"UPDATE {full} SET state = 'a2', synced = timestamp_seconds(110) WHERE id = 1")
    lake.sql(f"DELETE FROM {full} WHERE id = 2")
    add(lake, full, (4, "d", 112))
    lake.sql(f"UPDATE {full} SET state = 'a3', synced = timestamp_seconds(113) WHERE id = 1")
    plan = plan_increment(lake, TABLES, "copied", mark)
    rows = read_increment(lake, TABLES, "copied", plan, key=["id"], arrived="synced", overlap_ms=0).collect()
    told = [(r["id"], r["state"], r[OP]) for r in sorted(rows, key=lambda r: r[ORDINAL])]
    assert plan.mode == "changes"
    assert told == [(1, "a2", "u"), (2, "b", "d"), (4, "d", "c"), (1, "a3", "u")]
    assert {r[ARRIVED] for r in rows if r["id"] == 1} == {110_000, 113_000}


def test_a_table_with_delete_files_is_read_by_arrival(lake: Any) -> None:
    full = table(lake, "merged", "merge-on-read")
    # All in one file: an update leaves a delete file beside it.
    add(lake, full, *((i, "a", 100) for i in range(1, 6)))
    *_, mark = step(lake, "merged", None)
    lake.sql(f"UPDATE {full} SET state = 'b', synced = timestamp_seconds(200) WHERE id = 1")
    lake.sql(f"DELETE FROM {full} WHERE id = 2")
    # It says an earlier time than the mark, by less than the overlap.
    add(lake, full, (7, "late", 96))
    files = lake.sql(f"SELECT count(*) FROM {full}.delete_files").collect()[0][0]
    assert files > 0
    plan, found, _ = step(lake, "merged", mark)
    assert (plan.mode, plan.gap) == ("current", None)
    assert found == {(1, "b", "r"), (7, "late", "r"), *((i, "a", "r") for i in (3, 4, 5))}
    # Without a column that says when rows came, all of them may be new.
    assert len(step(lake, "merged", Mark(mark.snapshot, None), arrived=None)[1]) == 5


def test_a_mark_whose_snapshot_expired_is_a_gap(lake: Any) -> None:
    full = table(lake, "expired")
    add(lake, full, (1, "a", 100))
    *_, mark = step(lake, "expired", None)
    add(lake, full, (2, "b", 300))
    add(lake, full, (3, "c", 301))
    expire(lake, TABLES, "expired", datetime.now(UTC) + timedelta(days=1))
    plan, found, after = step(lake, "expired", mark)
    assert plan.mode == "current"
    assert plan.gap == f"snapshot {mark.snapshot} expired or was rolled back; now is {plan.until}"
    # What came within the overlap before the mark comes again: ids make it harmless.
    assert found == {(1, "a", "r"), (2, "b", "r"), (3, "c", "r")}
    assert after.arrived_ms == 301_000


def test_a_table_that_was_rolled_back_is_a_gap(lake: Any) -> None:
    full = table(lake, "back")
    add(lake, full, (1, "a", 100))
    *_, first = step(lake, "back", None)
    add(lake, full, (2, "b", 300))
    *_, mark = step(lake, "back", first)
    lake.sql(f"CALL glue_catalog.system.rollback_to_snapshot('imports.back', {first.snapshot})")
    add(lake, full, (3, "c", 301))
    plan, found, _ = step(lake, "back", mark)
    assert plan.gap is not None
    assert found == {(3, "c", "r")}


def test_arrivals_as_others_write_them(lake: Any) -> None:
    at, cases = (
        1_714_521_601_500,
        {
            "timestamp '2024-05-01 00:00:01.5Z'": 0,
            "timestamp_ntz '2024-05-01 00:00:01.5'": 0,
            "'2024-05-01T00:00:01.5Z'": 0,
            "'1714521601.5'": 0,
            "1714521601": -500,
            "1714521601500": 0,
        },
    )
    rows = lake.sql(f"SELECT 'soon' AS never, {', '.join(f'{value} AS c{i}' for i, value in enumerate(cases))}")
    said = rows.select([instant_ms(rows, name) for name in rows.columns]).collect()[0]
    assert list(said) == [None, *(at + less for less in cases.values())]
