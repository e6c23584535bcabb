"""Exposures of an experiment joined with what became of their entities: sums by arm and day, and no ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.experiments.report import DAY, Findings, Outcome
from tidemark_spark.lake.tables import Tables, snapshot_id
from tidemark_spark.spark.entity_shuffle import ENTITY_ID, Side, map_entities
from tidemark_spark.spark.events import events_side
from tidemark_spark.spark.experiment_metric import Metric, metric_of

_SPINE = pa.schema([("entity_id", ENTITY_ID), ("t", pa.int64()), ("variant", pa.string())])
_DDL = "variant string, day long, n long, total double, squares double, empty long"


def find(spark: SparkSession, tables: Tables, use_case: dict[str, Any], experiment: dict[str, Any]) -> Findings:
    """Counts of the experiment, from the tables `exposures` and `events`; without either nothing is known."""
    metric = metric_of(use_case, experiment["metric"])
    if not (tables.exists(spark, "exposures") and tables.exists(spark, "events")):
        return Findings({}, [], binary=metric.binary)
    mine = spark.table(tables.name("exposures")).where(F.col("experiment") == experiment["name"])
    rows = mine.select("entity_id", F.unix_millis("t").alias("t"), "variant")
    whose = rows.groupBy("entity_id").agg(
        F.count_distinct("variant").alias("variants"), F.min("t").alias("t"), F.min("variant").alias("variant")
    )
    whose = whose.persist()
    try:
        multiple = whose.where("variants > 1").count()
        single = whose.where("variants = 1").select("entity_id", "t", "variant")
        days = single.groupBy((F.col("t") / DAY).cast("long").alias("day"), "variant").count().collect()
        exposed = {(row["day"], row["variant"]): row["count"] for row in days}
        events = spark.table(tables.name("events"))
        newest = events.select(F.max(F.unix_millis("event_time"))).collect()[0][0] or 0
        outcomes = _outcomes(metric, events, single.where(F.col("t") + metric.wait_ms <= newest), newest)
    finally:
        whose.unpersist()
    snapshot = snapshot_id(spark, tables.name("events"))
    return Findings(exposed, outcomes, multiple, str(snapshot or ""), newest, metric.binary)


def _outcomes(metric: Metric, events: DataFrame, spine: DataFrame, newest: int) -> list[Outcome]:
    with_ids = metric.label is not None and metric.label.reads_ids
    sides = {
        "events": events_side(metric.view, events, metric.view.event_types, with_ids),
        "spine": Side(spine, _SPINE),
    }
    found = map_entities(sides, lambda tables: _sums(metric, tables["events"], tables["spine"]), _DDL)
    summed = found.groupBy("variant", "day").agg(
        *(F.sum(name).alias(name) for name in ("n", "total", "squares", "empty"))
    )
    return [Outcome(**row.asDict()) for row in summed.orderBy("day", "variant").collect()]


def _sums(metric: Metric, events: pa.Table, spine: pa.Table) -> pa.Table:
    """Rows of _DDL of the entities that are together in a partition."""
    values = metric.values(events, spine)
    known = ~np.isnan(values)
    amounts = np.where(known, values, 0.0)
    table = pa.table(
        {
            "variant": spine["variant"],
            "day": (spine["t"].to_numpy() + metric.wait_ms) // DAY,
            "n": known.astype(np.int64),
            "total": amounts,
            "squares": amounts**2,
            "empty": (~known).astype(np.int64),
        }
    )
    names = ("n", "total", "squares", "empty")
    summed = table.group_by(["variant", "day"]).aggregate([(name, "sum") for name in names])
    return pa.table(
        {name: summed[name if name in ("variant", "day") else f"{name}_sum"] for name in table.column_names}
    )
