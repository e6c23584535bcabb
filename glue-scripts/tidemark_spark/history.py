"""Landing history: slices of the source files, read and judged in parallel, numbered as one sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from .contracts import compile_contracts
from .events import LANDED_SCHEMA, events_of, landed_batches, landed_rows, merge_events, merge_quarantine, rejections_of
from .lake import LakeObject, read_lines
from .tables import QUARANTINE_COLUMNS, Tables
from .tombstones import NOBODY, Tombstones, any_erased, subjects_of

LINES_A_SLICE = 25_000
_SLICE_SCHEMA = "key string, first long, lines long, number long, arrival long"


def count_lines(spark: SparkSession, bucket: str, files: list[LakeObject]) -> list[tuple[str, int, int, int, int]]:
    """Slices (key, first line, lines, global number of the first, arrival ms), over the files by their keys."""
    if not files:
        return []
    keys = [f.key for f in files]
    counts = spark.sparkContext.parallelize(keys, len(keys)).map(lambda key: len(read_lines(bucket, key))).collect()
    slices, number = [], 1
    for file, lines in zip(files, counts, strict=True):
        for first in range(0, lines, LINES_A_SLICE):
            size = min(LINES_A_SLICE, lines - first)
            slices.append((file.key, first, size, number, file.modified_ms))
            number += size
    return slices


def read_slices(
    spark: SparkSession,
    use_case: dict[str, Any],
    bucket: str,
    slices: list[tuple[str, int, int, int, int]],
    erased: Tombstones = NOBODY,
) -> DataFrame:
    """LANDED rows of all slices, each read and judged on its own. Empty lines, and erased entities', are no records."""
    contracts = compile_contracts(use_case["contracts"])
    lag_ms = use_case["replay"]["available_lag_ms"]

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
        for batch in batches:
            for one in batch.to_pylist():
                lines = read_lines(bucket, one["key"])[one["first"] : one["first"] + one["lines"]]
                for i, line in enumerate(lines):
                    if line and not (erased and any_erased(erased, subjects_of(None, line))):
                        yield from landed_rows(line, one["number"] + i, one["arrival"], contracts, lag_ms)

    frame = spark.createDataFrame(slices, _SLICE_SCHEMA).repartitionByRange(max(1, len(slices)), "number")
    return frame.mapInArrow(lambda batches: landed_batches(rows(batches)), LANDED_SCHEMA)


def land(
    spark: SparkSession,
    tables: Tables,
    use_case: dict[str, Any],
    bucket: str,
    slices: list[tuple[str, int, int, int, int]],
    entity_buckets: int,
    erased: Tombstones = NOBODY,
) -> dict[str, int]:
    """Writes history to `events` and `quarantine`; returns the number of lines, events and rejections by reason."""
    tables.create_events(spark, entity_buckets)
    tables.create(spark, "quarantine", QUARANTINE_COLUMNS, "dt")
    landed = read_slices(spark, use_case, bucket, slices, erased).persist()
    try:
        counted = landed.groupBy("reason").count().collect()
        merge_events(spark, tables, events_of(landed))
        if any(row["reason"] for row in counted):
            merge_quarantine(spark, tables, rejections_of(landed))
    finally:
        landed.unpersist()
    by_reason = {f"rejected_{row['reason']}": row["count"] for row in counted if row["reason"]}
    admitted = sum(row["count"] for row in counted if row["reason"] is None)
    return {"lines": sum(row["count"] for row in counted), "admitted": admitted} | by_reason
