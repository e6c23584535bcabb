"""Where a view version cuts over: what functions registered, and what the job adds for idle shards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from online import online_stage, resource

from tidemark_spark.lake.tables import FILE_COLUMNS, Tables
from tidemark_spark.online.cutovers import BackfillError, CutoverItem, RetiredError, is_fenced, write_fence
from tidemark_spark.spark.cutovers import Online, settle_positions, watermarks_before

TABLES = Tables("cutovers")
ONLINE = Online("features", "events", "lake", cutover_after_ms=0)
FIRST = "shardId-000000000000"
"""The one shard of the stream."""


@pytest.fixture(scope="module")
def features(spark: Any) -> Iterator[Any]:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.cutovers")
    TABLES.create(spark, "archive_files", FILE_COLUMNS, "kind")
    with online_stage(ONLINE) as table:
        yield table


def key_of(shard: str, first: str, last: str) -> str:
    return f"archive/events/dt=2023-11-14/{shard}/{first}-{last}.ndjson.gz"


@dataclass(frozen=True)
class Case:
    name: str
    merged: list[tuple[str, str, str]] = field(default_factory=list)
    """Shard, first and last position of objects that compaction has merged."""
    listed: list[tuple[str, str, str]] = field(default_factory=list)
    """More objects below archive/events."""
    cutovers: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    former: dict[str, str] | None = None
    """Watermarks of a state of the version before; None: this is the first."""
    positions: dict[str, str] | None = None
    refused: str = ""


# As long as those of Kinesis, where one digit more does not show in the order of texts.
N = "49590338271490256608559692538361571095921575989136588898"
N1 = str(int(N) + 1)
CASES = [
    Case("nothing ever came", positions={FIRST: "0"}),
    Case("an idle shard is cut over behind the archive", merged=[("s", "5", "99")], positions={FIRST: "0", "s": "100"}),
    Case(
        "its last object is the newest by number",
        merged=[("s", "9", "9"), ("s", "10", N)],
        positions={FIRST: "0", "s": N1},
    ),
    Case(
        "a shard that cut over stays",
        merged=[("s", "5", "99")],
        cutovers={"s": "50"},
        positions={FIRST: "0", "s": "50"},
    ),
    Case(
        "right behind the archive", merged=[("s", "5", "99")], cutovers={"s": "100"}, positions={FIRST: "0", "s": "100"}
    ),
    Case(
        "the archive is short",
        merged=[("s", "5", "99")],
        cutovers={"s": "101"},
        refused="s: found archived events up to 99; needed: up to 101",
    ),
    Case(
        "nothing is archived",
        cutovers={"s": "101"},
        refused="s: found archived events up to nowhere; needed: up to 101",
    ),
    Case("what was left is archived", merged=[("s", "5", "99")], left={"s": "99"}, positions={FIRST: "0", "s": "100"}),
    Case(
        "what was left is not archived",
        merged=[("s", "5", "99")],
        left={"s": "100"},
        refused="s: found archived events up to 99, and later ones",
    ),
    Case(
        "nothing of what was left is archived",
        left={FIRST: "1"},
        refused=f"{FIRST}: found archived events up to nowhere, and",
    ),
    Case(
        "left, then cut over",
        merged=[("s", "5", "99")],
        left={"s": "90"},
        cutovers={"s": "91"},
        positions={FIRST: "0", "s": "91"},
    ),
    Case(
        "the version before is not ahead",
        merged=[("s", "5", "99")],
        former={"s": "99", "history": "7"},
        positions={FIRST: "0", "s": "100"},
    ),
    Case(
        "the version before is ahead",
        merged=[("s", "5", "99")],
        former={"s": "100"},
        refused="s: a state of another version",
    ),
    Case("it is ahead where nothing is archived", former={"t": "1"}, refused="t: a state of another version"),
    Case(
        "it is ahead of a shard that cut over",
        merged=[("s", "5", "99")],
        cutovers={"s": "50"},
        former={"s": "100"},
        positions={FIRST: "0", "s": "50"},
    ),
    Case(
        "an object was not merged",
        merged=[("s", "5", "9"), ("s", "20", "99")],
        listed=[("s", "10", "19")],
        refused="s: an archived object is not merged",
    ),
    Case(
        "one behind the cutover is not needed",
        merged=[("s", "5", "99")],
        cutovers={"s": "50"},
        listed=[("s", "100", "120")],
        positions={FIRST: "0", "s": "50"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_settles_or_says_why_not(spark: Any, features: Any, case: Case) -> None:
    view = f"{case.name}@2"
    lay_out(spark, features, case, view)
    slept: list[float] = []
    if case.positions is None:
        with pytest.raises(BackfillError, match=case.refused) as refusal:
            settle_positions(spark, TABLES, ONLINE, view, sleep=slept.append)
        assert str(refusal.value).endswith("Compact the archive first.")
    else:
        for _ in range(2):
            assert settle_positions(spark, TABLES, ONLINE, view, sleep=slept.append) == case.positions
    assert slept == []


def test_merges_the_archive_up_to_where_a_shard_cut_over_meanwhile(spark: Any, features: Any) -> None:
    lay_out(spark, features, Case("behind", merged=[("s", "5", "80")], cutovers={"s": "90"}), "behind@2")
    bucket = resource("s3").Bucket(ONLINE.bucket)
    compactions = iter(["the archiver has not brought it", "it has"])
    slept: list[float] = []

    def compact() -> None:
        if next(compactions) == "it has":
            bucket.put_object(Key=key_of("s", "81", "95"), Body=b"")
            merged = [(key_of("s", "81", "95"), "events")]
            spark.createDataFrame(merged, FILE_COLUMNS).writeTo(TABLES.name("archive_files")).append()

    positions = settle_positions(spark, TABLES, ONLINE, "behind@2", compact, slept.append)
    assert positions == {FIRST: "0", "s": "90"}
    assert next(compactions, None) is None
    assert len(slept) == 2


def lay_out(spark: Any, features: Any, case: Case, view: str) -> None:
    spark.sql(f"DELETE FROM {TABLES.name('archive_files')}")
    merged = [(key_of(*place), "events") for place in case.merged]
    # Quarantine lines say nothing about the end: the archiver's objects cover refused records too.
    merged.append(("archive/quarantine/dt=2023-11-14/s/900-900.ndjson.gz", "quarantine"))
    spark.createDataFrame(merged, FILE_COLUMNS).writeTo(TABLES.name("archive_files")).append()
    bucket = resource("s3").Bucket(ONLINE.bucket)
    bucket.objects.all().delete()
    for place in case.merged + case.listed:
        bucket.put_object(Key=key_of(*place), Body=b"")
    if case.cutovers or case.left:
        left = {f"left#{shard}": position.zfill(64) for shard, position in case.left.items()}
        features.put_item(Item={"entity_id": "#join", "view": view, "joins_at": 1} | case.cutovers | left)
    if case.former is not None:
        before = view.replace("@2", "@1")
        features.put_item(Item={"entity_id": "#fence", "view": before, "ready": True})
        features.put_item(Item={"entity_id": "A", "view": before, "state": b"", "watermarks": case.former})


def test_waits_until_no_function_of_the_version_before_runs(spark: Any, features: Any) -> None:
    case = Case("waits")
    lay_out(spark, features, case, "waits@2")
    patient = replace(ONLINE, cutover_after_ms=1500)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        time.sleep(seconds)

    settle_positions(spark, TABLES, patient, "waits@2", sleep=sleep)
    assert slept == []
    features.put_item(Item={"entity_id": "#join", "view": "waits@3", "joins_at": 1})
    settle_positions(spark, TABLES, patient, "waits@4", sleep=sleep)
    # As long again as the version takes to cut over.
    assert 1.5 < sum(slept) <= 3
    slept.clear()
    # It had been announced long ago.
    features.update_item(
        Key={"entity_id": "#join", "view": "waits@4"},
        UpdateExpression="SET joins_at = :at REMOVE #shard",
        ExpressionAttributeNames={"#shard": FIRST},
        ExpressionAttributeValues={":at": int(time.time() * 1000) - 3000},
    )
    settle_positions(spark, TABLES, patient, "waits@4", sleep=sleep)
    assert slept == []


def test_what_a_function_cuts_over_meanwhile_stands(features: Any) -> None:
    cutover = CutoverItem(ONLINE.table, "meanwhile@2")
    features.put_item(Item={"entity_id": "#join", "view": "meanwhile@2", "s": "40", "left#s": "39".zfill(64)})
    cutover.register("s", "12")
    assert cutover.positions() == {"s": "40"}
    assert cutover.announce(7) == 7
    assert cutover.announce(9) == 7
    assert cutover.positions() == {"s": "40"}


def come_back(features: Any, view: str, **more: Any) -> None:
    """A version whose fence was up until functions ran without it; they read on behind its positions."""
    cutovers = {"joins_at": 1, "s": "50", FIRST: "7", "left#s": "49".zfill(64)}
    features.put_item(Item={"entity_id": "#fence", "view": view, "ready": False})
    features.put_item(Item={"entity_id": "#join", "view": view, "retired_at": 1} | cutovers | more)
    for entity, other in (("A", view), ("B", view), ("A", "another@1")):
        features.put_item(Item={"entity_id": entity, "view": other, "state": b"", "watermarks": {"s": "60"}})


def states_in(features: Any, view: str) -> list[str]:
    return [i["entity_id"] for i in features.scan(ConsistentRead=True)["Items"] if i["view"] == view and "state" in i]


def test_a_version_that_comes_back_cuts_over_anew_and_its_states_are_gone(spark: Any, features: Any) -> None:
    lay_out(spark, features, Case("back", merged=[("s", "5", "99")]), "back@2")
    come_back(features, "back@2")
    assert not is_fenced(ONLINE.table, "back@2")
    assert settle_positions(spark, TABLES, ONLINE, "back@2") == {FIRST: "0", "s": "100"}
    assert (states_in(features, "back@2"), states_in(features, "another@1")) == ([], ["A"])
    item = features.get_item(Key={"entity_id": "#join", "view": "back@2"})["Item"]
    assert "retired_at" not in item and item["joins_at"] > 1
    # What functions left to the backfill is not forgotten with the rest.
    assert item["left#s"] == "49".zfill(64)


def test_what_a_function_left_of_a_version_that_comes_back_has_to_be_archived(spark: Any, features: Any) -> None:
    lay_out(spark, features, Case("left", merged=[("s", "5", "99")]), "left@2")
    come_back(features, "left@2", **{"left#s": "120".zfill(64)})
    with pytest.raises(BackfillError, match=r"^s: found archived events up to 99, and later ones"):
        settle_positions(spark, TABLES, ONLINE, "left@2")


def test_waits_until_no_function_writes_states_of_a_retired_version(spark: Any, features: Any) -> None:
    lay_out(spark, features, Case("late", merged=[("s", "5", "99")]), "late@2")
    come_back(features, "late@2", retired_at=int(time.time() * 1000))
    patient = replace(ONLINE, cutover_after_ms=1000)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        assert slept or states_in(features, "late@2") == ["A", "B"]
        slept.append(seconds)
        time.sleep(seconds)

    settle_positions(spark, TABLES, patient, "late@2", sleep=sleep)
    # As long as functions hold an answer and go on, and again as long as former code does.
    assert 3 < sum(slept) <= 4
    assert states_in(features, "late@2") == []


def test_a_version_that_is_retired_meanwhile_neither_cuts_over_nor_opens(features: Any) -> None:
    come_back(features, "gone@2")
    cutover = CutoverItem(ONLINE.table, "gone@2")
    for step in (
        lambda: cutover.announce(5),
        lambda: cutover.register("t", "9"),
        lambda: cutover.begin_anew(2),
        lambda: write_fence(ONLINE.table, "gone@2", 1, 0),
    ):
        with pytest.raises(RetiredError, match="gone@2: functions run that do not keep this version up"):
            step()
    assert "t" not in cutover.positions()
    assert not is_fenced(ONLINE.table, "gone@2")


def test_a_version_that_is_retired_again_while_it_begins_anew_waits_before_the_next_try(
    spark: Any, features: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(spark, features, Case("again", merged=[("s", "5", "99")]), "again@2")
    retired, announce = iter([1, 2, 3]), CutoverItem.announce

    def announce_late(cutover: CutoverItem, at: int) -> int:
        if next(retired, None) is not None:
            come_back(features, "again@2")
        return announce(cutover, at)

    monkeypatch.setattr(CutoverItem, "announce", announce_late)
    slept: list[float] = []
    assert settle_positions(spark, TABLES, ONLINE, "again@2", sleep=slept.append) == {FIRST: "0", "s": "100"}
    assert slept == [2, 2, 2]


def test_shards_that_can_send_nothing_any_more_stay_out_of_the_item(spark: Any, features: Any) -> None:
    lay_out(
        spark, features, Case("old", merged=[(f"s{n}", "5", "9") for n in range(40)], cutovers={"s3": "6"}), "old@2"
    )
    settled = settle_positions(spark, TABLES, ONLINE, "old@2")
    assert settled == {FIRST: "0", "s3": "6"} | {f"s{n}": "10" for n in range(40) if n != 3}
    assert CutoverItem(ONLINE.table, "old@2").positions() == {FIRST: "0", "s3": "6"}


def test_a_shard_with_nothing_before_its_cutover_has_no_watermark() -> None:
    assert watermarks_before({"a": "0", "b": "1", "c": N1}) == {"b": "0", "c": N}
