"""Landing history: slices of the source files, read and judged in parallel, each event at a position of its own.

Two things must survive a second load (docs/adr/0020-positions-of-history.md). An event's position says what a state
knew: what is landed later lies behind all that was landed before. A refused line is known by its file's content and its
number in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.contracts import Contracts, compile_contracts
from tidemark_spark.engine.admission.tombstones import NOBODY, Tombstones, any_erased, subjects_of
from tidemark_spark.engine.values.positions import HISTORY_SHARD
from tidemark_spark.lake.events import (
    LANDED_SCHEMA,
    damaged_row,
    events_of,
    landed_batches,
    landed_rows,
    merge_events,
    merge_quarantine,
    rejections_of,
)
from tidemark_spark.lake.history_objects import read_source
from tidemark_spark.lake.objects import LakeObject
from tidemark_spark.lake.tables import QUARANTINE_COLUMNS, Tables

LINES_A_SLICE = 25_000
_SLICE_SCHEMA = "key string, first long, lines long, number long, arrival long, content string"
_POSITIONS_A_MS = 10**12
"""A landing begins at its time in ms × this: behind every landing before, and before every one after it."""

Slice = tuple[str, int, int, int, int, str]


def count_lines(spark: SparkSession, bucket: str, files: list[LakeObject]) -> list[Slice]:
    """Slices (key, first line, lines, number of the first among all, arrival ms, content), over files by their keys.

    Of objects with the same content only the first is read. One that can't be unpacked is a slice of no lines.
    """
    if not files:
        return []

    def survey(key: str) -> tuple[str, int | None]:
        source = read_source(bucket, key)
        return source.content, None if source.lines is None else len(source.lines)

    keys = [f.key for f in files]
    surveyed = spark.sparkContext.parallelize(keys, len(keys)).map(survey).collect()
    slices: list[Slice] = []
    number, seen = 1, set()
    for file, (content, lines) in zip(files, surveyed, strict=True):
        if content in seen:
            continue
        seen.add(content)
        if lines is None:
            slices.append((file.key, 0, 0, number, file.modified_ms, content))
        for first in range(0, lines or 0, LINES_A_SLICE):
            size = min(LINES_A_SLICE, (lines or 0) - first)
            slices.append((file.key, first, size, number, file.modified_ms, content))
            number += size
    return slices


def read_slices(
    spark: SparkSession,
    use_case: dict[str, Any],
    bucket: str,
    slices: list[Slice],
    erased: Tombstones = NOBODY,
    begin: int = 0,
) -> DataFrame:
    """LANDED rows of all slices, each read and judged on its own, events at positions from `begin` + 1.

    Empty lines, and erased entities', are no records.
    """
    contracts = compile_contracts(use_case["contracts"])
    lag_ms = use_case["replay"]["available_lag_ms"]

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
        for batch in batches:
            for one in batch.to_pylist():
                yield from _rows_of(bucket, one, contracts, lag_ms, erased, begin)

    frame = spark.createDataFrame(slices, _SLICE_SCHEMA).repartitionByRange(max(1, len(slices)), "number")
    return frame.mapInArrow(lambda batches: landed_batches(rows(batches)), LANDED_SCHEMA)


def _rows_of(
    bucket: str, piece: dict[str, Any], contracts: Contracts, lag_ms: int, erased: Tombstones, begin: int
) -> Iterator[dict[str, Any]]:
    lines, first, arrival = read_source(bucket, piece["key"]).lines, piece["first"], piece["arrival"]
    shard = f"{HISTORY_SHARD}/{piece['content']}"
    if lines is None:
        yield damaged_row(shard, piece["key"], arrival)
        return
    for i, line in enumerate(lines[first : first + piece["lines"]]):
        place = {"shard_id": shard, "sequence_number": str(first + i + 1)}
        # Of a line of several events each may be about somebody else.
        for about, row in landed_rows(line, begin + piece["number"] + i, arrival, contracts, lag_ms) if line else ():
            if not (erased and any_erased(erased, subjects_of(None, about))):
                yield row | (place if row.get("reason") else {})


def land(
    spark: SparkSession,
    tables: Tables,
    use_case: dict[str, Any],
    bucket: str,
    slices: list[Slice],
    entity_buckets: int,
    erased: Tombstones = NOBODY,
) -> dict[str, int]:
    """Writes history to `events` and `quarantine`; returns the number of lines, events and rejections by reason.

    One run at a time (the job allows no second): positions tell which landing came first.
    """
    tables.create_events(spark, entity_buckets)
    tables.create(spark, "quarantine", QUARANTINE_COLUMNS, "dt")
    landed = read_slices(spark, use_case, bucket, slices, erased, _begin(spark, tables)).persist()
    try:
        counted = landed.groupBy("reason").count().collect()
        merge_events(spark, tables, events_of(landed), keep_positions=True)
        if any(row["reason"] for row in counted):
            refused = rejections_of(landed)
            merge_quarantine(spark, tables, refused)
            _forget_numbers(spark, tables, refused)
    finally:
        landed.unpersist()
    by_reason = {f"rejected_{row['reason']}": row["count"] for row in counted if row["reason"]}
    admitted = sum(row["count"] for row in counted if row["reason"] is None)
    return {"lines": sum(row["count"] for row in counted), "admitted": admitted} | by_reason


def _begin(spark: SparkSession, tables: Tables) -> int:
    """Behind every position of history that is there, also when a clock went back."""
    newest = F.max(F.struct(F.length("sequence_number").alias("n"), F.col("sequence_number").alias("s")))
    history = spark.table(tables.name("events")).where(F.col("shard_id") == HISTORY_SHARD)
    last = history.agg(newest.alias("last")).collect()[0]["last"]
    return max(int(time.time() * 1000) * _POSITIONS_A_MS, 0 if last is None else int(last["s"]))


def _forget_numbers(spark: SparkSession, tables: Tables, refused: DataFrame) -> None:
    """Takes the row away that a refused line had while lines were numbered over all files: now it has its own."""
    numbered = spark.table(tables.name("quarantine")).where(F.col("shard_id") == HISTORY_SHARD)
    if numbered.isEmpty():
        return
    refused.select("raw_base64").distinct().createOrReplaceTempView("tidemark_refused")
    on = f"o.shard_id = '{HISTORY_SHARD}' AND o.raw_base64 = n.raw_base64"
    spark.sql(f"MERGE INTO {tables.name('quarantine')} o USING tidemark_refused n ON {on} WHEN MATCHED THEN DELETE")
