"""The files of a training set: their keys, their bytes, and what a manifest says of them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidemark_spark.engine.slices import SPLITS
from tidemark_spark.names import PREFIX

FOLDER = PREFIX["trainingSets"]
TAG = "training-"
"""Begins the name of the tag that keeps a set's snapshot."""
ROWS_A_FILE = 1_000_000
_FIRST = ("entity_id", "t", "label", "newest_event_time")
WRITER = f"pyarrow {pa.__version__}, layout 2"
"""Another version, or another layout of the columns, may write other bytes for the same rows."""


def file_key(training_set_id: str, split: str, number: int) -> str:
    return f"{FOLDER}{training_set_id}/{split}/part-{number:05d}.parquet"


def slices_of(rows: pa.Table) -> list[pa.Table]:
    """The files' rows of a sorted split."""
    return [rows.slice(start, ROWS_A_FILE) for start in range(0, len(rows), ROWS_A_FILE)]


def parquet_bytes(rows: pa.Table, inputs: list[str]) -> bytes:
    """Columns entity_id, t, label, newest_event_time, then one nullable double an input; same rows, same bytes."""
    flat = rows["values"].combine_chunks().flatten()
    width = len(inputs)
    columns = [rows[name] for name in _FIRST]
    columns += [flat.take(pa.array(range(i, len(flat), width), pa.int64())) for i in range(width)]
    return table_bytes(pa.table(columns, names=[*_FIRST, *inputs]))


def table_bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table.combine_chunks(), out, compression="zstd")
    return out.getvalue()


def facts_of(rows: pa.Table, body: bytes) -> dict[str, Any]:
    """What the manifest says of a file: rows, positives, and the hashes of its spine and its bytes."""
    spine = zip(rows["t"].to_pylist(), rows["entity_id"].to_pylist(), rows["label"].to_pylist(), strict=True)
    digest = hashlib.sha256("".join(f"{t}\t{label}\t{entity}\n" for t, entity, label in spine).encode()).hexdigest()
    positives = pc.sum(rows["label"]).as_py()
    return {"rows": len(rows), "positives": positives, "spine_hash": digest, "sha256": hashlib.sha256(body).hexdigest()}


def summary(files: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of a manifest that follows from the files (facts_of, with key and split)."""
    rows = {split: sum(f["rows"] for f in files if f["split"] == split) for split in SPLITS}
    positives = {split: sum(f["positives"] for f in files if f["split"] == split) for split in SPLITS}
    spine = "".join(f"{f['split']} {f['spine_hash']}\n" for f in files)
    return {
        "spine_hash": hashlib.sha256(spine.encode()).hexdigest(),
        "rows": rows,
        "base_rates": {split: positives[split] / rows[split] if rows[split] else None for split in SPLITS},
        "files": [f["key"] for f in files],
        "sha256": {f["key"]: f["sha256"] for f in files},
    }
