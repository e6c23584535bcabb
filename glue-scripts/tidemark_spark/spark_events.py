"""Iceberg events for the engine: whole entities in each Spark partition, as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from .event_log import EVENT_SCHEMA

BATCH_ROWS = 1_000_000
"""Rows an Arrow batch: a partition is handled whole, so small batches only cost."""


def prepare(spark: SparkSession) -> None:
    """Session settings that the transforms rely on."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH_ROWS))


def engine_events(events: DataFrame) -> DataFrame:
    """The columns of EVENT_SCHEMA from the `events` table, instants as ms."""
    return events.select(
        "event_id",
        "entity_id",
        "event_type",
        F.unix_millis("event_time").alias("event_time"),
        F.unix_millis("available_at").alias("available_at"),
        "shard_id",
        "sequence_number",
        "properties",
    )


def by_entity(frame: DataFrame) -> DataFrame:
    """Rows of one entity in one partition."""
    partitions = int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions", "200"))
    return frame.repartition(partitions, "entity_id")


def partition_table(batches: Iterator[pa.RecordBatch], schema: pa.Schema = EVENT_SCHEMA) -> pa.Table | None:
    """All of a partition as one table, or None where it is empty."""
    held = [batch for batch in batches if batch.num_rows]
    return pa.Table.from_batches(held).cast(schema) if held else None
