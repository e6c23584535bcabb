"""Erasing one entity from the lake: nothing yields it, not even old snapshots, and no replay brings it back."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from damage import CONTRACTS, GOOD
from streams import DAY, START
from test_archive_and_check import decided, prediction, said
from test_archive_and_check import event as raw_event
from test_training import use_case
from typescript import unreadable

from tidemark_spark.engine.admission.tombstones import subjects_of, tombstone_of
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.erasure import objects as rules
from tidemark_spark.lake.erasure.tables import erase_tables, erased_predictions, left_in_tables
from tidemark_spark.lake.erasure.training_sets import erase_training_sets
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.training_set import TrainingSetError, build, rebuild

WHO = "erase-me-größe"
ERASED = frozenset([tombstone_of(WHO)])
BUCKET = "erasure"


def event(name: str, sequence: int, amount: int, **more: Any) -> dict[str, Any]:
    sold = {"amount": amount, "store": "s", "loyal": True}
    return raw_event(name, sequence, amount, properties=sold, **more)


@pytest.fixture(scope="module")
def bucket(aws: str) -> str:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return BUCKET


def put(key: str, lines: list[Any]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text.encode()))


def holds(body: bytes, who: str = WHO) -> bool:
    """Whether bytes yield the entity: as text, gzipped, in base64, in a Parquet column or in an Avro block."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    if body[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(body))
        found = json.dumps(table.to_pylist(), default=str, ensure_ascii=False)
        return who in found or encoded(who) in found
    if body[:4] == b"Obj\x01":
        # Deflated blocks between sync markers: the bounds of columns stand in manifests.
        sync = body[-16:]
        return any(_deflated(block).find(who.encode()[:16]) >= 0 for block in body.split(sync)[1:-1])
    text = body.decode("utf-8", "replace")
    return who in text or json.dumps(who)[1:-1] in text or encoded(who) in text


def encoded(who: str) -> str:
    """The middle of the base64 of a raw record that begins with the entity."""
    return base64.b64encode(json.dumps({"entity_id": who}, ensure_ascii=False).encode()).decode()[:24]


def _deflated(block: bytes) -> bytes:
    for start in range(1, 12):
        try:
            return zlib.decompressobj(-15).decompress(block[start:])
        except zlib.error:
            continue
    return block


def objects_with(who: str = WHO) -> list[str]:
    s3 = boto3.client("s3")
    found = []
    for version in s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
        body = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        if holds(body, who):
            found.append(version["Key"])
    return found


def files_with(spark: Any, database: str, who: str = WHO) -> list[str]:
    root = Path(spark.conf.get("spark.sql.catalog.glue_catalog.warehouse")) / database
    files = [f for f in root.rglob("*") if f.is_file() and not f.name.endswith(".crc")]
    return [str(f.relative_to(root)) for f in files if holds(f.read_bytes(), who)]


def refused(who: str, sequence: str, raw: str) -> dict[str, Any]:
    about = {"shard_id": "s1", "sequence_number": sequence, "arrival": START, "reason": "MALFORMED_JSON", "detail": "d"}
    about |= {"event_type": None, "schema_version": None, "contract_version": "", "partition_key": who}
    return about | {"raw_base64": base64.b64encode(raw.encode()).decode()}


def purchases() -> list[dict[str, Any]]:
    """Both buy daily; the erased one has the newest event, so that the last label closes by its time."""
    days = [(who, day) for day in range(16) for who in ("keep", WHO)]
    return [
        event(
            f"{who}-{day}", i + 1, day, entity_id=who, event_time=START + day * DAY, available_at=START + day * DAY + 10
        )
        for i, (who, day) in enumerate(days)
    ]


def fill() -> None:
    put("archive/events/dt=1/s1/1-32.ndjson.gz", purchases())
    raw = json.dumps({"entity_id": WHO}, ensure_ascii=False)
    lines = [refused(WHO, "40", "{"), refused("other", "41", raw[:-1]), refused("keep", "42", "{")]
    put("archive/quarantine/dt=1/s1/40-42.ndjson.gz", lines)
    served = [prediction("p1", 2, [1], entity_id=WHO), prediction("p2", 2, [1], entity_id="keep")]
    put("archive/predictions/dt=1/x.ndjson.gz", served)
    seen = {"experiment": "e", "variant": "champion", "t": START, "model_version": "m", "definition_hash": "h"}
    exposures = [seen | {"entity_id": who, "exposed_at": START} for who in (WHO, "keep")]
    put("archive/exposures/dt=1/x.ndjson.gz", exposures)
    put("archive/alerts/dt=1/x.ndjson.gz", [decided("p1", None, entity_id=WHO), decided("p2", None, entity_id="keep")])
    put("archive/outcomes/dt=1/x.ndjson.gz", [said("o1", "p1", "saved", entity_id=WHO), said("o2", "p2", "wrong")])
    put("raw/history/a.ndjson.gz", [GOOD | {"event_id": "h1", "entity_id": WHO}, GOOD | {"event_id": "h2"}])
    records = [
        {"kinesis": {"partitionKey": who, "data": base64.b64encode(json.dumps({"entity_id": who}).encode()).decode()}}
        for who in (WHO, "keep")
    ]
    s3 = boto3.client("s3")
    given_up = {"version": "1.0", "payload": json.dumps({"Records": records}, ensure_ascii=False)}
    s3.put_object(Bucket=BUCKET, Key="aws/lambda/m/s/1", Body=json.dumps(given_up, ensure_ascii=False).encode())
    gone = {"payload": {"Records": [{"dynamodb": {"Keys": {"entity_id": {"S": WHO}}}}]}}
    s3.put_object(Bucket=BUCKET, Key="aws/lambda/m/s/2", Body=json.dumps(gone, ensure_ascii=False).encode())
    question = json.dumps({"entity_id": WHO}, ensure_ascii=False).encode()
    s3.put_object(Bucket=BUCKET, Key="time-travel/1/question.json", Body=question)
    check = {"checked": 2, "first_example": {"prediction_id": "p1", "served": "1"}}
    s3.put_object(Bucket=BUCKET, Key="checks/1.json", Body=json.dumps(check).encode())


RULES = {
    "raw/history/": rules.history,
    "archive/events/": rules.archived,
    "archive/quarantine/": rules.quarantined,
    "archive/predictions/": rules.archived,
    "archive/exposures/": rules.archived,
    "archive/alerts/": rules.archived,
    "archive/outcomes/": rules.archived,
    "aws/lambda/": rules.given_up,
    "time-travel/": rules.answered,
}
HISTORY = {"contracts": CONTRACTS, "replay": {"available_lag_ms": 60_000}}


def load(spark: Any, tables: Tables, erased: frozenset[str] = frozenset()) -> None:
    compact(spark, tables, BUCKET, 1, erased)
    slices = count_lines(spark, BUCKET, list_objects(BUCKET, "raw/history/", ".ndjson.gz"))
    land(spark, tables, HISTORY, BUCKET, slices, 1, erased)


def test_nothing_yields_an_erased_entity_and_no_replay_brings_it_back(spark: Any, bucket: str) -> None:
    tables = Tables("erasure")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.erasure")
    fill()
    load(spark, tables)
    document = use_case()
    document["model"]["test"] = document["model"]["train"] | {"from": START + 11 * DAY, "to": START + 12 * DAY}
    before = build(spark, tables, document, BUCKET, "one", None)
    s3 = boto3.client("s3")
    # Later events: the tag alone keeps what the set was built from.
    put("archive/events/dt=2/s1/50-50.ndjson.gz", [event("late", 50, 1, entity_id=WHO, event_time=START + DAY)])
    compact(spark, tables, BUCKET, 1)
    same = rebuild(spark, tables, document, BUCKET, "one")
    assert unreadable("buildTrainingSet", same) == []
    assert (same["equal"], same["different"], same["missing"], same["unexpected"]) == (3, [], [], [])
    # Merge on read leaves delete files: they must go too.
    spark.sql("ALTER TABLE glue_catalog.erasure.predictions SET TBLPROPERTIES ('write.delete.mode'='merge-on-read')")
    warehouse = files_with(spark, "erasure")
    for table in ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes", "training_sets"):
        assert any(name.startswith(f"{table}/data") for name in warehouse), table
    assert len(objects_with()) >= 10

    # As the job does it.
    taken = rules.erase_objects(
        spark, BUCKET, {"checks/": rules.checks(erased_predictions(spark, tables, ERASED))}, ERASED
    )
    taken |= erase_tables(spark, tables, ERASED)
    refs = spark.sql("SELECT name, snapshot_id FROM glue_catalog.erasure.events.refs WHERE type = 'TAG'").collect()
    tags = {row["name"].removeprefix("training-"): str(row["snapshot_id"]) for row in refs}
    taken["training/"] = erase_training_sets(BUCKET, ERASED, tags)
    taken |= rules.erase_objects(spark, BUCKET, RULES, ERASED)
    rules.purge_old_versions(BUCKET, "training/")
    assert (taken["events"], taken["quarantine"], taken["predictions"], taken["moved_tags"]) == (18, 2, 1, 1)
    for table in ("exposures", "alerts", "outcomes"):
        # Of the object's line twice: as it was, and as the old version that its rewriting left.
        assert (taken[table], taken[f"archive/{table}/"]) == (1, 2), table
    assert taken["training_sets"] == taken["training/"] > 0

    assert files_with(spark, "erasure") == []
    assert objects_with() == []
    assert set(left_in_tables(spark, tables, ERASED).values()) == {0}
    assert set(rules.erase_objects(spark, BUCKET, RULES, ERASED, look_only=True).values()) == {0}
    assert spark.table("glue_catalog.erasure.events").where("entity_id = 'keep'").count() == 16
    assert files_with(spark, "erasure", "keep") != [] and objects_with("keep") != []

    # The set says so, and what is left can be rebuilt to the same bytes from the moved snapshot.
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key="training/one/manifest.json")["Body"].read())
    assert manifest["erased"] == sum(before["rows"].values()) - sum(manifest["rows"].values()) == taken["training/"]
    assert manifest["snapshot_id"] != before["snapshot_id"]
    again = rebuild(spark, tables, document, BUCKET, "one")
    assert (again["equal"], again["different"], again["erased"]) == (3, [], manifest["erased"])

    # A replay of everything: the archive as it was, read again from the start, and the history landed again.
    fill()
    spark.sql("DELETE FROM glue_catalog.erasure.archive_files")
    load(spark, tables, ERASED)
    assert files_with(spark, "erasure") == []
    spark.sql("DELETE FROM glue_catalog.erasure.archive_files")
    load(spark, tables)
    assert files_with(spark, "erasure") != [], "without the tombstone the replay would have brought it back"


def test_a_rebuild_refuses_what_it_cannot_reproduce(spark: Any, bucket: str) -> None:
    tables = Tables("rebuild")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.rebuild")
    put("archive/events/dt=1/s1/1-32.ndjson.gz", purchases())
    compact(spark, tables, BUCKET, 1)
    document = use_case()
    document["model"]["test"] = document["model"]["train"] | {"from": START + 11 * DAY, "to": START + 12 * DAY}
    build(spark, tables, document, BUCKET, "two", None)
    view = document["views"][0] | {"definition_hash": "another"}
    with pytest.raises(TrainingSetError, match=r"^definition_hash: the set is of h, deployed is another"):
        rebuild(spark, tables, document | {"views": [view]}, BUCKET, "two")
    key = "training/two/manifest.json"
    s3 = boto3.client("s3")
    manifest = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    changed = manifest | {"sha256": manifest["sha256"] | {manifest["files"][0]: "0"}}
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(changed).encode())
    assert rebuild(spark, tables, document, BUCKET, "two")["different"] == [manifest["files"][0]]
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(manifest | {"snapshot_id": "1"}).encode())
    with pytest.raises(TrainingSetError, match="1 is gone"):
        rebuild(spark, tables, document, BUCKET, "two")


def test_bounds_in_manifests_would_name_an_erased_entity(spark: Any) -> None:
    """Why tables keep bounds of times only; also that the check above can see into a manifest."""
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.bounds")
    spark.sql(
        "CREATE TABLE glue_catalog.bounds.t USING iceberg AS SELECT 'erase-me' entity_id, 1 n UNION SELECT 'b', 2"
    )
    spark.sql("DELETE FROM glue_catalog.bounds.t WHERE entity_id = 'erase-me'")
    until = "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1"
    spark.sql(f"CALL glue_catalog.system.expire_snapshots(table => 'bounds.t', {until})")
    assert spark.sql("SELECT count(*) FROM glue_catalog.bounds.t.snapshots").collect()[0][0] == 1
    assert [name[-5:] for name in files_with(spark, "bounds", "erase-me")] == [".avro"]


def test_positions_of_history_do_not_move() -> None:
    lines = [json.dumps({"entity_id": who}, ensure_ascii=False) for who in ("a", WHO, "b")]
    body, taken = rules.history(gzip.compress("\n".join(lines).encode()), ERASED)
    assert body is not None
    assert (taken, gzip.decompress(body).decode().split("\n")) == (1, [lines[0], "", lines[2]])


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b'{"entity_id" : "a\\u0062"', {"k", "ab"}),
        (b'{"entity_id":7}', {"k"}),
        (b"\xff\xfe", {"k"}),
        (b'"entity_id":"\\x"', {"k"}),
        (b'"entity_id"\t\r\n:\n"ab"', {"k", "ab"}),
        ('"entity_id"\u00a0:"ab"'.encode(), {"k"}),
        (b'"entity_id":"\\\r "entity_id":"ab"', {"k", "ab"}),
        ('"entity_id":"\\\u2028 "entity_id":"ab"'.encode(), {"k"}),
    ],
)
def test_whom_a_raw_record_names(raw: bytes, found: set[str]) -> None:
    assert subjects_of("k", raw) == found
