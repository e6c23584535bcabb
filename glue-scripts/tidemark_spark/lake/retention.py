"""Rows of the Iceberg tables that are older than they are kept, and the snapshots that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from tidemark_spark.engine.values.times import DAY
from tidemark_spark.lake.maintenance import SNAPSHOT_DAYS, expire
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables
from tidemark_spark.lake.training_files import FOLDER, TAG


@dataclass(frozen=True)
class Ages:
    """Days that rows are kept, by what they are; None: they stay."""

    events_days: int | None
    quarantine_days: int
    predictions_days: int
    scores_days: int
    training_days: int


def apply_retention(spark: SparkSession, tables: Tables, bucket: str, ages: Ages, now_ms: int) -> dict[str, int]:
    """Deletes what is older, by when it became known; returns rows by table, and tags that went.

    A tag keeps the rows of its training set for as long as the set, and an expired snapshot its files no longer. May
    run again; where another job writes the same table meanwhile, Iceberg refuses one of the two.
    """
    kept = (
        ("events", "available_at", ages.events_days),
        ("quarantine", "arrival", ages.quarantine_days),
        ("predictions", "scored_at", ages.predictions_days),
        ("exposures", "exposed_at", ages.predictions_days),
        ("alerts", "decided_at", ages.scores_days),
        ("outcomes", "said_at", ages.scores_days),
    )
    counts = {}
    for table, column, days in kept:
        if days is not None and tables.exists(spark, table):
            counts[table] = _delete(spark, tables.name(table), f"{column} < {_timestamp(now_ms - days * DAY)}")
    counts |= _old_training_sets(spark, tables, bucket, now_ms - ages.training_days * DAY)
    for table in ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes", "training_sets"):
        if tables.exists(spark, table):
            expire(spark, tables, table, _instant(now_ms) - timedelta(days=SNAPSHOT_DAYS))
    return counts


def _old_training_sets(spark: SparkSession, tables: Tables, bucket: str, before_ms: int) -> dict[str, int]:
    """Sets whose manifest is older, or went by its age: their tags and rows. A set that is being built has its tag
    before its manifest; its snapshot is young."""
    if not tables.exists(spark, "events"):
        return {}
    events = tables.name("events")
    manifests = {found.key.split("/")[1]: found.modified_ms for found in list_objects(bucket, FOLDER, "manifest.json")}
    tags = spark.sql(
        f"SELECT r.name, unix_millis(s.committed_at) AS committed_ms FROM {events}.refs r"
        f" JOIN {events}.snapshots s ON r.snapshot_id = s.snapshot_id WHERE r.type = 'TAG'"
    ).collect()
    named: dict[str, int] = {
        row["name"].removeprefix(TAG): row["committed_ms"] for row in tags if row["name"].startswith(TAG)
    }
    old = sorted(name for name, committed_ms in named.items() if manifests.get(name, committed_ms) < before_ms)
    rows = 0
    if old and tables.exists(spark, "training_sets"):
        ids = ", ".join(f"'{name}'" for name in old)
        rows = _delete(spark, tables.name("training_sets"), f"training_set_id IN ({ids})")
    # By its tag a set is found: of a run that breaks off before, the next one finishes the work.
    for name in old:
        spark.sql(f"ALTER TABLE {events} DROP TAG `{TAG}{name}`")
    return {"tags": len(old), "training_sets": rows}


def _delete(spark: SparkSession, table: str, where: str) -> int:
    found = spark.sql(f"SELECT count(*) FROM {table} WHERE {where}").collect()[0][0]
    if found:
        spark.sql(f"DELETE FROM {table} WHERE {where}")
    return found


def _timestamp(ms: int) -> str:
    return f"TIMESTAMP '{_instant(ms):%Y-%m-%d %H:%M:%S.%f}'"


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
