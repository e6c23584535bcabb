"""Merging into a table that another job writes too, and which snapshot is the current one."""

from __future__ import annotations

from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from streams import DAY, START
from test_backfill import events_frame

from tidemark_spark.engine.admission.tombstones import tombstone_of
from tidemark_spark.lake import tables
from tidemark_spark.lake.erasure.tables import erase_tables
from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.tables import Tables, merge, snapshot_id


def test_of_two_first_writers_one_gets_in(spark, monkeypatch):
    table = Tables("first").create(spark, "facts", "key STRING, source STRING")
    merge(spark, table, spark.createDataFrame([("a", "one")], "key string, source string"), ["key"])
    with monkeypatch.context() as late, pytest.raises((PySparkException, Py4JJavaError), match="conflicting"):
        # What the other one saw before the first had written.
        late.setattr(tables, "snapshot_id", lambda *_: None)
        merge(spark, table, spark.createDataFrame([("a", "two")], "key string, source string"), ["key"])
    # Run again, it sees what is there.
    merge(spark, table, spark.createDataFrame([("a", "two"), ("b", "two")], "key string, source string"), ["key"])
    assert sorted(map(tuple, spark.table(table).collect())) == [("a", "one"), ("b", "two")]


EVENTS = Tables("current")
NAME = EVENTS.name("events")


@pytest.fixture
def tagged(spark: Any) -> int:
    """A training set keeps the first event of each entity; since then `events` has gone on. The tagged snapshot."""
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.current")
    spark.sql("DROP TABLE IF EXISTS glue_catalog.current.events PURGE")
    EVENTS.create_events(spark, 1)
    assert snapshot_id(spark, NAME) is None
    days = [
        [(f"{who}{day}", who, START + day * DAY, "s1", f"{day}{i}") for i, who in enumerate("ab")] for day in (1, 2)
    ]
    merge_events(spark, EVENTS, events_frame(spark, days[0]))
    spark.sql(f"ALTER TABLE {NAME} CREATE TAG `training-one`")
    kept = current(spark)
    merge_events(spark, EVENTS, events_frame(spark, days[1]))
    return kept


def current(spark: Any) -> int:
    found = snapshot_id(spark, NAME)
    assert found is not None
    return found


def test_after_an_erasure_the_current_snapshot_is_not_that_of_a_training_set(spark: Any, tagged: int) -> None:
    erased = erase_tables(spark, EVENTS, frozenset([tombstone_of("a")]))
    assert (erased["events"], erased["moved_tags"]) == (2, 1)
    # The copy that the tag was moved to was committed last, and holds the first day alone.
    rows = EVENTS.at(spark, "events", current(spark))
    assert [row["event_id"] for row in rows.orderBy("event_id").collect()] == ["b1", "b2"]


@pytest.mark.parametrize(
    "commit",
    [
        "ALTER TABLE {0} CREATE BRANCH other; INSERT INTO {0}.branch_other SELECT * FROM {0} VERSION AS OF {1}",
        "CALL glue_catalog.system.rollback_to_snapshot('current.events', {1})",
    ],
)
def test_the_current_snapshot_is_the_one_that_is_read(spark: Any, tagged: int, commit: str) -> None:
    for statement in commit.format(NAME, tagged).split("; "):
        spark.sql(statement)
    found = EVENTS.at(spark, "events", current(spark))
    assert sorted(map(tuple, found.collect())) == sorted(map(tuple, spark.table(NAME).collect()))
