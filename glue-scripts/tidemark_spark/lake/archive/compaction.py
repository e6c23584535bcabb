"""Compaction: objects of the archive → Iceberg tables, each object read once, each record there once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.tombstones import NOBODY, Tombstones, any_erased, subjects_of
from tidemark_spark.lake.archive.files import close_gaps, forget, note_gaps, remember
from tidemark_spark.lake.archive.gaps import read_gaps
from tidemark_spark.lake.archive.window import KEEP_DAYS, day_column, first_day, newest_day
from tidemark_spark.lake.events import (
    LANDED_ARROW,
    LANDED_SCHEMA,
    ROWS_A_BATCH,
    events_of,
    merge_events,
    merge_quarantine,
    refused_row,
    rejections_of,
)
from tidemark_spark.lake.objects import list_objects, read_lines
from tidemark_spark.lake.tables import (
    ALERT_COLUMNS,
    EXPOSURE_COLUMNS,
    FILE_COLUMNS,
    OUTCOME_COLUMNS,
    PREDICTION_COLUMNS,
    QUARANTINE_COLUMNS,
    Tables,
    merge,
)
from tidemark_spark.names import NDJSON, PREFIX

KINDS = ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes")
_SLICES = 8

_PREDICTION_ARROW = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("entity_id", pa.string()),
        ("t", pa.int64()),
        ("view", pa.string()),
        ("definition_hash", pa.string()),
        ("watermarks", pa.map_(pa.string(), pa.string())),
        ("values", pa.string()),
        ("inputs", pa.string()),
        ("score", pa.float64()),
        ("variant", pa.string()),
        ("model_version", pa.string()),
        ("reasons", pa.string()),
        ("trigger", pa.string()),
        ("scored_at", pa.int64()),
        ("experiment", pa.string()),
    ]
)
_PREDICTION_SCHEMA = """prediction_id string, entity_id string, t long, view string, definition_hash string,
    watermarks map<string, string>, `values` string, inputs string, score double, variant string, model_version string,
    reasons string, trigger string, scored_at long, experiment string"""
_EXPOSURE_ARROW = pa.schema(
    [
        ("experiment", pa.string()),
        ("entity_id", pa.string()),
        ("variant", pa.string()),
        ("t", pa.int64()),
        ("model_version", pa.string()),
        ("definition_hash", pa.string()),
        ("exposed_at", pa.int64()),
    ]
)
_EXPOSURE_SCHEMA = """experiment string, entity_id string, variant string, t long, model_version string,
    definition_hash string, exposed_at long"""


_ALERT_SCHEMA = """alert_id string, entity_id string, t long, score double, variant string, model_version string,
    definition_hash string, trigger string, rule string, decided_at long"""
_ALERT_ARROW = pa.schema(
    [
        ("alert_id", pa.string()),
        ("entity_id", pa.string()),
        ("t", pa.int64()),
        ("score", pa.float64()),
        ("variant", pa.string()),
        ("model_version", pa.string()),
        ("definition_hash", pa.string()),
        ("trigger", pa.string()),
        ("rule", pa.string()),
        ("decided_at", pa.int64()),
    ]
)
_OUTCOME_SCHEMA = """outcome_id string, alert_id string, entity_id string, t long, outcome string, said_by string,
    said_at long"""
_OUTCOME_ARROW = pa.schema(
    [
        ("outcome_id", pa.string()),
        ("alert_id", pa.string()),
        ("entity_id", pa.string()),
        ("t", pa.int64()),
        ("outcome", pa.string()),
        ("said_by", pa.string()),
        ("said_at", pa.int64()),
    ]
)


def compact(
    spark: SparkSession,
    tables: Tables,
    bucket: str,
    entity_buckets: int,
    erased: Tombstones = NOBODY,
    late_days: int = KEEP_DAYS,
) -> dict[str, int]:
    """Merges what is new below archive/ and remembers its keys; returns new objects by kind, and open gaps if any.

    `late_days`: how long after its day an object may come (window.py); a run that looks back as far as keys are
    remembered also forgets older ones. Records of erased entities are left out. A run that dies between merge and
    remembering reads the same objects again, and merges nothing twice.
    """
    tables.create_events(spark, entity_buckets)
    tables.create(spark, "quarantine", QUARANTINE_COLUMNS, "dt")
    tables.create(spark, "predictions", PREDICTION_COLUMNS, "days(t)")
    tables.create(spark, "exposures", EXPOSURE_COLUMNS, "experiment")
    tables.create(spark, "alerts", ALERT_COLUMNS, "months(t)")
    tables.create(spark, "outcomes", OUTCOME_COLUMNS, "months(t)")
    files = tables.create(spark, "archive_files", FILE_COLUMNS, "kind")
    gaps = [gap.day for gap in read_gaps(bucket)]
    counts = {}
    for kind in KINDS:
        remembered = spark.table(files).where(F.col("kind") == kind)
        since = first_day(newest_day(remembered), late_days, gaps)
        recent = remembered if since is None else remembered.where(day_column() >= since)
        known = {row["key"] for row in recent.select("key").collect()}
        keys = [o.key for o in list_objects(bucket, PREFIX[kind], NDJSON, since) if o.key not in known]
        counts[f"{kind}_objects"] = len(keys)
        if kind == "events":
            # Behind the listing: what the archiver wrote after a gap it wrote after it had given up. And before keys
            # are remembered: another job would take the gap for archived as soon as what lies behind it is.
            note_gaps(spark, tables, bucket)
        if keys:
            _MERGE[kind](spark, tables, bucket, keys, erased)
            remember(spark, files, keys, kind)
    if open_gaps := close_gaps(spark, tables, bucket):
        counts["open_gaps"] = open_gaps
    if late_days >= KEEP_DAYS:
        forget(spark, tables, gaps)
    return counts


def _records(
    spark: SparkSession,
    bucket: str,
    keys: list[str],
    to_row: Callable[[Any], dict[str, Any]],
    arrow: pa.Schema,
    ddl: str,
    about: Callable[[Any], bool],
) -> DataFrame:
    """Rows of the objects' JSON lines, read inside executors."""

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[dict[str, Any]] = []
        for batch in batches:
            for key in batch.column(0).to_pylist():
                lines = [wire_json.parse(line.decode()) for line in read_lines(bucket, key) if line]
                held += [to_row(line) for line in lines if not about(line)]
                if len(held) >= ROWS_A_BATCH:
                    yield pa.RecordBatch.from_pylist(held, arrow)
                    held = []
        if held:
            yield pa.RecordBatch.from_pylist(held, arrow)

    frame = spark.createDataFrame([(key,) for key in keys], "key string")
    return frame.repartition(min(_SLICES, len(keys))).mapInArrow(rows, ddl)


def event_row(line: dict[str, Any]) -> dict[str, Any]:
    """A row of LANDED_SCHEMA from a line of archive/events."""
    return line | {"properties": wire_json.canonical(line["properties"])}


def prediction_row(line: dict[str, Any]) -> dict[str, Any]:
    """A row of the predictions table from a line of archive/predictions; lists become JSON text."""
    lists = {name: wire_json.dumps(line[name]) for name in ("values", "inputs", "reasons")}
    return line | lists | {"watermarks": list(line["watermarks"].items())}


def _merge_events(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    lines = _records(spark, bucket, keys, event_row, LANDED_ARROW, LANDED_SCHEMA, _of_erased(erased))
    merge_events(spark, tables, events_of(lines))


def _of_erased(erased: Tombstones) -> Callable[[Any], bool]:
    return lambda line: bool(erased) and any_erased(erased, [line["entity_id"]])


def _names_erased(erased: Tombstones) -> Callable[[Any], bool]:
    def about(line: Any) -> bool:
        return bool(erased) and any_erased(
            erased, subjects_of(line["partition_key"], base64.b64decode(line["raw_base64"]))
        )

    return about


def _merge_quarantine(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    lines = _records(spark, bucket, keys, refused_row, LANDED_ARROW, LANDED_SCHEMA, _names_erased(erased))
    merge_quarantine(spark, tables, rejections_of(lines))


def _merge_predictions(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    rows = _records(spark, bucket, keys, prediction_row, _PREDICTION_ARROW, _PREDICTION_SCHEMA, _of_erased(erased))
    for name in ("t", "scored_at"):
        rows = rows.withColumn(name, F.timestamp_millis(name))
    merge(spark, tables.name("predictions"), rows.dropDuplicates(["prediction_id"]), ["prediction_id"])


def _merge_exposures(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    rows = _records(spark, bucket, keys, dict, _EXPOSURE_ARROW, _EXPOSURE_SCHEMA, _of_erased(erased))
    for name in ("t", "exposed_at"):
        rows = rows.withColumn(name, F.timestamp_millis(name))
    # A line may come twice, with a later score: the first is the exposure. Of another variant it is one of its own.
    whose = ["experiment", "entity_id", "variant"]
    first = rows.groupBy(*whose).agg(F.min_by(F.struct(*rows.columns), "t").alias("row")).select("row.*")
    merge(spark, tables.name("exposures"), first, whose, newer_wins_where="n.t < o.t")


def _merge_alerts(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    """Each alert once, with what became of it."""
    rows = _records(spark, bucket, keys, dict, _ALERT_ARROW, _ALERT_SCHEMA, _of_erased(erased))
    for name in ("t", "decided_at"):
        rows = rows.withColumn(name, F.timestamp_millis(name))
    merge(spark, tables.name("alerts"), rows.dropDuplicates(["alert_id"]), ["alert_id"])


def _merge_outcomes(spark: SparkSession, tables: Tables, bucket: str, keys: list[str], erased: Tombstones) -> None:
    """All that was said, each word once: the last one of an alert is the reader's to choose."""
    rows = _records(spark, bucket, keys, dict, _OUTCOME_ARROW, _OUTCOME_SCHEMA, _of_erased(erased))
    for name in ("t", "said_at"):
        rows = rows.withColumn(name, F.timestamp_millis(name))
    merge(spark, tables.name("outcomes"), rows.dropDuplicates(["outcome_id"]), ["outcome_id"])


_MERGE = {
    "events": _merge_events,
    "quarantine": _merge_quarantine,
    "predictions": _merge_predictions,
    "exposures": _merge_exposures,
    "alerts": _merge_alerts,
    "outcomes": _merge_outcomes,
}
