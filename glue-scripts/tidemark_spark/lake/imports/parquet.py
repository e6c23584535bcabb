"""Tables of the Glue catalog that are folders of Parquet files, as AppFlow writes them: without a history."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from tidemark_spark import aws
from tidemark_spark.lake.imports.increments import OP, ORDINAL, with_arrival
from tidemark_spark.lake.objects import list_objects, read_bytes

MARK = "files"
"""In place of a snapshot, which such a table has none of."""


def files_of(database: str, table: str) -> str | None:
    """Where the Parquet files of a table lie; None for a table of Iceberg. Raises ValueError for any other format."""
    found = aws.client("glue").get_table(DatabaseName=database, Name=table)["Table"]
    if found.get("Parameters", {}).get("table_type", "").upper() == "ICEBERG":
        return None
    storage = found.get("StorageDescriptor", {})
    if "parquet" in storage.get("InputFormat", "").lower():
        return storage["Location"]
    raise ValueError(f"{table}: found a table of another format; allowed: Iceberg, Parquet.")


def read_files(
    spark: SparkSession, folder: str, since_ms: int | None, arrived: str | None, overlap_ms: int
) -> tuple[DataFrame, int] | None:
    """The rows of the files that were written at `since_ms` or later (all, where it is None), with the columns that an
    increment has beside the table's, and when the newest of these files was written, ms UTC; None where there is none.

    What is read again is the same event, by its id. Columns are those of the newest file; what an older one lacks is
    null. Partitions of Hive are no columns.
    """
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    files = [
        file
        for file in list_objects(bucket, prefix, "")
        if not file.key.rsplit("/", 1)[-1].startswith(("_", "."))
        and (since_ms is None or file.modified_ms >= since_ms - overlap_ms)
    ]
    if not files:
        return None
    newest = max(files, key=lambda file: (file.modified_ms, file.key))
    columns = pq.read_schema(io.BytesIO(read_bytes(f"s3://{bucket}/{newest.key}")))

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for key in batch.column("key").to_pylist():
                found = pq.read_table(io.BytesIO(read_bytes(f"s3://{bucket}/{key}")))
                yield from _as(found, columns).to_batches()

    keys = spark.createDataFrame([(file.key,) for file in files], "key string").repartition(min(len(files), 64))
    rows = with_arrival(keys.mapInArrow(read, from_arrow_schema(columns)), arrived)
    return rows.withColumn(OP, F.lit("r")).withColumn(ORDINAL, F.lit(0)), newest.modified_ms


def _as(found: pa.Table, columns: pa.Schema) -> pa.Table:
    """A file's rows in other columns. Raises pyarrow's error where a value does not fit."""
    have = {
        field.name: found.column(field.name).cast(field.type)
        if field.name in found.column_names
        else pa.nulls(found.num_rows, field.type)
        for field in columns
    }
    return pa.table(have, schema=columns.remove_metadata())
