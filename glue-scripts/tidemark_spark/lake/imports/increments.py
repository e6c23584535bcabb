"""What an Iceberg table got since a mark, by the cheapest way that loses nothing (docs/adr/0036-imports.md).

In an append scan Iceberg leaves out, without a word, snapshots that are no appends (apache/iceberg#13179), and its
changelog refuses tables with delete files; so each run chooses by the table's own history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, TimestampNTZType, TimestampType

from tidemark_spark.lake.maintenance import call
from tidemark_spark.lake.tables import Tables, snapshot_id

Mode = Literal["all", "nothing", "appends", "changes", "current"]

OP, ORDINAL, ARRIVED = "_tidemark_op", "_tidemark_ordinal", "_tidemark_arrived"
"""Columns of an increment beside the table's: `r`, `c`, `u` or `d`; order of the commits, from 0; ms UTC or null."""
_VIEW = "tidemark_changes"
# A compaction of files: the same rows.
_SAME_ROWS = "replace"


@dataclass(frozen=True)
class Mark:
    """How far a table was imported. `arrived_ms`: the greatest arrival among its rows; None where no column says it."""

    snapshot: int
    arrived_ms: int | None


@dataclass(frozen=True)
class Plan:
    """How to read an increment, up to the snapshot `until`. `gap`: why changes since the mark may be lost for good, in
    numbers alone; None where none are."""

    mode: Mode
    since: Mark | None
    until: int | None
    gap: str | None = None


@dataclass(frozen=True)
class _Snapshot:
    parent: int | None
    operation: str
    delete_files: int


def plan_increment(spark: SparkSession, tables: Tables, table: str, mark: Mark | None) -> Plan:
    """How to read what came after `mark`, up to now.

    `current` (rows by their arrival) sees no row that was deleted: of a table with delete files nothing says which.
    """
    name = tables.name(table)
    spark.catalog.refreshTable(name)
    until = snapshot_id(spark, name)
    if until is None or (mark and mark.snapshot == until):
        return Plan("nothing", mark, until)
    if mark is None:
        return Plan("all", None, until)
    lineage = _lineage(_snapshots(spark, name), until, mark.snapshot)
    if lineage is None:
        return Plan("current", mark, until, f"snapshot {mark.snapshot} expired or was rolled back; now is {until}")
    kinds = {one.operation for one in lineage} - {_SAME_ROWS}
    if not kinds:
        return Plan("nothing", mark, until)
    if kinds == {"append"}:
        return Plan("appends", mark, until)
    return Plan("current" if any(one.delete_files for one in lineage) else "changes", mark, until)


def read_increment(
    spark: SparkSession,
    tables: Tables,
    table: str,
    plan: Plan,
    *,
    key: Sequence[str],
    arrived: str | None,
    overlap_ms: int,
) -> DataFrame:
    """The rows of a plan with OP, ORDINAL and ARRIVED. A key that was written anew in one commit is one row, `u`.

    `key`: the columns that tell rows apart. `arrived`: the column that says when a row came into the table, if any;
    `overlap_ms`: how much earlier than the mark a row may say that it came and yet be new.
    """
    name, mark = tables.name(table), plan.since
    if plan.mode == "changes" and mark:
        return _changes(spark, tables, table, plan, key, arrived)
    reader = spark.read
    if plan.mode == "appends" and mark:
        reader = reader.option("start-snapshot-id", mark.snapshot).option("end-snapshot-id", plan.until or 0)
    elif plan.until is not None:
        reader = reader.option("snapshot-id", plan.until)
    rows = with_arrival(reader.table(name), arrived)
    if plan.mode == "nothing":
        rows = rows.where(F.lit(False))
    if plan.mode == "current" and mark and mark.arrived_ms is not None:
        # What does not say when it came may have come since.
        rows = rows.where(F.col(ARRIVED).isNull() | (F.col(ARRIVED) >= mark.arrived_ms - overlap_ms))
    op = "c" if plan.mode == "appends" else "r"
    return rows.withColumn(OP, F.lit(op)).withColumn(ORDINAL, F.lit(0))


def _changes(
    spark: SparkSession, tables: Tables, table: str, plan: Plan, key: Sequence[str], arrived: str | None
) -> DataFrame:
    """Of the changelog: what was inserted, and what was deleted unless the same commit wrote its key anew."""
    assert plan.since is not None
    bounds = f"'start-snapshot-id', '{plan.since.snapshot}', 'end-snapshot-id', '{plan.until}'"
    call(spark, tables, table, "create_changelog_view", f"options => map({bounds})", f"changelog_view => '{_VIEW}'")
    changes = spark.table(_VIEW)
    of_key = Window.partitionBy("_change_ordinal", *(F.col(f"`{name}`") for name in key))
    inserted = F.col("_change_type") == "INSERT"
    counted = changes.withColumn("_inserts", F.count_if(inserted).over(of_key)).withColumn(
        "_deletes", F.count_if(~inserted).over(of_key)
    )
    left = counted.where(inserted | (F.col("_inserts") == 0))
    op = F.when(~inserted, "d").when(F.col("_deletes") > 0, "u").otherwise("c")
    told = left.withColumn(OP, op).withColumn(ORDINAL, F.col("_change_ordinal"))
    own = [f"`{name}`" for name in changes.columns if name not in _CHANGELOG]
    return with_arrival(told.select(*own, OP, ORDINAL), arrived)


_CHANGELOG = ("_change_type", "_change_ordinal", "_commit_snapshot_id")


def with_arrival(rows: DataFrame, arrived: str | None) -> DataFrame:
    """The rows with ARRIVED, of the column `arrived` where one says it."""
    return rows.withColumn(ARRIVED, F.lit(None).cast("long") if arrived is None else instant_ms(rows, arrived))


def instant_ms(rows: DataFrame, column: str) -> Column:
    """A column that says an instant, as ms UTC; null where it says none.

    A timestamp (one without a zone is UTC); a text, ISO 8601 or a number; a number of seconds since 1970, as dlt's
    `_dlt_load_id`, or of ms where it is beyond 10^11.
    """
    value, kind = F.col(f"`{column}`"), rows.schema[column].dataType
    if isinstance(kind, TimestampType | TimestampNTZType):
        return F.unix_millis(value.cast("timestamp"))
    number = F.expr(f"try_cast(`{column}` AS decimal(38, 6))")
    epoch = F.when(F.abs(number) > F.lit(10**11), number).otherwise(number * 1000).cast("long")
    if isinstance(kind, StringType):
        return F.coalesce(epoch, F.unix_millis(F.expr(f"try_cast(`{column}` AS timestamp)")))
    return epoch


def greatest_arrival(rows: DataFrame) -> int | None:
    """ms UTC, of the rows of an increment."""
    return rows.agg(F.max(ARRIVED)).collect()[0][0]


def _snapshots(spark: SparkSession, name: str) -> dict[int, _Snapshot]:
    files = "coalesce(cast(summary['total-delete-files'] as long), 0) AS delete_files"
    rows = spark.sql(f"SELECT snapshot_id, parent_id, operation, {files} FROM {name}.snapshots").collect()
    return {r["snapshot_id"]: _Snapshot(r["parent_id"], r["operation"], r["delete_files"]) for r in rows}


def _lineage(known: dict[int, _Snapshot], until: int, since: int) -> list[_Snapshot] | None:
    """The snapshots after `since` up to `until`; None where the one does not lead to the other any more."""
    found: list[_Snapshot] = []
    at: int | None = until
    while at is not None and at != since:
        if at not in known:
            return None
        found.append(known[at])
        at = known[at].parent
    return found if at == since else None
