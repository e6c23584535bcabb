"""Nightly healing: what is found in states, and what is written anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from healing_cases import (
    CASES,
    KEY,
    NEW,
    NIGHT,
    NOW,
    OLD,
    ONLINE,
    PLAN,
    RETRACTING,
    RETRACTING_PLAN,
    S1,
    TABLES,
    archive,
    event,
    item,
    land,
    put,
    stored_of,
    two,
)
from online import online_stage
from streams import DAY
from typescript import ask, unreadable

from tidemark_spark.engine.admission.tombstones import tombstone_of
from tidemark_spark.lake.objects import LakeObject, list_objects
from tidemark_spark.lake.tables import FILE_COLUMNS
from tidemark_spark.online.tombstones import ERASED_KEY
from tidemark_spark.spark import healing as module
from tidemark_spark.spark import healing_causes
from tidemark_spark.spark.healing import heal


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
    assert unreadable("healStates", {"run": "r", "repair": "yes", "views": [healed]}) == []
    assert healed["repaired"] == sum(case.repaired for case in CASES.values()) > 0
    for name, case in CASES.items():
        after = stored_of(name)
        if not case.repaired:
            assert after == before[name]
            continue
        # As the stream would have made it of all archived events, and no flag is left.
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
    assert live["inexact"] == ["max"]
    assert live["served"] != live["oracle"] == [[1, 500]]
    land(spark, events)
    truth = item(events, RETRACTING_PLAN)
    put(truth | {"state": {"B": bytes.fromhex(live["state"])}})

    report = heal(spark, TABLES, RETRACTING_PLAN, NIGHT)
    assert (report["findings"], report["repaired"]) == ({"inexact": 1}, 1)
    healed = stored_of()
    assert healed is not None
    assert healed == truth | {"version": {"N": "4"}}
    question = {"op": "stored", "cases": [{"view": RETRACTING, "state": healed["state"]["B"].hex(), "t": NOW}]}
    assert ask(question) == [{"values": live["oracle"][0], "inexact": []}]
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
    long_ago = f"archive/events/dt=2001-01-01/{S1}/1-1.ndjson.gz"
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
