"""A real PostgreSQL → history and stream: what commits late, at one time, or while it is read comes, and comes once."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from imports_stage import NOW, Stage, import_stage, use_case
from typescript import ROOT

from tidemark_spark.lake.imports.databases import Database, new_rows_sql
from tidemark_spark.online.import_marks import ImportMark
from tidemark_spark.spark.import_runs import import_jdbc

OVERLAP = 300


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = subprocess.Popen(
        ["node", "local/servers/postgres.mjs"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin and server.stdout
    try:
        dsn = json.loads(server.stdout.readline())["dsn"]
        yield f"jdbc:{dsn.replace('postgres@', '')}"
    finally:
        server.stdin.close()
        server.wait(30)


@pytest.fixture(scope="module")
def stage(spark: Any) -> Iterator[Stage]:
    with import_stage(spark, "jdbc", use_case("jdbc", version="updated", overlapSeconds=OVERLAP)) as made:
        yield made


class Session:
    """A connection of its own."""

    def __init__(self, spark: Any, url: str) -> None:
        self._jdbc = spark._jvm.java.sql.DriverManager.getConnection(url, "postgres", "")
        self._jdbc.setAutoCommit(False)

    def say(self, *statements: str) -> None:
        for statement in statements:
            self._jdbc.createStatement().execute(statement)

    def commit(self) -> None:
        self._jdbc.commit()

    def close(self) -> None:
        self._jdbc.close()


@pytest.fixture(scope="module")
def sql(spark: Any, url: str) -> Iterator[Session]:
    session = Session(spark, url)
    session.say(
        "CREATE TABLE \"Orders\" (id bigint PRIMARY KEY, customer text, total numeric(10,2), state text DEFAULT 'paid',"
        " updated timestamptz)"
    )
    session.commit()
    yield session
    session.close()


def run(stage: Stage, url: str, **more: str) -> dict[str, Any]:
    database = Database(url, "postgres", "")
    args = stage.args | {"source_table": "public.Orders"} | more
    return import_jdbc(stage.spark, args, stage.use_case, database, NOW, stage.land)


def row(i: int, customer: str, ago: float) -> str:
    return (
        f'INSERT INTO "Orders" (id, customer, total, updated)'
        f" VALUES ({i}, '{customer}', {i}.50, now() - interval '{ago} seconds')"
    )


def test_a_table_of_a_database(stage: Stage, sql: Session, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # 2 is younger than the longest transaction: not yet.
    sql.say(row(1, "ann", 2000), row(2, "ann", 0))
    sql.commit()
    assert "source run shop" in run(stage, url)["waiting"]
    told = run(stage, url, first="yes")
    assert (told["received"], told["events"]) == (1, 1)
    (landed,) = stage.landed()
    assert (landed["entity_id"], landed["shard_id"]) == ("ann", "history")
    assert json.loads(landed["properties"])["total"] == 150

    # A transaction begins, and writes; another writes later and commits first. Both say one time, but for 5.
    late = Session(stage.spark, url)
    late.say(row(3, "bob", 0))
    sql.say("UPDATE \"Orders\" SET updated = updated - interval '900 seconds' WHERE id = 2", row(4, "cyd", 900))
    sql.say(
        row(5, "cyd", 1000), 'UPDATE "Orders" SET updated = (SELECT updated FROM "Orders" WHERE id = 2) WHERE id = 4'
    )
    sql.commit()
    told = run(stage, url)
    first = stage.sent()
    assert [(e["entity_id"], e["properties"]["total"]) for e in first if e["entity_id"] == "cyd"] == [
        ("cyd", "5.50"),
        ("cyd", "4.50"),
    ]
    assert sorted(e["properties"]["total"] for e in first) == ["2.50", "4.50", "5.50"]

    # It commits after what is newer was imported: its time lies before the mark, within the overlap.
    late.say(
        'UPDATE "Orders" SET updated = (SELECT updated FROM "Orders" WHERE id = 2)'
        " - interval '30 seconds' WHERE id = 3"
    )
    late.commit()
    # And one is changed again, after it was read.
    sql.say("UPDATE \"Orders\" SET total = 9, updated = now() - interval '400 seconds' WHERE id = 1")
    sql.commit()

    # The stream has it all, and then the machine is gone: the mark stays, and what comes again is the same by its ids.
    def broken(*_: Any) -> None:
        raise RuntimeError("the machine is gone")

    mark = ImportMark(stage.online.table, "shop", "jdbc").read()
    with monkeypatch.context() as patched:
        patched.setattr(ImportMark, "move", broken)
        with pytest.raises(RuntimeError, match="is gone"):
            run(stage, url)
    assert ImportMark(stage.online.table, "shop", "jdbc").read() == mark
    second = stage.sent()
    new = [e for e in second if e["event_id"] not in {one["event_id"] for one in first}]
    assert sorted((e["entity_id"], e["properties"]["total"]) for e in new) == [("ann", "9.00"), ("bob", "3.50")]
    run(stage, url)
    again = stage.sent()
    assert {e["event_id"] for e in again} == {e["event_id"] for e in second}
    assert ImportMark(stage.online.table, "shop", "jdbc").read() != mark
    late.close()


def test_the_statement_is_one_for_each_database() -> None:
    postgres = new_rows_sql("jdbc:postgresql://h/d", 'sales.or"ders', "at", None, 900)
    assert postgres == """SELECT * FROM "sales"."or""ders" WHERE "at" < now() - interval '900 seconds'"""
    since = new_rows_sql("jdbc:postgresql://h/d", "orders", "at", 1_000_000, 900)
    assert since.endswith(' AND "at" >= to_timestamp(100000 / 1000.0)')
    mysql = new_rows_sql("jdbc:mysql://h/d", "orders", "at", 1_000_000, 900)
    assert mysql == (
        "SELECT * FROM `orders` WHERE `at` < now(6) - interval 900 second AND `at` >= from_unixtime(100000 / 1000.0)"
    )
