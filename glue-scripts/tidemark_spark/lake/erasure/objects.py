"""Erasing entities from the objects of the lake: archive, history files, batches given up, checks, answers.

Each kind of object has one rule: (bytes, who was erased) → (new bytes, or None to delete it; records taken out).
"""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from tidemark_spark.engine.admission.record_parts import parts_in
from tidemark_spark.engine.admission.tombstones import Tombstones, any_erased, subjects_of
from tidemark_spark.lake.history_objects import HISTORY, DamagedObjectError, content_of, unpacked
from tidemark_spark.lake.objects import s3_client
from tidemark_spark.names import CONTENT

Rule = Callable[[bytes, Tombstones], tuple[bytes | None, int]]
_SLICES = 16


def _lines(body: bytes, about: Callable[[bytes], bool], blank: bool) -> tuple[bytes, int]:
    lines = unpacked(body).split(b"\n")
    kept, taken = [], 0
    for line in lines:
        hit = bool(line) and about(line)
        taken += hit
        if not hit:
            kept.append(line)
        elif blank:
            # Refused lines of history are known by their numbers: they must not move.
            kept.append(_without(line, about))
    return (gzip.compress(b"\n".join(kept), mtime=0), taken) if taken else (body, 0)


def _without(line: bytes, about: Callable[[bytes], bool]) -> bytes:
    """Of a line of several events, those of others stay, in their places; of one event, nothing."""
    parts = [part for _, part in parts_in(line, None)]
    return b"".join(b"{}" if about(part) else part for part in parts) if len(parts) > 1 else b""


def history(body: bytes, erased: Tombstones) -> tuple[bytes | None, int]:
    """Wire events, one a line. What can't be unpacked to its end is never landed: it goes as a whole."""

    def about(line: bytes) -> bool:
        return any_erased(erased, subjects_of(None, line))

    try:
        return _lines(body, about, blank=True)
    except DamagedObjectError as error:
        hits = sum(map(about, error.readable.split(b"\n")))
        return (None, hits) if hits else (body, 0)


def archived(body: bytes, erased: Tombstones) -> tuple[bytes, int]:
    """Canonical events, predictions, exposures, alerts or outcomes, one a line."""
    return _lines(body, lambda line: any_erased(erased, [json.loads(line)["entity_id"]]), blank=False)


def quarantined(body: bytes, erased: Tombstones) -> tuple[bytes, int]:
    """Refused records, one a line."""

    def about(line: bytes) -> bool:
        record = json.loads(line)
        return any_erased(erased, subjects_of(record["partition_key"], base64.b64decode(record["raw_base64"])))

    return _lines(body, about, blank=False)


def given_up(body: bytes, erased: Tombstones) -> tuple[bytes | None, int]:
    """Lambda's record of a batch, with the records of Kinesis or of a table's stream. An emptied one is deleted, but
    for one of the stream, which still says where the archive has a gap."""
    document = json.loads(body)
    payload = document.get("payload")
    event = json.loads(payload) if isinstance(payload, str) else payload
    records = event.get("Records", []) if isinstance(event, dict) else []
    kept: list[dict[str, Any]] = []
    taken = 0
    for record in records:
        hit = any_erased(erased, _subjects_of_record(record))
        taken += hit
        kept += _of_others(record, erased) if hit else [record]
    if not taken:
        return body, 0
    if not kept and "KinesisBatchInfo" not in document:
        return None, len(records)
    event = event | {"Records": kept}
    document["payload"] = json.dumps(event) if isinstance(payload, str) else event
    return json.dumps(document).encode(), taken


def _of_others(record: dict[str, Any], erased: Tombstones) -> list[dict[str, Any]]:
    """What a record of several events holds of others, each as a record of its own; nothing of one event."""
    if "kinesis" not in record:
        return []
    kinesis = record["kinesis"]
    parts = parts_in(base64.b64decode(kinesis.get("data") or ""), kinesis.get("partitionKey"))
    kept = [(key, part) for key, part in parts if not any_erased(erased, subjects_of(key, part))]
    return [
        record | {"kinesis": kinesis | {"partitionKey": key, "data": base64.b64encode(part).decode()}}
        for key, part in kept
    ]


def _subjects_of_record(record: dict[str, Any]) -> set[str]:
    if "kinesis" in record:
        kinesis = record["kinesis"]
        data = base64.b64decode(kinesis.get("data") or "")
        keys = {key for key, _ in parts_in(data, kinesis.get("partitionKey")) if key is not None}
        return keys | subjects_of(kinesis.get("partitionKey"), data)
    keys = record.get("dynamodb", {}).get("Keys", {})
    return {keys["entity_id"]["S"]} if "entity_id" in keys else set()


def answered(body: bytes, erased: Tombstones) -> tuple[bytes | None, int]:
    """A question about one entity or its answer, or about several: deleted."""
    about = json.loads(body)
    asked = [about.get("entity_id"), *about.get("entity_ids", [])]
    return (None, 1) if any_erased(erased, asked) else (body, 0)


def checks(predictions: frozenset[str]) -> Rule:
    """Summaries of checks: an example that is a prediction of an erased entity goes."""

    def rule(body: bytes, _: Tombstones) -> tuple[bytes, int]:
        document = json.loads(body)
        example = document.get("first_example") if isinstance(document, dict) else None
        if not isinstance(example, dict) or example.get("prediction_id") not in predictions:
            return body, 0
        return json.dumps(document | {"first_example": None}, indent=2).encode(), 1

    return rule


def parquet(body: bytes, erased: Tombstones) -> tuple[bytes | None, int]:
    """Rows of a data file, by its column entity_id; looked at only, never rewritten."""
    file = pq.ParquetFile(io.BytesIO(body))
    if "entity_id" not in file.schema_arrow.names:
        return body, 0
    ids = file.read(["entity_id"])["entity_id"].combine_chunks().value_counts()
    hits = [pair["counts"].as_py() for pair in ids if any_erased(erased, [pair["values"].as_py()])]
    return body, sum(hits)


def erase_objects(
    spark: SparkSession, bucket: str, rules: dict[str, Rule], erased: Tombstones, look_only: bool = False
) -> dict[str, int]:
    """Applies each prefix's rule to its objects; returns records found by prefix, each once a version.

    Where the bucket keeps old versions, those that hold an erased entity are deleted for good.
    """
    found: Counter[str] = Counter(dict.fromkeys(rules, 0))
    for latest in (True, False):
        work = [(prefix, key, version) for prefix in rules for key, version in _versions(bucket, prefix, latest)]
        if not work:
            continue

        def one(item: tuple[str, str, str], latest: bool = latest) -> tuple[str, int]:
            prefix, key, version = item
            return prefix, _apply(bucket, key, None if latest else version, rules[prefix], erased, look_only)

        done = spark.sparkContext.parallelize(work, min(_SLICES, len(work))).map(one).collect()
        for prefix, records in done:
            found[prefix] += records
    return dict(found)


def _apply(bucket: str, key: str, version: str | None, rule: Rule, erased: Tombstones, look_only: bool) -> int:
    s3, at = s3_client(), {"VersionId": version} if version else {}
    answer = s3.get_object(Bucket=bucket, Key=key, **at)
    body = answer["Body"].read()
    cleaned, records = rule(body, erased)
    if records and not look_only:
        if cleaned is None or version:
            s3.delete_object(Bucket=bucket, Key=key, **at)
        else:
            # What is left is still the content that was loaded: its other lines are known by it.
            metadata = answer.get("Metadata", {})
            if key.startswith(HISTORY):
                metadata = metadata | {CONTENT: content_of(metadata, body)}
            s3.put_object(Bucket=bucket, Key=key, Body=cleaned, Metadata=metadata)
    return records


def _versions(bucket: str, prefix: str, latest: bool) -> list[tuple[str, str]]:
    pages = s3_client().get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
    return [
        (o["Key"], o["VersionId"])
        for page in pages
        for o in page.get("Versions", [])
        if o["IsLatest"] is latest and not o["Key"].endswith("/")
    ]


def purge_old_versions(bucket: str, prefix: str) -> int:
    """Deletes every old version below the prefix: of the warehouse only expired snapshots reach them."""
    gone = _versions(bucket, prefix, latest=False)
    for key, version in gone:
        s3_client().delete_object(Bucket=bucket, Key=key, VersionId=version)
    return len(gone)
