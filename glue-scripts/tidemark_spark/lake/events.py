"""Canonical events as Spark rows: from wire lines by the contracts, from the archive, each fact once."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.contracts import (
    AdmitOptions,
    Contracts,
    Position,
    Rejection,
    id_claim,
    schema_version_claim,
)
from tidemark_spark.engine.admission.record_parts import RecordPart, admit_record
from tidemark_spark.engine.values.positions import HISTORY_SHARD
from tidemark_spark.lake.tables import Tables, merge
from tidemark_spark.names import LIMIT

ROWS_A_BATCH = 20_000

_EVENT = """event_id string, entity_id string, event_type string, event_time long, source_time long, source string,
    schema_version int, properties string, available_at long, shard_id string, sequence_number string,
    sub_sequence int"""
_POSITION = ("shard_id", "sequence_number", "sub_sequence")
_REJECTED = "reason string, detail string, arrival long, partition_key string, raw_base64 string"
LANDED_SCHEMA = f"{_EVENT}, {_REJECTED}"
LANDED_ARROW = pa.schema(
    [
        *[(name, pa.string()) for name in ("event_id", "entity_id", "event_type")],
        *[(name, pa.int64()) for name in ("event_time", "source_time")],
        ("source", pa.string()),
        ("schema_version", pa.int32()),
        ("properties", pa.string()),
        ("available_at", pa.int64()),
        *[(name, pa.string()) for name in ("shard_id", "sequence_number")],
        ("sub_sequence", pa.int32()),
        *[(name, pa.string()) for name in ("reason", "detail")],
        ("arrival", pa.int64()),
        ("partition_key", pa.string()),
        ("raw_base64", pa.string()),
    ]
)


def landed_rows(
    line: bytes, number: int, arrival_ms: int, contracts: Contracts, lag_ms: int
) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """The bytes of each event of the line, and a row of LANDED_SCHEMA: the event, or its reason and raw bytes."""
    position = Position(HISTORY_SHARD, str(number), arrival_ms)
    options = AdmitOptions(replay=True, available_lag_ms=lag_ms, max_bytes=LIMIT["event_bytes"])
    for part in admit_record(line, None, position, contracts, options):
        yield part.data, _landed(part, number, arrival_ms)


def _landed(part: RecordPart, number: int, arrival_ms: int) -> dict[str, Any]:
    if not isinstance(part.verdict, Rejection):
        properties = wire_json.canonical(part.verdict["properties"])
        return part.verdict | {"properties": properties, "sub_sequence": part.sub_sequence}
    return {
        "shard_id": HISTORY_SHARD,
        "sequence_number": str(number),
        "sub_sequence": part.sub_sequence,
        "event_type": part.verdict.event_type,
        "schema_version": part.verdict.schema_version,
        "source": part.verdict.source,
        "reason": part.verdict.reason,
        "detail": str(part.verdict),
        "arrival": arrival_ms,
        "raw_base64": base64.b64encode(part.data).decode(),
    }


def refused_row(line: dict[str, Any]) -> dict[str, Any]:
    """A row of LANDED_SCHEMA from a line of archive/quarantine, whoever wrote it and when.

    What a record said of itself is kept where a table can hold it: a lone surrogate or a version beyond 32 bits in one
    line would end every run that reads it.
    """
    claims = {
        "event_type": id_claim(line.get("event_type")),
        "source": id_claim(line.get("source")),
        "schema_version": schema_version_claim(line.get("schema_version")),
    }
    return {key: _storable(value) for key, value in line.items()} | claims


def _storable(value: Any) -> Any:
    """A text with U+FFFD in place of each lone surrogate, which UTF-8 has not; anything else as it is."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def damaged_row(shard_id: str, key: str, arrival_ms: int) -> dict[str, Any]:
    """A row of LANDED_SCHEMA: the rejection of a whole object, at line 0."""
    detail = f"{key.rsplit('/', 1)[1]}: found gzip data that ends early or is damaged; allowed: a whole file"
    return {
        "shard_id": shard_id,
        "sequence_number": "0",
        "reason": "MALFORMED_JSON",
        "detail": f"{detail}. Load it again.",
        "arrival": arrival_ms,
        "raw_base64": "",
    }


def landed_batches(rows: Iterator[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    """Rows of LANDED_SCHEMA in Arrow batches."""
    held: list[dict[str, Any]] = []
    for row in rows:
        held.append(row)
        if len(held) == ROWS_A_BATCH:
            yield pa.RecordBatch.from_pylist(held, LANDED_ARROW)
            held = []
    if held:
        yield pa.RecordBatch.from_pylist(held, LANDED_ARROW)


def events_of(landed: DataFrame) -> DataFrame:
    """The canonical events among LANDED rows, with the columns of the `events` table."""
    events = landed.where("reason IS NULL")
    for name in ("event_time", "source_time", "available_at"):
        events = events.withColumn(name, F.timestamp_millis(name))
    return events.select([part.split()[0] for part in _EVENT.split(",")])


def rejections_of(landed: DataFrame) -> DataFrame:
    """The rejections among LANDED rows, with the columns of the `quarantine` table."""
    return landed.where("reason IS NOT NULL").select(
        "shard_id",
        "sequence_number",
        F.coalesce("sub_sequence", F.lit(0)).alias("sub_sequence"),
        F.timestamp_millis("arrival").alias("arrival"),
        "reason",
        "detail",
        "event_type",
        "schema_version",
        _contract_version().alias("contract_version"),
        "partition_key",
        "raw_base64",
        F.date_format(F.timestamp_millis("arrival"), "yyyy-MM-dd").alias("dt"),
        "source",
    )


def _contract_version() -> Column:
    """`<event_type>@<schema_version>`; empty where the record did not say its type."""
    named = F.concat(F.col("event_type"), F.lit("@"), F.coalesce(F.col("schema_version").cast("string"), F.lit("")))
    return F.coalesce(named, F.lit(""))


def earliest_copies(events: DataFrame) -> DataFrame:
    """One row an (entity_id, event_id): the copy that was available first. One id of two entities is two facts."""
    order: list[Column] = [
        F.col("available_at"),
        F.length("sequence_number"),
        F.col("sequence_number"),
        F.coalesce("sub_sequence", F.lit(0)),
        F.col("shard_id"),
    ]
    by = Window.partitionBy("entity_id", "event_id").orderBy(*order)
    return events.withColumn("_copy", F.row_number().over(by)).where("_copy = 1").drop("_copy")


def merge_events(spark: SparkSession, tables: Tables, events: DataFrame, *, keep_positions: bool = False) -> None:
    """Merges events into the table, each (entity_id, event_id) once, the earliest available copy.

    `keep_positions`: a copy that is taken in a known one's place stands at its position, which says who knew the fact.
    """
    earlier = """(n.available_at < o.available_at OR (n.available_at = o.available_at AND n.shard_id = o.shard_id
        AND (length(n.sequence_number), n.sequence_number, coalesce(n.sub_sequence, 0))
        < (length(o.sequence_number), o.sequence_number, coalesce(o.sub_sequence, 0))))"""
    kept = _POSITION if keep_positions else ()
    merge(spark, tables.name("events"), earliest_copies(events), ["entity_id", "event_id"], earlier, kept)


def merge_quarantine(spark: SparkSession, tables: Tables, rejected: DataFrame) -> None:
    """Merges rejected records, each place in a shard once: a record may hold several that were refused."""
    place = ["shard_id", "sequence_number", "sub_sequence"]
    merge(spark, tables.name("quarantine"), rejected.dropDuplicates(place), place)
