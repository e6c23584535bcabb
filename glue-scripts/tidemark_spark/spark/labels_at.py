"""Labels of entities at instants, from the table of events."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.ir import compile_view, online_view
from tidemark_spark.engine.labels import compile_label
from tidemark_spark.engine.labels_at import ASKED_SCHEMA, FOUND_DDL, labels_at, view_of_labels
from tidemark_spark.lake.tables import Tables, snapshot_id
from tidemark_spark.spark.entity_shuffle import ENTITY_ID, Side, map_entities
from tidemark_spark.spark.events import events_side


def find_labels(
    spark: SparkSession, tables: Tables, use_case: dict[str, Any], entity_ids: list[str], instants: list[int]
) -> dict[str, Any]:
    """{closed_until (ms), labels: one of 1, 0 or null a row, in the order asked, waiting: rows whose horizon is open}.

    `instants`: ms. Nobody asked for, or no events: no labels. What is known of labels ends with the newest event.
    """
    empty = {"closed_until": None, "labels": [None] * len(entity_ids), "waiting": len(entity_ids)}
    snapshot = snapshot_id(spark, tables.name("events")) if tables.exists(spark, "events") else None
    if not entity_ids or snapshot is None:
        return empty
    events = tables.at(spark, "events", snapshot)
    newest = events.select(F.max(F.unix_millis("event_time"))).collect()[0][0]
    if newest is None:
        return empty
    plan = compile_label(use_case)
    view = view_of_labels(compile_view(use_case, online_view(use_case)), plan)
    rows = list(zip(range(len(entity_ids)), entity_ids, instants, strict=True))
    asked = spark.createDataFrame(rows, "row long, entity_id string, t long")
    own = events.join(asked.select("entity_id").distinct(), "entity_id", "left_semi")
    at = ASKED_SCHEMA.get_field_index("entity_id")
    sides = {
        "events": events_side(view, own, plan.event_types, plan.reads_ids),
        "asked": Side(asked, ASKED_SCHEMA.set(at, pa.field("entity_id", ENTITY_ID))),
    }
    found = map_entities(
        sides, lambda of: labels_at(view, plan, of["events"], of["asked"], newest, unique=True), FOUND_DDL
    ).collect()
    labels: list[int | None] = [None] * len(entity_ids)
    for row in found:
        labels[row["row"]] = row["label"]
    waiting = sum(row["why"] == "open" for row in found)
    return {"closed_until": newest, "labels": labels, "waiting": waiting}
