"""The point-in-time join of a Spark DataFrame: a spine's rows with the features of a view, as they were known."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.engine.view_values import ARROW_TYPE
from tidemark_spark.spark.entity_shuffle import ENTITY_ID, Side, map_entities
from tidemark_spark.spark.events import events_side


def point_in_time_join(plan: ViewPlan, events: DataFrame, spine: DataFrame) -> DataFrame:
    """Every row of `spine` with all its columns, then one column a feature; the order of rows is not kept.

    `events`: the `events` table, each (entity_id, event_id) once, and all events of each entity. `spine`: entity_id,
    t (long, ms), optionally known_before (long, ms; absent: t), and whatever else shall stay beside.
    """

    def values(tables: dict[str, pa.Table]) -> pa.Table:
        asked = tables["spine"]
        found = point_in_time(plan, tables["events"], asked, unique=True)
        ids = asked["entity_id"].cast(pa.string())
        asked = asked.set_column(asked.column_names.index("entity_id"), "entity_id", ids)
        return pa.table(_columns(asked) | _columns(found))

    features = from_arrow_schema(pa.schema([(f["name"], ARROW_TYPE[f["value_type"]]) for f in plan.features]))
    sides = {"events": events_side(plan, events, plan.event_types), "spine": spine_side(spine)}
    return map_entities(sides, values, StructType([*spine.schema.fields, *features.fields]))


def spine_side(spine: DataFrame) -> Side:
    """A spine with all its columns, to go where the events of its entities go."""
    schema = to_arrow_schema(spine.schema)
    at = schema.get_field_index("entity_id")
    return Side(spine, schema.set(at, pa.field("entity_id", ENTITY_ID)))


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return dict(zip(table.column_names, table.columns, strict=True))
