"""Rows of a source → events, on the stream or in the history (docs/adr/0036-imports.md).

What a table held when it was first imported is history: it was known before there was a stream. Whatever shows up later
is known from then on, so it comes by the stream as any event, whatever its own time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.contracts import Rejection, compile_contracts
from tidemark_spark.engine.admission.tombstones import NOBODY, Tombstones
from tidemark_spark.engine.admission.wire_json import dumps
from tidemark_spark.engine.intake.changes import TableRows, change_of
from tidemark_spark.engine.intake.maps import compile_map
from tidemark_spark.engine.intake.refusals import refusal_line
from tidemark_spark.engine.intake.rows import bodies
from tidemark_spark.engine.values.decimals import parse_timestamp
from tidemark_spark.lake.imports.increments import ARRIVED, OP, ORDINAL
from tidemark_spark.lake.imports.kept import keep_history, keep_refused
from tidemark_spark.lake.tables import Tables
from tidemark_spark.lake.tombstones import without_erased
from tidemark_spark.online.event_stream import into_stream, put_all

_MAPPED = pa.schema(
    [
        *[(name, pa.string()) for name in ("event_id", "entity_id", "data")],
        ("event_time", pa.int64()),
        ("ordinal", pa.int64()),
        ("arrived", pa.int64()),
        ("refused", pa.string()),
    ]
)
_MAPPED_DDL = """event_id string, entity_id string, data string, event_time long, ordinal long, arrived long,
    refused string"""
"""A row: an event, or why it is none, as a line of the quarantine; neither where no rule of the map asks for it."""
_COUNT = "kept long"


@dataclass(frozen=True)
class Way:
    """One way of a source. `rows`: how a table's rows are told apart; None of files, whose lines are bodies."""

    source: dict[str, Any]
    carriage: str
    contracts: list[dict[str, Any]]
    rows: TableRows | None
    received_ms: int


@dataclass(frozen=True)
class Taken:
    """Counts of rows, and the greatest arrival among them, ms UTC."""

    received: int
    events: int
    known: int
    refused: int
    ignored: int
    arrived_ms: int | None


def mapped(rows: DataFrame, way: Way) -> DataFrame:
    """A row of `_MAPPED` for each row. `rows` has the columns OP, ORDINAL and ARRIVED where `way.rows` is there."""

    def convert(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        one = _mapper(way)
        for batch in batches:
            yield pa.RecordBatch.from_pylist([one(body) for body in bodies(batch)], _MAPPED)

    return rows.mapInArrow(convert, _MAPPED_DDL)


def _mapper(way: Way) -> Callable[[dict[str, Any]], dict[str, Any]]:
    event_of = compile_map(way.source, way.contracts)
    contracts = compile_contracts(way.contracts)
    rows, name = way.rows, way.source["name"]

    def one(row: dict[str, Any]) -> dict[str, Any]:
        body, item_id, place = row, None, {}
        if rows is not None:
            op, ordinal, arrived = row.pop(OP), row.pop(ORDINAL), row.pop(ARRIVED)
            change = change_of(rows, row, op, arrived)
            body, item_id, place = change.body, change.item_id, {"ordinal": ordinal, "arrived": arrived}
        try:
            event = event_of(body, item_id)
        except Rejection as why:
            line = refusal_line(name, way.carriage, why, dumps(body).encode("utf-8", "replace"), way.received_ms)
            return place | {"refused": dumps(line)}
        if event is None:
            return place
        contract = contracts[event["event_type"]][event["schema_version"]]
        at = parse_timestamp(event["event_time"], contract["event_time_format"], contract["local"])
        return place | {
            "event_id": event["event_id"],
            "entity_id": event["entity_id"],
            "data": dumps(event),
            "event_time": at,
        }

    return one


def take(
    spark: SparkSession,
    tables: Tables,
    rows: DataFrame,
    way: Way,
    *,
    bucket: str,
    stream: str | None,
    land: Callable[[], None],
    erased: Tombstones = NOBODY,
) -> Taken:
    """Maps all rows, keeps the refused ones and brings the events in: to `stream`, in the order of each entity, what
    `events` does not know; with None to the history, which `land` lands.

    Raises what keeps an event from landing: then the mark must stay, and the import runs again.
    """
    found = mapped(rows, way).persist()
    try:
        counts = found.agg(
            F.count("*").alias("received"),
            F.count("refused").alias("refused"),
            F.count("event_id").alias("events"),
            F.max("arrived").alias("arrived"),
            F.min("event_time").alias("first"),
        ).collect()[0]
        if counts["refused"]:
            lines = found.where("refused IS NOT NULL").select("refused")
            _each(lines, partial(keep_refused, bucket))
        events = without_erased(found.where("event_id IS NOT NULL"), erased)
        sent = 0
        if counts["events"] and stream is None:
            sent = _each(events.select("data"), partial(keep_history, bucket, way.source["name"]))
            land()
        elif counts["events"] and stream is not None:
            new = _unknown(spark, tables, events, way, counts["first"])
            ordered = new.repartition("entity_id").sortWithinPartitions("ordinal", "arrived", "event_time", "event_id")
            sent = _put(ordered.select("entity_id", "data"), stream)
    finally:
        found.unpersist()
    ignored = counts["received"] - counts["refused"] - counts["events"]
    return Taken(counts["received"], sent, counts["events"] - sent, counts["refused"], ignored, counts["arrived"])


def _unknown(spark: SparkSession, tables: Tables, events: DataFrame, way: Way, first_ms: int) -> DataFrame:
    """Without what the lake has: states remember ids for a time only, and a table that is synchronised anew tells all
    of its rows again. What came since the last compaction they do remember."""
    if not tables.exists(spark, "events"):
        return events
    tables.refresh(spark, "events")
    # A time that is ahead of its arrival is clamped to it.
    earliest = first_ms - max(one["max_future_ms"] for one in way.contracts)
    known = spark.table(tables.name("events")).where(F.col("event_time") >= F.timestamp_millis(F.lit(earliest)))
    return events.join(known.select("entity_id", "event_id"), ["entity_id", "event_id"], "left_anti")


def _each(texts: DataFrame, keep: Callable[[Iterable[str]], int]) -> int:
    """Keeps a partition's texts, in the executors; returns how many."""

    def kept(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lines = (line for batch in batches for line in batch.column(0).to_pylist())
        yield pa.RecordBatch.from_pydict({"kept": [keep(lines)]})

    return _total(texts.mapInArrow(kept, _COUNT))


def _put(events: DataFrame, stream: str) -> int:
    def put(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = (
            (entity_id, data.encode("utf-8", "replace"))
            for batch in batches
            for entity_id, data in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        yield pa.RecordBatch.from_pydict({"kept": [put_all(into_stream(stream), rows)]})

    return _total(events.mapInArrow(put, _COUNT))


def _total(counts: DataFrame) -> int:
    return counts.agg(F.coalesce(F.sum("kept"), F.lit(0))).collect()[0][0]
