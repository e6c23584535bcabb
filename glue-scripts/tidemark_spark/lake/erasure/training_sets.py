"""Erasing entities from the files of training sets, and saying so in their manifests."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from tidemark_spark.engine.admission.tombstones import Tombstones, tombstone_of
from tidemark_spark.lake.objects import list_objects, read_bytes, s3_client, write_bytes
from tidemark_spark.lake.training_files import FOLDER, facts_of, file_key, slices_of, summary, table_bytes
from tidemark_spark.names import object_key


def erase_training_sets(bucket: str, erased: Tombstones, tags: dict[str, str]) -> int:
    """Rewrites the sets that hold an erased entity; `tags`: set → the snapshot its tag points to. Returns rows taken.

    What is left is what a rebuild from the moved snapshot gives, byte by byte. Each split is read whole, as it was
    written. A manifest is brought up to date also where an earlier run died before it was.
    """
    ids = sorted({o.key[len(FOLDER) :].split("/")[0] for o in list_objects(bucket, FOLDER, "")})
    return sum(_erase_one(bucket, name, erased, tags.get(name)) for name in ids)


def _erase_one(bucket: str, name: str, erased: Tombstones, snapshot: str | None) -> int:
    try:
        manifest = json.loads(read_bytes(f"s3://{bucket}/{object_key('trainingSet', training_set_id=name)}"))
    except ClientError:
        manifest = None
    keys = [o.key for o in list_objects(bucket, f"{FOLDER}{name}/", ".parquet")]
    splits: dict[str, list[str]] = {}
    for key in keys:
        splits.setdefault(key.split("/")[2], []).append(key)
    taken, files = 0, []
    for split, parts in sorted(splits.items()):
        table = pa.concat_tables([pq.read_table(io.BytesIO(read_bytes(f"s3://{bucket}/{key}"))) for key in parts])
        kept = _without(table, erased)
        taken += len(table) - len(kept)
        if len(kept) == len(table):
            files += [_file(key, split, pq.read_table(io.BytesIO(read_bytes(f"s3://{bucket}/{key}")))) for key in parts]
            continue
        written = [_file(file_key(name, split, i), split, part) for i, part in enumerate(slices_of(kept))]
        for file, part in zip(written, slices_of(kept), strict=True):
            write_bytes(bucket, file["key"], table_bytes(part))
        for key in set(parts) - {file["key"] for file in written}:
            s3_client().delete_object(Bucket=bucket, Key=key)
        files += written
    if manifest is not None:
        _update(bucket, name, manifest, files, snapshot)
    return taken


def _without(table: pa.Table, erased: Tombstones) -> pa.Table:
    gone = {i for i in table["entity_id"].unique().to_pylist() if tombstone_of(i) in erased}
    return table.filter(pa.array([i not in gone for i in table["entity_id"].to_pylist()], pa.bool_()))


def _file(key: str, split: str, part: pa.Table) -> dict[str, Any]:
    return {"key": key, "split": split} | facts_of(part, table_bytes(part))


def _update(
    bucket: str, name: str, manifest: dict[str, Any], files: list[dict[str, Any]], snapshot: str | None
) -> None:
    told = summary(files)
    gone = sum(manifest["rows"].values()) - sum(told["rows"].values())
    if not gone and (snapshot is None or snapshot == manifest["snapshot_id"]):
        return
    manifest |= told | {"erased": manifest.get("erased", 0) + gone}
    if snapshot is not None:
        manifest["snapshot_id"] = snapshot
    write_bytes(
        bucket, object_key("trainingSet", training_set_id=name), json.dumps(manifest, sort_keys=True, indent=2).encode()
    )
