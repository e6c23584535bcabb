"""What is older than it is kept goes from every table, and from every snapshot in the end; what is younger stays."""

import time

import boto3
import pytest

from tidemark_spark.engine.values.times import DAY
from tidemark_spark.lake import retention
from tidemark_spark.lake.maintenance import SNAPSHOT_DAYS
from tidemark_spark.lake.retention import Ages, apply_retention
from tidemark_spark.lake.tables import (
    ALERT_COLUMNS,
    EXPOSURE_COLUMNS,
    OUTCOME_COLUMNS,
    PREDICTION_COLUMNS,
    QUARANTINE_COLUMNS,
    TRAINING_COLUMNS,
    Tables,
)

NOW = int(time.time() * 1000)
BUCKET = "retention"


def at(days: float) -> str:
    return f"timestamp_millis({NOW - int(days * DAY)})"


@pytest.fixture(scope="module")
def tables(spark):
    tables = Tables("retention")
    spark.sql("CREATE DATABASE IF NOT EXISTS glue_catalog.retention")
    boto3.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    tables.create_events(spark, 2)
    tables.create(spark, "quarantine", QUARANTINE_COLUMNS)
    tables.create(spark, "predictions", PREDICTION_COLUMNS)
    tables.create(spark, "exposures", EXPOSURE_COLUMNS)
    tables.create(spark, "alerts", ALERT_COLUMNS)
    tables.create(spark, "outcomes", OUTCOME_COLUMNS)
    tables.create(spark, "training_sets", TRAINING_COLUMNS)
    return tables


def insert(spark, tables, table, **values):
    """A row with some columns."""
    missing = [c for c in spark.table(tables.name(table)).columns if c not in values]
    nulls = "".join(f", null AS `{name}`" for name in missing)
    named = ", ".join(f"{value} AS {name}" for name, value in values.items())
    columns = ", ".join(f"`{c}`" for c in spark.table(tables.name(table)).columns)
    spark.sql(f"INSERT INTO {tables.name(table)} SELECT {columns} FROM (SELECT {named}{nulls})")


def ids(spark, tables, table, column):
    return sorted(row[0] for row in spark.table(tables.name(table)).select(column).collect())


def event(spark, tables, event_id, days, event_days=None):
    known = event_days if event_days is not None else days
    insert(
        spark, tables, "events", event_id=f"'{event_id}'", entity_id="'e'", event_time=at(known), available_at=at(days)
    )


def test_each_table_by_its_own_age(spark, tables):
    # Of an old event that became known late, knowing counts.
    event(spark, tables, "old", 30.01)
    event(spark, tables, "late", 29.99, event_days=300)
    event(spark, tables, "young", 1)
    for name, days in (("old", 10.01), ("young", 9.99)):
        insert(spark, tables, "quarantine", shard_id=f"'{name}'", arrival=at(days))
    for name, days in (("old", 20.01), ("young", 19.99)):
        insert(spark, tables, "predictions", prediction_id=f"'{name}'", scored_at=at(days))
        insert(spark, tables, "exposures", entity_id=f"'{name}'", exposed_at=at(days))
    for name, days in (("old", 40.01), ("young", 39.99)):
        insert(spark, tables, "alerts", alert_id=f"'{name}'", decided_at=at(days))
        insert(spark, tables, "outcomes", outcome_id=f"'{name}'", said_at=at(days))
    ages = Ages(events_days=30, quarantine_days=10, predictions_days=20, scores_days=40, training_days=100_000)
    found = apply_retention(spark, tables, BUCKET, ages, NOW)
    each = {"events": 1, "quarantine": 1, "predictions": 1, "exposures": 1, "alerts": 1, "outcomes": 1}
    assert found == each | {"tags": 0, "training_sets": 0}
    assert ids(spark, tables, "events", "event_id") == ["late", "young"]
    assert ids(spark, tables, "quarantine", "shard_id") == ["young"]
    assert ids(spark, tables, "predictions", "prediction_id") == ["young"]
    assert ids(spark, tables, "exposures", "entity_id") == ["young"]
    assert ids(spark, tables, "alerts", "alert_id") == ["young"]
    assert ids(spark, tables, "outcomes", "outcome_id") == ["young"]
    assert apply_retention(spark, tables, BUCKET, ages, NOW)["events"] == 0


def test_events_stay_where_a_lifetime_needs_them(spark, tables):
    event(spark, tables, "first", 5000)
    before = ids(spark, tables, "events", "event_id")
    ages = Ages(events_days=None, quarantine_days=10, predictions_days=20, scores_days=400, training_days=100_000)
    assert "events" not in apply_retention(spark, tables, BUCKET, ages, NOW)
    assert ids(spark, tables, "events", "event_id") == before


def test_a_training_set_goes_with_the_snapshot_that_its_tag_kept(spark, tables):
    name = tables.name("events")
    event(spark, tables, "tagged", 1)
    for tag in ("training-gone", "training-kept", "other"):
        spark.sql(f"ALTER TABLE {name} CREATE TAG `{tag}`")
    spark.sql(f"DELETE FROM {name} WHERE event_id = 'tagged'")
    for one in ("gone", "kept"):
        insert(spark, tables, "training_sets", training_set_id=f"'{one}'", entity_id="'e'")
    # Its manifest went by its age; the other's is there, and young.
    boto3.client("s3").put_object(Bucket=BUCKET, Key="training/kept/manifest.json", Body=b"{}")
    (real,) = spark.sql(f"SELECT unix_millis(max(committed_at)) FROM {name}.snapshots").collect()[0]
    ages = Ages(events_days=None, quarantine_days=10, predictions_days=20, scores_days=400, training_days=100)

    soon = real + 99 * DAY
    assert apply_retention(spark, tables, BUCKET, ages, soon)["tags"] == 0
    later = real + 101 * DAY
    boto3.client("s3").put_object(Bucket=BUCKET, Key="training/kept/manifest.json", Body=b"{}")
    found = apply_retention(spark, tables, BUCKET, ages, later)
    assert found["tags"] == 2 and found["training_sets"] == 2, "the manifest of the local cloud is as old as the tag"
    tags = [row[0] for row in spark.sql(f"SELECT name FROM {name}.refs WHERE type = 'TAG'").collect()]
    assert tags == ["other"], "a tag of somebody else stays"


def test_a_run_that_broke_off_leaves_no_rows_of_a_set_behind(spark, tables, monkeypatch):
    name = tables.name("events")
    event(spark, tables, "of-a-set", 1)
    spark.sql(f"ALTER TABLE {name} CREATE TAG `training-broken`")
    insert(spark, tables, "training_sets", training_set_id="'broken'", entity_id="'e'")
    (real,) = spark.sql(f"SELECT unix_millis(max(committed_at)) FROM {name}.snapshots").collect()[0]
    ages = Ages(events_days=None, quarantine_days=10_000, predictions_days=10_000, scores_days=400, training_days=100)

    delete = retention._delete

    def refuse(spark, table, where):
        if table == tables.name("training_sets"):
            raise RuntimeError("another job wrote meanwhile")
        return delete(spark, table, where)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(retention, "_delete", refuse)
        with pytest.raises(RuntimeError, match="meanwhile"):
            apply_retention(spark, tables, BUCKET, ages, real + 101 * DAY)
    apply_retention(spark, tables, BUCKET, ages, real + 101 * DAY)
    assert ids(spark, tables, "training_sets", "training_set_id") == []


def test_no_snapshot_keeps_what_was_deleted_for_longer_than_a_week(spark, tables):
    name = tables.name("events")
    spark.sql(f"ALTER TABLE {name} DROP TAG IF EXISTS other")
    event(spark, tables, "secret", 40)
    ages = Ages(events_days=30, quarantine_days=10, predictions_days=20, scores_days=400, training_days=100)
    apply_retention(spark, tables, BUCKET, ages, NOW)
    (real,) = spark.sql(f"SELECT unix_millis(max(committed_at)) FROM {name}.snapshots").collect()[0]
    holding = [
        row[0]
        for row in spark.sql(f"SELECT snapshot_id FROM {name}.snapshots").collect()
        if spark.sql(f"SELECT 1 FROM {name} VERSION AS OF {row[0]} WHERE event_id = 'secret'").collect()
    ]
    assert holding, "a job that reads an older snapshot may end"
    none = Ages(events_days=None, quarantine_days=10_000, predictions_days=10_000, scores_days=400, training_days=100)
    apply_retention(spark, tables, BUCKET, none, real + (SNAPSHOT_DAYS + 1) * DAY)
    left = [row[0] for row in spark.sql(f"SELECT snapshot_id FROM {name}.snapshots").collect()]
    assert not set(left) & set(holding)
