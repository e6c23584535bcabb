"""What the compaction remembers: keys of merged objects (`archive_files`), for as long as an object may come late."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.lake.archive.gaps import forget_gap, gap_of, places_by_shard, read_gaps, unseen_batches, write_gap
from tidemark_spark.lake.archive.reach import places_of
from tidemark_spark.lake.archive.window import KEEP_DAYS, back, day_column, newest_day
from tidemark_spark.lake.tables import FILE_COLUMNS, Tables

_GIVEN_UP_KIND = "given_up"
_DIGITS = 64


def remember(spark: SparkSession, files: str, keys: list[str], kind: str) -> None:
    spark.createDataFrame([(key, kind) for key in keys], FILE_COLUMNS).coalesce(1).writeTo(files).append()


def note_gaps(spark: SparkSession, tables: Tables, bucket: str) -> None:
    """Writes down what the archiver gave up since the last run."""
    files = tables.name("archive_files")
    rows = spark.table(files).where(f"kind = '{_GIVEN_UP_KIND}'").select("key").collect()
    unseen = unseen_batches(bucket, frozenset(row["key"] for row in rows))
    for key in unseen:
        if (gap := gap_of(bucket, key)) is not None:
            write_gap(bucket, gap, key)
    if unseen:
        remember(spark, files, unseen, _GIVEN_UP_KIND)


def close_gaps(spark: SparkSession, tables: Tables, bucket: str) -> int:
    """Forgets the gaps that merged objects cover by now; returns how many are open."""
    gaps = read_gaps(bucket)
    if not gaps:
        return 0
    files = spark.table(tables.name("archive_files"))
    merged = files.where("kind = 'events'").where(day_column() >= back(gaps[0].day, 1)).select("key")
    places = places_by_shard(places_of(row["key"]) for row in merged.collect())
    covered = [gap for gap in gaps if gap.covered(places)]
    for gap in covered:
        forget_gap(bucket, gap)
    return len(gaps) - len(covered)


def forget(spark: SparkSession, tables: Tables, gaps: list[str], today: date | None = None) -> None:
    """Drops keys that no run lists any more, but for the last one of each shard, which says how far it is archived.

    `gaps`: days of gaps, from which on all is kept.
    """
    files = tables.name("archive_files")
    for kind in ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes"):
        of_kind = spark.table(files).where(F.col("kind") == kind)
        newest = newest_day(of_kind, today)
        if newest is not None:
            old = of_kind.where(day_column() < min([back(newest, KEEP_DAYS), *gaps])).select("key")
            _drop(spark, files, kind, old if kind != "events" else old.join(_ends(of_kind), "key", "left_anti"))
    # Lambda's objects are gone by then: aws/lambda/<mapping>/<shard>/<yyyy>/<mm>/<dd>/…
    day = F.concat(F.lit("dt="), F.concat_ws("-", *(F.split(F.col("key"), "/")[part] for part in (4, 5, 6))))
    given_up = spark.table(files).where(F.col("kind") == _GIVEN_UP_KIND)
    until = back(f"dt={today or datetime.now(UTC).date():%Y-%m-%d}", KEEP_DAYS)
    _drop(spark, files, _GIVEN_UP_KIND, given_up.where(day < until).select("key"))


def _ends(events: DataFrame) -> DataFrame:
    """The key of each shard's last object. Sequence numbers have 56 digits: they are compared as texts of one width."""
    part = F.split(F.col("key"), "/")
    end = F.lpad(F.split(F.split(part[4], "[.]")[0], "-")[1], _DIGITS, "0")
    last = F.max_by("key", end).alias("key")
    return events.groupBy(part[3].alias("shard")).agg(last).select("key")


def _drop(spark: SparkSession, files: str, kind: str, old: DataFrame) -> None:
    old.createOrReplaceTempView("tidemark_old_keys")
    if old.limit(1).collect():
        spark.sql(f"DELETE FROM {files} WHERE kind = '{kind}' AND key IN (SELECT key FROM tidemark_old_keys)")
