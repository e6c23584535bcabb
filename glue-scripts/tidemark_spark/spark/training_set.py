"""Writing a training set: an Iceberg table to query, Parquet for the trainer, a manifest to rebuild it exactly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.slices import SPLITS, slices_of_model
from tidemark_spark.engine.training import (
    DROPPED,
    ROW_SCHEMA,
    TrainingPlan,
    TrainingRows,
    plan_training,
    training_rows,
)
from tidemark_spark.lake.objects import list_objects, read_bytes, s3_client, write_bytes
from tidemark_spark.lake.tables import TRAINING_COLUMNS, Tables, snapshot_id
from tidemark_spark.lake.training_files import (
    FOLDER,
    TAG,
    WRITER,
    facts_of,
    file_key,
    parquet_bytes,
    slices_of,
    summary,
)
from tidemark_spark.names import object_key
from tidemark_spark.spark.entity_shuffle import map_entities
from tidemark_spark.spark.events import events_side, partition_table

_DDL = "entity_id string, t long, split string, label int, newest_event_time long, `values` array<double>"
_TALLIED_DDL = f"{_DDL}, dropped string, `rows` long"
"""Beside the rows one of each partition and reason, that says how many were left out."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


class TrainingSetError(ValueError):
    """A training set that can't be made; the message says what is missing and what to do."""


def build(
    spark: SparkSession, tables: Tables, use_case: dict[str, Any], bucket: str, training_set_id: str, as_of: int | None
) -> dict[str, Any]:
    """Builds the set and returns its manifest, which is also written. `as_of` (ms): nothing known later is used.

    Raises TrainingSetError when there are no events, or when a split would be empty.
    """
    if not _ID.fullmatch(training_set_id):
        raise TrainingSetError("training_set_id: allowed are 1 to 63 letters, digits and hyphens")
    table = tables.name("events")
    snapshot = snapshot_id(spark, table)
    if snapshot is None:
        raise TrainingSetError("events: the table is empty. Land the history first.")
    events = _known(tables.at(spark, "events", snapshot), as_of)
    newest = events.select(F.max(F.unix_millis("event_time"))).collect()[0][0]
    if newest is None:
        raise TrainingSetError(f"as_of: no event was known by {as_of} ms. Take a later time.")
    plan = plan_training(use_case, newest)
    tallied = _tallied(plan, events).persist()
    rows = _kept(tallied)
    try:
        dropped = _dropped(tallied)
        files = _files(rows, plan, bucket, training_set_id, store=True)
        _remove_others(bucket, training_set_id, files)
        manifest = _manifest(use_case, plan, training_set_id, snapshot, as_of, dropped, files)
        empty = [split for split in SPLITS if manifest["rows"][split] == 0]
        if empty:
            raise TrainingSetError(
                f"{', '.join(empty)}: no row has a closed label by {newest} ms; left out were "
                f"{_said(dropped)}. Load later events."
            )
        _write_table(spark, tables, rows, training_set_id)
        spark.sql(f"ALTER TABLE {table} CREATE OR REPLACE TAG `{TAG}{training_set_id}` AS OF VERSION {snapshot}")
    finally:
        tallied.unpersist()
    body = json.dumps(manifest, sort_keys=True, indent=2).encode()
    write_bytes(bucket, object_key("trainingSet", training_set_id=training_set_id), body)
    return manifest


def _tallied(plan: TrainingPlan, events: DataFrame) -> DataFrame:
    """Rows of _TALLIED_DDL."""
    side = events_side(plan.view, events, plan.event_types, plan.label.reads_ids)
    return map_entities(
        {"events": side}, lambda tables: _with_tallies(training_rows(plan, tables["events"], unique=True)), _TALLIED_DDL
    )


def _with_tallies(found: TrainingRows) -> pa.Table:
    reasons = {"dropped": pa.nulls(len(found.rows), pa.string()), "rows": pa.nulls(len(found.rows), pa.int64())}
    rows = pa.table({name: found.rows[name] for name in ROW_SCHEMA.names} | reasons)
    tallies = [{"dropped": reason, "rows": count} for reason, count in found.dropped.items() if count]
    return pa.concat_tables([rows, pa.Table.from_pylist(tallies, rows.schema)])


def _kept(tallied: DataFrame) -> DataFrame:
    return tallied.where("dropped IS NULL").select(*ROW_SCHEMA.names)


def _dropped(tallied: DataFrame) -> dict[str, int]:
    counts = tallied.where("dropped IS NOT NULL").groupBy("dropped").agg(F.sum("rows")).collect()
    return dict.fromkeys(DROPPED, 0) | {reason: int(count) for reason, count in counts}


def _said(dropped: dict[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count) or "nothing"


def _files(rows: DataFrame, plan: TrainingPlan, bucket: str, training_set_id: str, store: bool) -> list[dict[str, Any]]:
    """One sorted run of files a split, made (and with `store` written) where the rows are; returns their facts."""
    inputs = plan.inputs

    def write(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = partition_table(batches, ROW_SCHEMA)
        if table is None:
            return
        for split in SPLITS:
            mine = table.filter(pc.equal(table["split"], split)).sort_by(
                [("t", "ascending"), ("entity_id", "ascending")]
            )
            for number, part in enumerate(slices_of(mine)):
                key, body = file_key(training_set_id, split, number), parquet_bytes(part, inputs)
                if store:
                    write_bytes(bucket, key, body)
                yield pa.RecordBatch.from_pylist([{"key": key, "split": split} | facts_of(part, body)])

    ddl = "key string, split string, `rows` long, positives long, spine_hash string, sha256 string"
    files = [row.asDict() for row in rows.repartition(len(SPLITS), "split").mapInArrow(write, ddl).collect()]
    return sorted(files, key=lambda file: file["key"])


def _remove_others(bucket: str, training_set_id: str, files: list[dict[str, Any]]) -> None:
    """What is left of an earlier build."""
    written = {file["key"] for file in files}
    for old in list_objects(bucket, f"{FOLDER}{training_set_id}/", ".parquet"):
        if old.key not in written:
            s3_client().delete_object(Bucket=bucket, Key=old.key)


def _write_table(spark: SparkSession, tables: Tables, rows: DataFrame, training_set_id: str) -> None:
    table = tables.create(spark, "training_sets", TRAINING_COLUMNS, "training_set_id")
    known = rows.select(
        F.lit(training_set_id).alias("training_set_id"),
        "entity_id",
        F.timestamp_millis("t").alias("t"),
        "split",
        "label",
        "values",
    )
    known.writeTo(table).overwrite(F.col("training_set_id") == training_set_id)


def _manifest(
    use_case: dict[str, Any],
    plan: TrainingPlan,
    training_set_id: str,
    snapshot: int,
    as_of: int | None,
    dropped: dict[str, int],
    files: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "training_set_id": training_set_id,
        "use_case": use_case["name"],
        "view": plan.view.view["version"],
        "definition_hash": plan.view.view["definition_hash"],
        "snapshot_id": str(snapshot),
        "knowledge": "available_at < t",
        "as_of": as_of,
        "closed_until": plan.closed_until,
        "label": plan.label.label,
        "inputs": plan.inputs,
        "spans": slices_of_model(use_case, plan.closed_until),
        "sampling": plan.sampling,
        "dropped": dropped,
        "writer": WRITER,
        "erased": 0,
    } | summary(files)


def rebuild(
    spark: SparkSession, tables: Tables, use_case: dict[str, Any], bucket: str, training_set_id: str
) -> dict[str, Any]:
    """Makes a set's files again, from its recorded snapshot, without writing them; compares their hashes.

    Returns {training_set_id, snapshot_id, equal, different: [keys], missing: [keys], unexpected: [keys], writer}.
    Raises TrainingSetError when the definitions are not those of the set any more, or its snapshot is gone.
    """
    manifest = json.loads(read_bytes(f"s3://{bucket}/{object_key('trainingSet', training_set_id=training_set_id)}"))
    if "sha256" not in manifest:
        raise TrainingSetError("sha256: the manifest has none: the set is older than this check. Build it again.")
    # What the set was made for comes from its manifest, so that a changed label or model does not matter.
    model = use_case["model"] | manifest["spans"] | {key: manifest.get(key) for key in ("inputs", "sampling")}
    plan = plan_training(use_case | {"label": manifest["label"], "model": model}, manifest["closed_until"])
    found, wanted = plan.view.view["definition_hash"], manifest["definition_hash"]
    if found != wanted:
        raise TrainingSetError(
            f"definition_hash: the set is of {wanted[:12]}, deployed is {found[:12]}. Deploy the set's commit."
        )
    table, snapshot = tables.name("events"), int(manifest["snapshot_id"])
    if not spark.sql(f"SELECT 1 FROM {table}.snapshots WHERE snapshot_id = {snapshot}").collect():
        raise TrainingSetError(f"snapshot_id: {snapshot} is gone from the table of events. The set can't be rebuilt.")
    rows = _kept(_tallied(plan, _known(tables.at(spark, "events", snapshot), manifest["as_of"])))
    made = summary(_files(rows, plan, bucket, training_set_id, store=False))["sha256"]
    stored = manifest["sha256"]
    both = sorted(set(made) & set(stored))
    report = {
        "training_set_id": training_set_id,
        "snapshot_id": manifest["snapshot_id"],
        "equal": sum(made[key] == stored[key] for key in both),
        "different": [key for key in both if made[key] != stored[key]],
        "missing": sorted(set(stored) - set(made)),
        "unexpected": sorted(set(made) - set(stored)),
        "writer": {"recorded": manifest["writer"], "now": WRITER},
        "erased": manifest["erased"],
    }
    key = object_key("rebuiltTrainingSet", training_set_id=training_set_id)
    write_bytes(bucket, key, json.dumps(report, indent=2).encode())
    return report


def _known(events: DataFrame, as_of: int | None) -> DataFrame:
    return events if as_of is None else events.where(F.unix_millis("available_at") <= as_of)
