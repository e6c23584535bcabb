"""Weekly care of the Iceberg tables: small files are joined, old snapshots and files that no snapshot knows go.

Iceberg's procedures (https://iceberg.apache.org/docs/1.10.0/spark-procedures/): `expire_snapshots` keeps what a tag or
a branch points to, so training sets can still be rebuilt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from tidemark_spark.lake.tables import Tables

TABLES = ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes", "training_sets", "archive_files")
SNAPSHOT_DAYS = 7
"""For so long a snapshot stays that nothing names: longer than any job runs that reads one, or that writes files before
it commits them. No job may run two days."""


def maintain(spark: SparkSession, tables: Tables, now: datetime) -> dict[str, dict[str, int]]:
    """Takes care of each table that is there; returns counts by table. May run again, also beside other jobs: where one
    of them replaces files meanwhile, Iceberg refuses the later commit, and nothing is lost.

    `now`: UTC. Raises Spark's error when a commit is refused.
    """
    return {table: _maintain(spark, tables, table, now) for table in TABLES if tables.exists(spark, table)}


def _maintain(spark: SparkSession, tables: Tables, table: str, now: datetime) -> dict[str, int]:
    until = now - timedelta(days=SNAPSHOT_DAYS)
    # Deletes that merges leave beside their files are applied, so that old rows do not live on in them.
    options = "options => map('delete-file-threshold', '1')"
    [rewritten] = call(spark, tables, table, "rewrite_data_files", options)
    call(spark, tables, table, "rewrite_manifests")
    expired = expire(spark, tables, table, until)
    # Listed by Iceberg's own S3FileIO: there is no Hadoop file system for the lake.
    orphans = call(spark, tables, table, "remove_orphan_files", _older(until), "prefix_listing => true")
    files, snapshots = (
        spark.sql(f"SELECT count(*) FROM {tables.name(table)}.{part}").collect()[0][0]
        for part in ("files", "snapshots")
    )
    return {
        "rewritten_files": rewritten["rewritten_data_files_count"],
        "expired_files": expired,
        "orphan_files": len(orphans),
        "files": files,
        "snapshots": snapshots,
    }


def expire(spark: SparkSession, tables: Tables, table: str, until: datetime) -> int:
    """Lets snapshots from before `until` (UTC) go, but for the newest and those of tags and branches; returns how many
    data files nothing reached any more."""
    [expired] = call(spark, tables, table, "expire_snapshots", _older(until), "retain_last => 1")
    return expired["deleted_data_files_count"]


def _older(until: datetime) -> str:
    return f"older_than => TIMESTAMP '{until:%Y-%m-%d %H:%M:%S.%f}'"


def call(spark: SparkSession, tables: Tables, table: str, procedure: str, *arguments: str) -> list[Any]:
    """Rows of one of Iceberg's procedures, on a table."""
    given = ", ".join((f"table => '{tables.database}.{table}'", *arguments))
    return spark.sql(f"CALL {tables.catalog}.system.{procedure}({given})").collect()
