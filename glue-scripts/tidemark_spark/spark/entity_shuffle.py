"""Whole entities brought together in one partition, as columns and not row by row.

Spark's own shuffle turns every row into bytes and each of its values into Arrow once more: 1.2 CPU seconds a million
events. Here the rows of a batch that go to one partition travel as one Arrow stream, so Spark moves a few large blobs;
what a view doesn't read is left behind, and JSON is read before, where it needn't travel. Together 0.5 CPU seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from tidemark_spark.engine.values.columns import WORDS, codes_of
from tidemark_spark.engine.values.hashing import hash53, murmur3

ENTITY_ID = WORDS
"""The type of entity_id in the tables that arrive."""
_BLOBS = "key int, side string, blob string, piece int, bytes binary"
_PIECE = 1 << 18
"""Bytes a row of Spark's: the JVM copies each row several times, and larger arrays than this go past its caches."""
_SPARK_SEED = 42


@dataclass(frozen=True)
class Side:
    """Rows that go to the partition of their `entity_id`. `encode` makes of each batch what shall travel.

    `schema`: of what it makes; entity_id there as ENTITY_ID, in what `encode` returns as string.
    """

    rows: DataFrame
    schema: pa.Schema
    encode: Callable[[pa.Table], pa.Table] = lambda table: table


def map_entities(
    sides: dict[str, Side], make: Callable[[dict[str, pa.Table]], pa.Table], schema: str | StructType
) -> DataFrame:
    """Calls `make` in each partition with all rows of its entities, by side; a side without rows there is empty.

    A partition without any rows makes none. As many partitions as spark.sql.shuffle.partitions says.
    """
    partitions = partitions_of(next(iter(sides.values())).rows)
    keys = partition_keys(partitions)
    blobs: DataFrame | None = None
    for name, side in sides.items():
        sent = side.rows.mapInArrow(_sender(name, side, keys), _BLOBS)
        blobs = sent if blobs is None else blobs.unionByName(sent)
    assert blobs is not None
    schemas = {name: side.schema for name, side in sides.items()}

    def receive(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tables = _received(batches, schemas)
        if tables is not None:
            yield from make(tables).combine_chunks().to_batches()

    return blobs.repartition(partitions, "key").mapInArrow(receive, schema)


def partitions_of(frame: DataFrame) -> int:
    """How many partitions a shuffle of its session makes."""
    return int(frame.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)


def partition_keys(partitions: int) -> list[int]:
    """For each partition an integer that Spark puts there: its hash partitioner is Murmur3 modulo their number."""
    numbers = np.arange(64 * partitions + 64, dtype="<i4")
    hashed = murmur3(numbers.view(np.uint8).reshape(-1, 4), _SPARK_SEED).view(np.int32)
    found, first = np.unique(hashed % partitions, return_index=True)
    if len(found) < partitions:
        raise ValueError(f"partitions: found {partitions}, of which {partitions - len(found)} have no key")
    return first.tolist()


def _sender(name: str, side: Side, keys: list[int]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    encode = side.encode

    def send(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                for bucket, rows in split(encode(pa.Table.from_batches([batch])), len(keys)):
                    blob = pa.BufferOutputStream()
                    with pa.ipc.new_stream(blob, rows.schema) as writer:
                        writer.write_table(rows)
                    yield _pieces(keys[bucket], name, blob.getvalue().to_pybytes())

    return send


def _pieces(key: int, side: str, blob: bytes) -> pa.RecordBatch:
    pieces = [blob[first : first + _PIECE] for first in range(0, len(blob), _PIECE)]
    count = len(pieces)
    about = [pa.array([key] * count, pa.int32()), pa.array([side] * count), pa.array([uuid4().hex] * count)]
    columns = [*about, pa.array(np.arange(count, dtype=np.int32)), pa.array(pieces, pa.binary())]
    return pa.record_batch(columns, names=["key", "side", "blob", "piece", "bytes"])


def split(table: pa.Table, buckets: int) -> Iterator[tuple[int, pa.Table]]:
    """The rows by a hash of their entity, each bucket that has some; their order in a bucket stays."""
    codes, words = codes_of(table["entity_id"])
    of_word = hash53(words) % buckets
    # Words by bucket, so that each bucket's rows carry the words of its own entities only.
    by_bucket = np.argsort(of_word, kind="stable")
    place = np.empty(len(words), np.int32)
    place[by_bucket] = np.arange(len(words), dtype=np.int32)
    words = words.take(pa.array(by_bucket)).cast(pa.string())
    # Of one or two bytes, numpy sorts by radix.
    of_row = of_word.astype(np.min_scalar_type(buckets))[codes]
    order = np.argsort(of_row, kind="stable")
    edges = np.arange(buckets + 1)
    row_edge = np.searchsorted(of_row[order], edges)
    word_edge = np.searchsorted(of_word[by_bucket], edges)
    at = table.column_names.index("entity_id")
    rows, codes = table.remove_column(at).take(pa.array(order)), place[codes[order]]
    for bucket in np.flatnonzero(np.diff(row_edge)).tolist():
        mine, known = slice(*row_edge[bucket : bucket + 2]), slice(*word_edge[bucket : bucket + 2])
        own = words.slice(known.start, known.stop - known.start)
        ids = pa.DictionaryArray.from_arrays(codes[mine] - np.int32(known.start), own)
        yield bucket, rows.slice(mine.start, mine.stop - mine.start).add_column(at, "entity_id", ids)


def _received(batches: Iterable[pa.RecordBatch], schemas: dict[str, pa.Schema]) -> dict[str, pa.Table] | None:
    pieces: dict[tuple[str, str], dict[int, bytes]] = {}
    for batch in batches:
        names = zip(*(batch[column].to_pylist() for column in ("side", "blob", "piece")), strict=True)
        for (side, blob, piece), part in zip(names, batch["bytes"].to_pylist(), strict=True):
            pieces.setdefault((side, blob), {})[piece] = part
    if not pieces:
        return None
    held: dict[str, list[pa.Table]] = {name: [] for name in schemas}
    for (side, _), parts in pieces.items():
        whole = b"".join(parts[number] for number in range(len(parts)))
        held[side].append(pa.ipc.open_stream(whole).read_all())
    return {
        name: pa.concat_tables(held[name]).cast(schema) if held[name] else schema.empty_table()
        for name, schema in schemas.items()
    }
