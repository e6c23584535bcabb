"""Nightly healing: what is found in states, and what is written anew."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pyarrow as pa
import pytest
from online import online_stage
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, HOUR, START
from typescript import ask

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import ViewPlan, compile_view
from tidemark_spark.engine.state.states import State, entity_states
from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.objects import ARCHIVED_EVENTS, LakeObject, list_objects
from tidemark_spark.lake.tables import FILE_COLUMNS, Tables
from tidemark_spark.online.tombstones import ERASED_KEY, tombstone_of
from tidemark_spark.spark import healing as module
from tidemark_spark.spark import healing_causes
from tidemark_spark.spark.backfill import item_of
from tidemark_spark.spark.healing import Night, heal
from tidemark_spark.spark.joins import Online

S1 = "shardId-000000000000"
TABLES = Tables("healing")
ONLINE = Online("features", "events", "lake", join_after_ms=0)
NOW = START // DAY * DAY + 20 * DAY
OLD, NEW = NOW - DAY, NOW - HOUR
NIGHT = Night(ONLINE.table, ONLINE.bucket, repair="yes", now_ms=NOW, stale_after_ms=6 * HOUR)
KEY = "archive/events/dt=2023-12-03/{}/{}-{}.ndjson.gz"


def aggregate(op: str, field_name: str | None, event_type: str) -> dict[str, Any]:
    base = {"kind": "aggregate", "name": op, "op": op, "event_type": event_type, "field": field_name, "where": []}
    window = {"window_ms": 7 * DAY, "hop_ms": HOUR, "offset_ms": 0, "cap": None, "k": None}
    return base | window | {"value_type": "int", "enum_values": None, "description": ""}


VIEW: dict[str, Any] = {
    "name": "v",
    "features": [aggregate("count", None, "visit")],
    "dedupe": {"horizon_ms": DAY, "cap": 4},
    "retractions": None,
    "version": "v@0",
}
PLAN = compile_view({"contracts": CONTRACTS}, VIEW)
RULES = [{"event_type": "refund", "field": "purchase_id", "of": "purchase"}]
RETRACTING = VIEW | {
    "features": [aggregate("count", None, "purchase"), aggregate("max", "amount", "purchase")],
    "retractions": {"horizon_ms": 90 * DAY, "cap": 256, "rules": RULES},
}
RETRACTING_PLAN = compile_view({"contracts": CONTRACTS}, RETRACTING)


def event(entity: str, event_id: str, time: int, place: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A canonical event, available a second after it happened."""
    base = {"event_id": event_id, "entity_id": entity, "event_type": "visit", "event_time": time, "properties": {}}
    about = {"source": "", "source_time": None, "schema_version": 1, "available_at": time + 1000}
    return base | about | {"shard_id": place[0], "sequence_number": place[1]} | more


def two(entity: str, last: int = OLD) -> list[dict[str, Any]]:
    return [event(entity, "1", OLD - HOUR, ("history", "4")), event(entity, "2", last, (S1, "7"))]


def state_of(events: list[dict[str, Any]], plan: ViewPlan = PLAN) -> State:
    rows = [e | {"properties": json.dumps(e["properties"])} for e in events]
    (state,) = entity_states(plan, pa.Table.from_pylist(rows, EVENT_SCHEMA))
    return state


def item(events: list[dict[str, Any]], plan: ViewPlan = PLAN, **marks: str) -> dict[str, Any]:
    """What the stream has written after these events."""
    state = state_of(events, plan)
    return item_of(state, "v@0", state.positions | marks, 3)


@dataclass(frozen=True)
class Case:
    finding: str
    events: list[dict[str, Any]] = field(default_factory=lambda: two("E"))
    stored: dict[str, Any] | None = field(default_factory=lambda: item(two("E")))
    repaired: bool = False


WIDE = [event("E", "1", OLD, ("wide", "079")), event("E", "2", OLD, ("wide", "080"))]
LATE = two("E", NEW)
CASES = {
    "as the stream made it": Case("healthy"),
    "as the backfill made it": Case("healthy", stored=item(two("E"), history="9", **{S1: "60"})),
    "numbers of a fixed width": Case("healthy", WIDE, item(WIDE)),
    "doubled": Case("doubled", stored=item(two("E")) | {"heal": {"BOOL": True}}, repaired=True),
    "a part beside": Case(
        "unmerged",
        stored=item(two("E")[1:]) | {"base": {"B": b"x"}, "base_watermarks": {"M": {"history": {"S": "4"}}}},
        repaired=True,
    ),
    "an older codec": Case("outdated", stored=item(two("E")) | {"state": {"B": b"\x01"}}, repaired=True),
    "other tiles": Case("diverged", stored=item(two("E")) | {"state": {"B": state_of(LATE).data}}, repaired=True),
    "a newer codec": Case("unreadable", stored=item(two("E")) | {"state": {"B": b"\x4d"}}, repaired=True),
    "no state at all": Case("unreadable", stored=item(two("E")) | {"state": {"B": b""}}, repaired=True),
    "another time": Case("diverged", stored=item(two("E")) | {"newest_event_time": {"N": "5"}}, repaired=True),
    "no item": Case("missing", stored=None, repaired=True),
    "an update was lost": Case("stale", stored=item(two("E")[:1]), repaired=True),
    "no item yet": Case("behind", LATE, None),
    "an update comes": Case("behind", LATE, item(LATE[:1])),
    "an event that is not archived": Case("ahead", stored=item([*two("E"), event("E", "3", NEW, (S1, "81"))])),
    "a shard that is not archived": Case("ahead", stored=item(two("E"), s2="1")),
    "ahead in the backfill's part": Case(
        "deferred", stored=item(two("E")) | {"base": {"B": b"x"}, "base_watermarks": {"M": {S1: {"S": "81"}}}}
    ),
    "doubled and ahead": Case("deferred", stored=item(two("E"), **{S1: "81"}) | {"heal": {"BOOL": True}}),
    "collected": Case("expired", [event("E", "1", NOW - 12 * DAY, (S1, "7"))], None),
    "merged out of turn": Case("healthy", [*two("E"), event("E", "9", OLD, (S1, "85"))]),
}


@pytest.fixture(scope="module")
def stage(spark: Any) -> Iterator[Any]:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.healing")
    with online_stage(ONLINE) as table:
        yield table


@pytest.fixture
def online(spark: Any, stage: Any) -> Any:
    """A ready view and no state; S1 is archived from 1 to 80, where an object waits, and on from 85."""
    for table in ("events", "archive_files"):
        spark.sql(f"DROP TABLE IF EXISTS {TABLES.name(table)} PURGE")
    TABLES.create_events(spark, 1)
    TABLES.create(spark, "archive_files", FILE_COLUMNS, "kind")
    merged = [(KEY.format(S1, *span), "events") for span in ((1, 80), (85, 90))]
    merged.append((KEY.format("wide", "001", "080"), "events"))
    spark.createDataFrame(merged, FILE_COLUMNS).writeTo(TABLES.name("archive_files")).append()
    archive([], (1, 80))
    archive([], (81, 84))
    archive([], (85, 90))
    for row in stage.scan()["Items"]:
        stage.delete_item(Key={"entity_id": row["entity_id"], "view": row["view"]})
    stage.put_item(Item={"entity_id": "#fence", "view": "v@0", "ready": True})
    return stage


def archive(events: list[dict[str, Any]], span: tuple[int, int]) -> None:
    body = gzip.compress("".join(json.dumps(e) + "\n" for e in events).encode())
    boto3.client("s3").put_object(Bucket=ONLINE.bucket, Key=KEY.format(S1, *span), Body=body)


def land(spark: Any, events: list[dict[str, Any]]) -> None:
    rows = [e | {"properties": json.dumps(e["properties"])} for e in events]
    names = ["event_id", "entity_id", "event_type", "event_time", "source_time", "source", "schema_version"]
    names += ["properties", "available_at", "shard_id", "sequence_number"]
    frame = spark.createDataFrame(
        [tuple(row[name] for name in names) for row in rows],
        "event_id string, entity_id string, event_type string, event_time long, source_time long, source string,"
        " schema_version int, properties string, available_at long, shard_id string, sequence_number string",
    )
    frame = frame.withColumn("sub_sequence", F.lit(0))
    for name in ("event_time", "source_time", "available_at"):
        frame = frame.withColumn(name, F.timestamp_millis(name))
    merge_events(spark, TABLES, frame)


def put(stored: dict[str, Any], entity: str = "E") -> None:
    boto3.client("dynamodb").put_item(TableName=ONLINE.table, Item=stored | {"entity_id": {"S": entity}})


def stored_of(entity: str = "E") -> dict[str, Any] | None:
    key = {"entity_id": {"S": entity}, "view": {"S": "v@0"}}
    return boto3.client("dynamodb").get_item(TableName=ONLINE.table, Key=key).get("Item")


def test_each_finding_and_what_is_written(spark: Any, online: Any) -> None:
    renamed = {name: [e | {"entity_id": name} for e in case.events] for name, case in CASES.items()}
    land(spark, [e for events in renamed.values() for e in events])
    before: dict[str, Any] = {}
    for name, case in CASES.items():
        if case.stored is not None:
            put(case.stored, name)
        before[name] = stored_of(name)
    looked = heal(spark, TABLES, PLAN, replace(NIGHT, repair="no"))
    expected = {finding: sum(c.finding == finding for c in CASES.values()) for finding in looked["findings"]}
    assert looked["findings"] == expected
    assert {c.finding for c in CASES.values()} == expected.keys()
    assert (looked["checked"], looked["repaired"]) == (len(CASES), 0)
    assert {name: stored_of(name) for name in CASES} == before
    for name, case in CASES.items():
        if case.finding in looked["examples"]:
            assert tombstone_of(name) in looked["examples"][case.finding]
    assert "healthy" not in looked["examples"]

    healed = heal(spark, TABLES, PLAN, NIGHT)
    assert healed["findings"] == expected
    assert healed["repaired"] == sum(case.repaired for case in CASES.values()) > 0
    for name, case in CASES.items():
        after = stored_of(name)
        if not case.repaired:
            assert after == before[name]
            continue
        # As the stream would have made it of all archived events, and no mark is left.
        want = item(two(name)) | {"version": {"N": "4" if before[name] else "1"}}
        assert after == want, name
    again = heal(spark, TABLES, PLAN, NIGHT)
    assert again["repaired"] == 0
    assert again["findings"]["healthy"] == expected["healthy"] + healed["repaired"]


def test_a_maximum_that_was_retracted_is_healed(spark: Any, online: Any) -> None:
    def bought(event_id: str, amount: int, sequence: str) -> dict[str, Any]:
        return event("E", event_id, OLD, (S1, sequence), event_type="purchase", properties={"amount": amount})

    refund = event("E", "r", OLD + 1, (S1, "7"), event_type="refund", properties={"purchase_id": "b"})
    events = [bought("a", 500, "5"), bought("b", 900, "6"), refund]
    at = [{"t": NOW, "knowledge": NOW}]
    (live,) = ask({"op": "view", "cases": [{"view": RETRACTING, "events": events, "at": at}]})
    assert live["marked"] == ["max"]
    assert live["served"] != live["oracle"] == [[1, 500]]
    land(spark, events)
    truth = item(events, RETRACTING_PLAN)
    put(truth | {"state": {"B": bytes.fromhex(live["state"])}})

    report = heal(spark, TABLES, RETRACTING_PLAN, NIGHT)
    assert (report["findings"], report["repaired"]) == ({"marked": 1}, 1)
    healed = stored_of()
    assert healed == truth | {"version": {"N": "4"}}
    question = {"op": "stored", "cases": [{"view": RETRACTING, "state": healed["state"]["B"].hex(), "t": NOW}]}
    assert ask(question) == [{"values": live["oracle"][0], "marked": []}]
    assert heal(spark, TABLES, RETRACTING_PLAN, NIGHT)["findings"] == {"healthy": 1}


def between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Lets somebody else act after states were compared and before they are written."""

    def meanwhile(*_: Any) -> set[str]:
        act()
        return set()

    monkeypatch.setattr(module, "late_copies", meanwhile)


def test_a_state_that_was_written_meanwhile_is_left(spark: Any, online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    land(spark, [*two("E"), *two("F")])
    put(item(two("E")) | {"heal": {"BOOL": True}})
    live = item([*two("E"), event("E", "3", NOW, (S1, "82"))]) | {"version": {"N": "4"}}
    # And one that was missing is made by the processor.
    between(monkeypatch, lambda: (put(live), put(item(two("F")), "F")))
    report = heal(spark, TABLES, PLAN, NIGHT)
    assert (report["findings"], report["repaired"], report["raced"]) == ({"doubled": 1, "missing": 1}, 0, 2)
    assert stored_of("E") == live


def test_the_erased_do_not_come_back(spark: Any, online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    land(spark, [*two("E"), *two("F"), *two("G")])
    online.put_item(Item={"entity_id": ERASED_KEY, "view": tombstone_of("G")})
    put(item(two("F")) | {"heal": {"BOOL": True}}, "F")

    def erase() -> None:
        for entity in "EF":
            online.put_item(Item={"entity_id": ERASED_KEY, "view": tombstone_of(entity)})
            online.delete_item(Key={"entity_id": entity, "view": "v@0"})

    between(monkeypatch, erase)
    report = heal(spark, TABLES, PLAN, NIGHT)
    assert report["findings"] == {"doubled": 1, "missing": 1}
    assert (report["repaired"], report["erased"], report["raced"]) == (0, 1, 1)
    assert [stored_of(entity) for entity in "EFG"] == [None] * 3


FEW = (("E", 4), ("F", 3))


def test_a_copy_that_came_too_late_to_be_known_is_no_defect(
    spark: Any, online: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Four others come between: more than the view remembers. With three the copy would have been known: a defect.
    events = {e: two(e) + [event(e, f"more {n}", OLD + n, (S1, str(7 + n))) for n in range(1, n + 1)] for e, n in FEW}
    copies = [event(entity, "2", OLD, (S1, "20"), available_at=OLD + 2000) for entity in events]
    for copy in copies:
        taken_twice = [*events[copy["entity_id"]], copy | {"event_id": "2 again"}]
        put(item(taken_twice), copy["entity_id"])
    land(spark, [e for own in events.values() for e in own])
    archive([*copies, *(e for own in events.values() for e in own if e["shard_id"] == S1)], (1, 80))
    long_ago = f"{ARCHIVED_EVENTS}dt=2001-01-01/{S1}/1-1.ndjson.gz"
    boto3.client("s3").put_object(Bucket=ONLINE.bucket, Key=long_ago, Body=b"")
    listed: list[str] = []

    def listing(*args: Any) -> list[LakeObject]:
        found = list_objects(*args)
        listed.extend(o.key for o in found)
        return found

    monkeypatch.setattr(healing_causes, "list_objects", listing)
    report = heal(spark, TABLES, PLAN, NIGHT)
    boto3.client("s3").delete_object(Bucket=ONLINE.bucket, Key=long_ago)
    assert listed and long_ago not in listed, "the whole archive is listed"
    assert report["findings"] == {"diverged": 1, "doubled": 1}
    assert report["examples"]["doubled"] == [tombstone_of("E")]
    assert report["repaired"] == 2
    assert heal(spark, TABLES, PLAN, NIGHT)["findings"] == {"healthy": 2}


def test_a_state_that_began_anew_after_it_was_collected_is_healthy(spark: Any, online: Any) -> None:
    def bought(event_id: str, time: int, sequence: str) -> dict[str, Any]:
        return event("E", event_id, time, (S1, sequence), event_type="purchase", properties={"amount": 1})

    events = [bought("a", OLD - 10 * DAY, "5"), bought("b", OLD, "6")]
    land(spark, events)
    anew = item(events[1:], RETRACTING_PLAN)
    assert anew["state"] != item(events, RETRACTING_PLAN)["state"]
    put(anew)
    assert heal(spark, TABLES, RETRACTING_PLAN, NIGHT)["findings"] == {"healthy": 1}
    # Too short a silence to be collected.
    land(spark, [bought("c", OLD - 5 * DAY, "4")])
    assert heal(spark, TABLES, RETRACTING_PLAN, NIGHT)["findings"] == {"diverged": 1}


def test_where_many_diverge_the_job_mistrusts_itself(spark: Any, online: Any) -> None:
    entities = [f"E{n}" for n in range(11)]
    land(spark, [e for entity in [*entities, "F"] for e in two(entity)])
    for entity in entities:
        put(item(two(entity)) | {"newest_event_time": {"N": "5"}}, entity)
    report = heal(spark, TABLES, PLAN, NIGHT)
    assert report["findings"] == {"diverged": 11, "missing": 1}
    assert (report["repaired"], report["held"]) == (1, 11)
    report = heal(spark, TABLES, PLAN, replace(NIGHT, repair="all"))
    assert (report["repaired"], report["held"]) == (11, 0)


def test_by_parts_every_state_has_its_night_and_the_marked_have_all(spark: Any, online: Any) -> None:
    entities = [f"E{n}" for n in range(12)]
    land(spark, [e for entity in entities for e in two(entity)])
    for entity in entities:
        put(item(two(entity)), entity)
    put(item(two("E0")) | {"heal": {"BOOL": True}}, "E0")
    nights = [replace(NIGHT, repair="no", parts=3, now_ms=NOW + n * DAY) for n in range(3)]
    reports = [heal(spark, TABLES, PLAN, night) for night in nights]
    assert [report["findings"]["doubled"] for report in reports] == [1, 1, 1]
    assert [0 < report["findings"]["healthy"] < 11 for report in reports] == [True] * 3
    assert sum(report["findings"]["healthy"] for report in reports) == 11


def test_a_view_that_is_not_ready_is_left_to_its_backfill(spark: Any, online: Any) -> None:
    land(spark, two("E"))
    online.delete_item(Key={"entity_id": "#fence", "view": "v@0"})
    report = heal(spark, TABLES, PLAN, NIGHT)
    assert (report["skipped"], report["checked"]) == ("its backfill comes first", 0)
    assert stored_of() is None


def test_in_a_replay_now_is_the_newest_arrival(spark: Any, online: Any) -> None:
    land(spark, [*two("E"), *two("F", NEW)])
    far = replace(NIGHT, replay=True, repair="no", now_ms=NOW)
    assert heal(spark, TABLES, PLAN, far)["findings"] == {"behind": 1, "missing": 1}
    assert heal(spark, TABLES, PLAN, replace(far, stale_after_ms=2 * DAY))["findings"] == {"behind": 2}
