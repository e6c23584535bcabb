"""Served vectors against their offline replay: exactly the events that the watermarks say were known, to the bit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.events import by_entity, engine_events, partition_table

_ASKED = [
    ("prediction_id", pa.string()),
    ("t", pa.int64()),
    ("watermarks", pa.map_(pa.string(), pa.string())),
    ("values", pa.string()),
]
_BOTH = pa.schema([*EVENT_SCHEMA, *_ASKED])
_RESULT = "prediction_id string, t long, no_events boolean, feature string, served string, replayed string"


def check(spark: SparkSession, tables: Tables, plan: ViewPlan) -> dict[str, Any]:
    """Counts of predictions of this view checked, disagreeing, without events, and made by other definitions."""
    view = plan.view["version"]
    empty = {"view": view, "checked": 0, "mismatches": 0, "without_events": 0, "other_definition": 0, "by_feature": {}}
    if not (tables.exists(spark, "predictions") and tables.exists(spark, "events")):
        return empty | {"first_example": None}
    predictions = spark.table(tables.name("predictions")).where(F.col("view").startswith(f"{plan.view['name']}@"))
    mine = predictions.where(F.col("definition_hash") == plan.view["definition_hash"])
    events = spark.table(tables.name("events")).join(mine.select("entity_id").distinct(), "entity_id", "left_semi")
    found = _compare(plan, engine_events(events), mine).persist()
    try:
        counts = found.where("feature IS NULL").agg(F.count("*"), F.count(F.when(F.col("no_events"), 1))).collect()
        [(checked, without)] = counts
        wrong = found.where("feature IS NOT NULL").orderBy("t", "prediction_id", "feature").collect()
    finally:
        found.unpersist()
    example = wrong[0].asDict() if wrong else None
    return empty | {
        "checked": checked,
        "mismatches": len({row["prediction_id"] for row in wrong}),
        "without_events": without,
        "other_definition": predictions.count() - mine.count(),
        "by_feature": dict(sorted(Counter(row["feature"] for row in wrong).items())),
        "first_example": example and {key: example[key] for key in example if key != "no_events"},
    }


def _compare(plan: ViewPlan, events: DataFrame, predictions: DataFrame) -> DataFrame:
    """For each prediction a row with feature null, and a row for each feature that differs."""
    asked = predictions.select("entity_id", "prediction_id", F.unix_millis("t").alias("t"), "watermarks", "values")
    both = events.unionByName(asked, allowMissingColumns=True).select(*_BOTH.names)

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = partition_table(batches, _BOTH)
        if table is not None:
            is_event = pc.is_null(table["prediction_id"])
            known = table.filter(is_event).select(EVENT_SCHEMA.names)
            found = list(differences(plan, known, table.filter(pc.invert(is_event))))
            yield from pa.Table.from_pylist(found, RESULT_ARROW).to_batches()

    return by_entity(both).mapInArrow(rows, _RESULT)


RESULT_ARROW = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("t", pa.int64()),
        ("no_events", pa.bool_()),
        ("feature", pa.string()),
        ("served", pa.string()),
        ("replayed", pa.string()),
    ]
)


def differences(plan: ViewPlan, events: pa.Table, asked: pa.Table) -> Iterator[dict[str, Any]]:
    """Rows of RESULT_ARROW; `asked` has entity_id, prediction_id, t, watermarks and the served values as JSON text."""
    replayed = point_in_time(plan, events, asked.select(["entity_id", "t", "watermarks"]))
    names = replayed.column_names
    with_events = set(events["entity_id"].unique().to_pylist())
    columns = [replayed[name].to_pylist() for name in names]
    about = zip(*(asked[name].to_pylist() for name in ("prediction_id", "t", "entity_id", "values")), strict=True)
    for row, (prediction_id, t, entity_id, text) in enumerate(about):
        base = {"prediction_id": prediction_id, "t": t, "no_events": entity_id not in with_events}
        yield base | {"feature": None}
        served = wire_json.parse(text)
        if len(served) != len(names):
            yield base | {"feature": "*", "served": f"{len(served)} values", "replayed": f"{len(names)} values"}
            continue
        for name, value, column in zip(names, served, columns, strict=True):
            if not same_value(value, column[row]):
                said = {"served": wire_json.dumps(value), "replayed": wire_json.dumps(column[row])}
                yield base | {"feature": name} | said


def same_value(served: Any, replayed: Any) -> bool:
    """Equal to the bit: JSON writes numbers so that they read back exactly; true is not 1, null is not 0.

    An entry of a histogram is served as [value, count] and replayed as a struct of the same order.
    """
    if isinstance(replayed, dict):
        replayed = list(replayed.values())
    if isinstance(served, list) and isinstance(replayed, list):
        return len(served) == len(replayed) and all(map(same_value, served, replayed))
    if isinstance(served, bool) != isinstance(replayed, bool):
        return False
    return (type(served) is type(replayed) and served == replayed) or _numbers(served, replayed)


def _numbers(a: Any, b: Any) -> bool:
    # JSON has one kind of number: a large float without a fraction is read back as an integer of other digits.
    return isinstance(a, int | float) and isinstance(b, int | float) and float(a) == float(b)
