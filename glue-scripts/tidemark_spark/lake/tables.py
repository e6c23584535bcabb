"""The Iceberg tables: their columns, and merging into them so that a job may run again.

Events are partitioned by month and by a bucket of the entity: every reader takes whole entities over long ranges, and a
file a day would be hundreds of small ones for a history of a year.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

CATALOG = "glue_catalog"

EVENT_COLUMNS = """event_id STRING, entity_id STRING, event_type STRING, event_time TIMESTAMP, source_time TIMESTAMP,
    source STRING, schema_version INT, properties STRING, available_at TIMESTAMP, shard_id STRING,
    sequence_number STRING, sub_sequence INT"""
QUARANTINE_COLUMNS = """shard_id STRING, sequence_number STRING, sub_sequence INT, arrival TIMESTAMP, reason STRING,
    detail STRING, event_type STRING, schema_version INT, contract_version STRING, partition_key STRING,
    raw_base64 STRING, dt STRING, source STRING"""
PREDICTION_COLUMNS = """prediction_id STRING, entity_id STRING, t TIMESTAMP, view STRING, definition_hash STRING,
    watermarks MAP<STRING, STRING>, `values` STRING, inputs STRING, score DOUBLE, variant STRING, model_version STRING,
    reasons STRING, trigger STRING, scored_at TIMESTAMP, experiment STRING"""
EXPOSURE_COLUMNS = """experiment STRING, entity_id STRING, variant STRING, t TIMESTAMP, model_version STRING,
    definition_hash STRING, exposed_at TIMESTAMP"""
ALERT_COLUMNS = """alert_id STRING, entity_id STRING, t TIMESTAMP, score DOUBLE, variant STRING, model_version STRING,
    definition_hash STRING, trigger STRING, rule STRING, decided_at TIMESTAMP"""
OUTCOME_COLUMNS = """outcome_id STRING, alert_id STRING, entity_id STRING, t TIMESTAMP, outcome STRING, said_by STRING,
    said_at TIMESTAMP"""
TRAINING_COLUMNS = """training_set_id STRING, entity_id STRING, t TIMESTAMP, split STRING, label INT,
    `values` ARRAY<DOUBLE>"""
FILE_COLUMNS = "key STRING, kind STRING"
_TIMES = ("event_time", "available_at", "arrival", "t")
# Manifests hold the least and greatest value of each column, also of files that were deleted: an erased entity would
# live on there. So only times have bounds; entities are found by their bucket.
_PROPERTIES = {"write.metadata.metrics.default": "counts"} | {
    f"write.metadata.metrics.column.{name}": "full" for name in _TIMES
}


@dataclass(frozen=True)
class Tables:
    """Full names of the tables of one database."""

    database: str
    catalog: str = CATALOG

    def name(self, table: str) -> str:
        return f"{self.catalog}.`{self.database}`.{table}"

    def exists(self, spark: SparkSession, table: str) -> bool:
        return spark.catalog.tableExists(f"{self.catalog}.{self.database}.{table}")

    def refresh(self, spark: SparkSession, *names: str) -> None:
        """Forgets what Spark's catalog keeps of tables that another job has written."""
        for name in names:
            if self.exists(spark, name):
                spark.catalog.refreshTable(self.name(name))

    def at(self, spark: SparkSession, table: str, snapshot: int) -> DataFrame:
        """The table as it was at an Iceberg snapshot."""
        return spark.read.option("snapshot-id", snapshot).table(self.name(table))

    def create(self, spark: SparkSession, table: str, columns: str, partitions: str | None = None) -> str:
        """Creates the table, or the columns that one of an earlier release lacks; returns its full name."""
        by = f"PARTITIONED BY ({partitions})" if partitions else ""
        properties = ", ".join(f"'{key}'='{value}'" for key, value in _PROPERTIES.items() if _applies(key, columns))
        spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({columns}) USING iceberg {by} TBLPROPERTIES ({properties})"
        )
        known = {name.lower() for name in spark.table(self.name(table)).columns}
        missing = [column for column in _columns(columns) if column.split()[0].strip("`").lower() not in known]
        if missing:
            spark.sql(f"ALTER TABLE {self.name(table)} ADD COLUMNS ({', '.join(missing)})")
            spark.catalog.refreshTable(self.name(table))
        return self.name(table)

    def create_events(self, spark: SparkSession, entity_buckets: int) -> str:
        return self.create(spark, "events", EVENT_COLUMNS, f"months(event_time), bucket({entity_buckets}, entity_id)")


def _columns(columns: str) -> list[str]:
    """The columns of a definition, each with its type."""
    return [part.strip() for part in re.split(r",(?![^<]*>)", columns)]


def _applies(key: str, columns: str) -> bool:
    """Iceberg refuses a property of a column that the table does not have."""
    name = key.rpartition(".")[2]
    return name == "default" or name in {part.split()[0] for part in columns.split(",")}


def snapshot_id(spark: SparkSession, table: str) -> int | None:
    """The Iceberg snapshot that readers of the table get, or None for a table that was never written.

    Not the newest commit: `snapshots` lists those of all branches, and an erasure commits to copies of older ones.
    """
    rows = spark.sql(f"SELECT snapshot_id FROM {table}.refs WHERE name = 'main'").collect()
    return int(rows[0][0]) if rows else None


def _same(key: str) -> str:
    # Rows of earlier releases have none: their records were of one event.
    return f"coalesce(o.{key}, 0) = coalesce(n.{key}, 0)" if key == "sub_sequence" else f"o.{key} = n.{key}"


def merge(
    spark: SparkSession,
    table: str,
    rows: DataFrame,
    keys: list[str],
    newer_wins_where: str | None = None,
    kept: Collection[str] = (),
) -> None:
    """Inserts rows whose keys are new; known ones are replaced where `newer_wins_where` (of n and o) holds, but for the
    columns `kept`, else kept.

    `rows` holds each key once. A table that was never written needs no join. Raises Spark's error where another job has
    written meanwhile what this one has not seen: run it again.
    """
    if snapshot_id(spark, table) is None:
        # Two jobs may both be the first. An append would let both in, and each key twice; this lets one in.
        rows.writeTo(table).option("isolation-level", "serializable").overwrite(F.lit(True))
        return
    rows.createOrReplaceTempView("tidemark_new_rows")
    on = " AND ".join(_same(key) for key in keys)
    columns = ", ".join(f"o.`{name}` = n.`{name}`" for name in rows.columns if name not in kept)
    update = f"WHEN MATCHED AND {newer_wins_where} THEN UPDATE SET {columns}" if newer_wins_where else ""
    spark.sql(f"MERGE INTO {table} o USING tidemark_new_rows n ON {on} {update} WHEN NOT MATCHED THEN INSERT *")
