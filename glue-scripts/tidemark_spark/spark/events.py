"""Iceberg events for the engine: whole entities in each Spark partition, as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tidemark_spark.engine.aggregates.table import aggregation
from tidemark_spark.engine.event_log import EVENT_SCHEMA, with_typed_properties
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.values.columns import WORDS, typed_fields
from tidemark_spark.spark.entity_shuffle import ENTITY_ID, Side, partitions_of


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


def events_side(plan: ViewPlan, events: DataFrame, types: list[str] | None = None, with_ids: bool = False) -> Side:
    """The `events` table as a view reads it, to bring whole entities together (`map_entities`).

    With `types` only events of these types come, each fact once as the table holds it: read them with `unique`. Their
    ids come where the view needs them, or `with_ids`.
    Without, all come, with their ids and positions, and copies of an event are told apart.
    """
    read = _read_columns(plan) | ({"event_id"} if with_ids else set())
    columns = [name for name in EVENT_SCHEMA.names if types is None or name in read]
    rows = engine_events(events if types is None else events.where(F.col("event_type").isin(types))).select(columns)
    arrives = {"entity_id": ENTITY_ID, "event_type": WORDS}
    fields = [pa.field(n, arrives.get(n, EVENT_SCHEMA.field(n).type)) for n in columns if n != "properties"]
    schema = pa.schema([*fields, *(field for _, _, field in typed_fields(plan.fields))])
    return Side(rows, schema, lambda table: with_typed_properties(plan, table))


def _read_columns(plan: ViewPlan) -> set[str]:
    """What a view reads of events that are there once each."""
    read = {"entity_id", "event_type", "event_time", "available_at"}
    names_events = any(aggregation(f["op"]).orders_ties for f in plan.aggregates) or plan.retraction_rules
    return read | ({"event_id"} if names_events else set()) | ({"properties"} if plan.reads_properties else set())


def by_entity(frame: DataFrame) -> DataFrame:
    """Rows of one entity in one partition."""
    return frame.repartition(partitions_of(frame), "entity_id")


def partition_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema = EVENT_SCHEMA) -> pa.Table | None:
    """All of a partition as one table, or None where it is empty."""
    held = [batch for batch in batches if batch.num_rows]
    return pa.Table.from_batches(held).cast(schema) if held else None
