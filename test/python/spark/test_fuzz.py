"""Odd records: Spark says of each what the stream says, and what the stream archived becomes the same rows and values.

`npm run fuzz -- --seed S --records N` runs other and more records; TIDEMARK_FUZZ is "S N".
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from typescript import ROOT

from tidemark_spark.engine.admission import framing, kpl, wire_json
from tidemark_spark.engine.admission.contracts import AdmitOptions, Position, Rejection, compile_contracts
from tidemark_spark.engine.admission.record_parts import RecordPart, admit_record
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import compile_view
from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.consistency import same_value
from tidemark_spark.spark.events import engine_events

SEED, RECORDS = (int(word) for word in os.environ.get("TIDEMARK_FUZZ", "1 10000").split())
AGAIN = f"again: npm run fuzz -- --seed {SEED} --records {RECORDS}"
BUCKET = "fuzz"
SHARD = "shardId-000000000000"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [wire_json.parse(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the TypeScript side made of the records (test/fuzz/write.ts)."""
    path = tmp_path_factory.mktemp("fuzz")
    command = ["node", "--import", "tsx", str(ROOT / "test/fuzz/write.ts"), str(SEED), str(RECORDS), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return path


@pytest.fixture(scope="module")
def run(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["problems"][:5] == [], AGAIN
    return document


def said(part: RecordPart) -> dict[str, Any]:
    at = {"partition_key": part.partition_key, "sub_sequence": part.sub_sequence}
    if isinstance(part.verdict, Rejection):
        of = part.verdict
        return at | {"reason": of.reason, "event_type": of.event_type, "schema_version": of.schema_version}
    return at | {"event": event_text(part.verdict | {"sub_sequence": part.sub_sequence})}


def event_text(event: dict[str, Any]) -> str:
    """One text of an event; of its properties the one that the tables hold."""
    properties = wire_json.canonical(event["properties"])
    return json.dumps({"sub_sequence": 0} | event | {"properties": properties}, sort_keys=True)


def wanted(part: dict[str, Any]) -> dict[str, Any]:
    return part | {"event": event_text(part["event"])} if "event" in part else part


def differences(records: list[dict[str, Any]], run: dict[str, Any]) -> list[Any]:
    """Records of which the two languages say something else."""
    contracts = compile_contracts(run["ir"]["contracts"])
    names = ("replay", "available_lag_ms", "max_bytes")
    options = AdmitOptions(**{name: run["options"][name] for name in names})
    found = []
    for record in records:
        data = base64.b64decode(record["data"])
        position = Position(record["shard_id"], record["sequence_number"], record["arrival_ms"])
        lanes = run["options"]["lanes"]
        parts = admit_record(data, record["partition_key"], position, contracts, options, lanes)
        mine, theirs = [said(part) for part in parts], [wanted(part) for part in record["parts"]]
        if mine != theirs:
            found.append((record["sequence_number"], data[:300], mine, theirs))
    return found


def test_both_languages_say_the_same(folder: Path, run: dict[str, Any]) -> None:
    records = lines_of(folder / "records.ndjson")
    assert len(records) >= RECORDS
    found = differences(records, run)
    assert not found, (AGAIN, len(found), found[:3])


@pytest.mark.parametrize("bug", ["line ends", "checksum", "brackets"])
def test_a_planted_bug_is_found(folder: Path, run: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    match bug:
        case "line ends":
            monkeypatch.setattr(framing, "_NOT_BLANK", framing.re.compile(rb"[^ \t\n]"))
        case "checksum":
            monkeypatch.setattr(kpl, "_DIGEST_BYTES", 15)
        case "brackets":
            monkeypatch.setattr(framing, "_MARK", framing.re.compile(rb'["{}]'))
    assert differences(lines_of(folder / "records.ndjson"), run)


def test_what_was_archived_lands_once_and_means_the_same(
    spark: Any, aws: str, folder: Path, run: dict[str, Any]
) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.fuzz")
    for kind in ("events", "quarantine"):
        key = f"archive/{kind}/dt=2026-03-01/{SHARD}/1-2.ndjson.gz"
        s3.put_object(Bucket=BUCKET, Key=key, Body=(folder / f"{kind}.ndjson.gz").read_bytes())
    tables = Tables("fuzz")
    for _ in range(2):
        compact(spark, tables, BUCKET, 1)
        spark.sql("DELETE FROM glue_catalog.fuzz.archive_files")

    archived = lines_of_gzip(folder / "events.ndjson.gz")
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for event in archived:
        first.setdefault((event["entity_id"], event["event_id"]), event)
    events = spark.table("glue_catalog.fuzz.events")
    rows = {(row.entity_id, row.event_id): row for row in events.collect()}
    assert len(rows) == events.count() == len(first) == run["counts"]["applied"], AGAIN
    for fact, event in first.items():
        row = rows[fact]
        place = (row.sequence_number, row.sub_sequence or 0)
        assert place == (event["sequence_number"], event.get("sub_sequence", 0)), (AGAIN, fact)
        assert row.properties == wire_json.canonical(event["properties"]), (AGAIN, fact)
    places = [(row.sequence_number, row.sub_sequence) for row in spark.table("glue_catalog.fuzz.quarantine").collect()]
    assert len(places) == len(set(places)) == run["counts"]["quarantined"], AGAIN

    plan = compile_view(run["ir"], run["view"])
    columns = [row.asDict() for row in engine_events(events).collect()]
    entities = sorted(run["values"])
    spine = pa.table({"entity_id": entities, "t": pa.array([run["t"]] * len(entities), pa.int64())})
    found = point_in_time(plan, pa.Table.from_pylist(columns, EVENT_SCHEMA), spine).to_pylist()
    for entity, values in zip(entities, found, strict=True):
        for name, value, served in zip(values, values.values(), run["values"][entity], strict=True):
            assert same_value(served, value), (AGAIN, entity, name, served, value)
    assert entities


def lines_of_gzip(path: Path) -> list[dict[str, Any]]:
    text = gzip.decompress(path.read_bytes()).decode()
    return [wire_json.parse(line) for line in text.split("\n") if line]


def test_the_same_records_as_history_are_judged_alike(spark: Any, aws: str, folder: Path, run: dict[str, Any]) -> None:
    bucket = "fuzz-history"
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.fuzz_history")
    history = lines_of(folder / "history.ndjson")
    body = b"".join(base64.b64decode(line["data"]) + b"\n" for line in history)
    s3.put_object(Bucket=bucket, Key="raw/history/a.ndjson.gz", Body=gzip.compress(body))
    files = list_objects(bucket, "raw/history/", ".ndjson.gz")
    counts = land(spark, Tables("fuzz_history"), run["ir"], bucket, count_lines(spark, bucket, files), 1)

    parts = [part for line in history for part in line["parts"]]
    reasons = Counter(part["reason"] for part in parts if "reason" in part)
    facts = {(part["event"]["entity_id"], part["event"]["event_id"]) for part in parts if "event" in part}
    refused = {f"rejected_{reason}": count for reason, count in reasons.items()}
    assert counts == {"lines": len(parts), "admitted": len(parts) - reasons.total()} | refused, AGAIN
    assert spark.table("glue_catalog.fuzz_history.events").count() == len(facts), AGAIN
    assert spark.table("glue_catalog.fuzz_history.quarantine").count() == reasons.total(), AGAIN
