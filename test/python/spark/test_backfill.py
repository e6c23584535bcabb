"""Backfill: states and the fence in DynamoDB, beside live traffic."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from online import online_stage
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, START
from typescript import planned

from tidemark_spark.engine.admission.tombstones import tombstone_of
from tidemark_spark.engine.ir import compile_view
from tidemark_spark.engine.state.states import State
from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.tables import FILE_COLUMNS, Tables
from tidemark_spark.online.conditional_writes import Outcome
from tidemark_spark.online.cutovers import BackfillError
from tidemark_spark.online.tombstones import ERASED_KEY
from tidemark_spark.spark import backfill as module
from tidemark_spark.spark.backfill import backfill, write_states
from tidemark_spark.spark.cutovers import Online

VIEW = {
    "name": "v",
    "features": [
        {
            "kind": "aggregate",
            "name": "n",
            "op": "count",
            "event_type": "visit",
            "field": None,
            "where": [],
            "window_ms": 7 * DAY,
            "hop_ms": 3_600_000,
            "cap": None,
            "k": None,
            "offset_ms": 0,
            "value_type": "int",
            "enum_values": None,
        }
    ],
    "dedupe": {"horizon_ms": DAY, "cap": 4},
    "retractions": None,
    "version": "v@0",
}
PLAN = compile_view({"contracts": CONTRACTS}, planned(VIEW))


def events_frame(spark: Any, rows: list[tuple[str, str, int, str, str]]) -> Any:
    """(event_id, entity_id, event_time, shard_id, sequence_number) → rows of the `events` table."""
    frame = spark.createDataFrame(
        [(i, e, "visit", t, None, "", 1, json.dumps({}), t + 1000, shard, n) for i, e, t, shard, n in rows],
        "event_id string, entity_id string, event_type string, event_time long, source_time long, source string,"
        " schema_version int, properties string, available_at long, shard_id string, sequence_number string",
    )
    frame = frame.withColumn("sub_sequence", F.lit(0))
    for name in ("event_time", "source_time", "available_at"):
        frame = frame.withColumn(name, F.timestamp_millis(name))
    return frame


WHERE = Online("features", "events", "lake", cutover_after_ms=0)


@pytest.fixture
def online(aws: str) -> Iterator[Any]:
    with online_stage(WHERE) as table:
        yield table


def item_of(online: Any, entity: str) -> dict[str, Any]:
    return online.get_item(Key={"entity_id": entity, "view": "v@0"}).get("Item", {})


def outcomes(counts: dict[str, Any]) -> dict[str, int]:
    """Only what happened to states."""
    return {name: counts[name] for name in ("written", "replaced", "kept", "based", "erased") if name in counts}


def test_never_overwrites_what_is_newer_and_opens_the_view_at_the_end(spark: Any, online: Any) -> None:
    tables = Tables("backfill")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.backfill")
    tables.create_events(spark, 1)
    merge_events(
        spark, tables, events_frame(spark, [("a", "A", START, "history", "1"), ("b", "B", START, "history", "2")])
    )

    assert backfill(spark, tables, PLAN, WHERE)["written"] == 2
    assert item_of(online, "A")["watermarks"] == {"history": "1"}
    assert item_of(online, "#fence")["ready"] is True
    # The same again replaces; with more archived, the newer replaces the older.
    merge_events(spark, tables, events_frame(spark, [("c", "A", START + 5, "s1", "10")]))
    assert backfill(spark, tables, PLAN, WHERE)["replaced"] == 2
    assert item_of(online, "A")["watermarks"] == {"history": "1", "s1": "10"}
    # Of the shards with events of its own.
    assert item_of(online, "B")["watermarks"] == {"history": "2"}
    assert item_of(online, "A")["version"] == 2

    # A live state ahead of the archive stays; it has seen all of its entity's events.
    live = item_of(online, "A") | {"watermarks": {"history": "2", "s1": "11"}, "version": 9}
    online.put_item(Item=live)
    counts = backfill(spark, tables, PLAN, WHERE)
    assert (counts["kept"], counts["replaced"]) == (1, 1)
    assert item_of(online, "A") == live

    # A live state that never saw the history is neither kept silently nor overwritten: the view stays closed.
    online.put_item(Item=live | {"watermarks": {"s1": "11"}})
    online.delete_item(Key={"entity_id": "#fence", "view": "v@0"})
    with pytest.raises(BackfillError, match="1 live states lack archived events"):
        backfill(spark, tables, PLAN, WHERE)
    assert item_of(online, "#fence") == {}


def test_an_erased_entity_gets_no_state(spark: Any, online: Any) -> None:
    tables = Tables("buried")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.buried")
    tables.create_events(spark, 1)
    merge_events(
        spark, tables, events_frame(spark, [("a", "A", START, "history", "1"), ("b", "B", START, "history", "2")])
    )
    online.put_item(Item={"entity_id": ERASED_KEY, "view": tombstone_of("A")})
    assert backfill(spark, tables, PLAN, WHERE)["written"] == 1
    assert "Item" not in online.get_item(Key={"entity_id": "A", "view": "v@0"})
    # Erased after the job has read who was: the write itself refuses.
    state = State("A", b"x", START, START, {}, None)
    assert write_states("features", "v@0", iter([state]), {}, {}) == {"erased": 1}


S1, S2 = "shardId-000000000000", "s2"
CUTOVER = {"entity_id": "#join", "view": "v@0", "joins_at": START, S1: "60", f"left#{S1}": "59".zfill(64)}
BASE_WATERMARKS = {"history": "4", S1: "59", S2: "8"}


def begun(online: Any, entity: str, **more: Any) -> dict[str, Any]:
    """An item as the processor writes it before the fence."""
    item = {"entity_id": entity, "view": "v@0", "state": b"begun", "version": 3, "watermarks": {S1: "70"}} | more
    online.put_item(Item=item)
    return item


@pytest.fixture
def begun_stream(spark: Any, online: Any) -> Tables:
    """Entities A to D, each with the same events on both sides of where the version cut over: S1 at 60; S2 is idle."""
    tables = Tables("begun_stream")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.begun_stream")
    spark.sql("DROP TABLE IF EXISTS glue_catalog.begun_stream.events PURGE")
    spark.sql("DROP TABLE IF EXISTS glue_catalog.begun_stream.archive_files PURGE")
    tables.create_events(spark, 1)
    rows = [
        row
        for entity in "ABCD"
        for row in [
            ("1", entity, START, "history", "4"),
            ("2", entity, START + 1, S1, "7"),
            ("3", entity, START + 2, S1, "59"),
            ("4", entity, START + 3, S1, "60"),
            ("5", entity, START + 4, S2, "8"),
        ]
    ]
    # An entity that is new since the cutover is the stream's alone.
    rows.append(("E1", "E", START, S1, "61"))
    merge_events(spark, tables, events_frame(spark, rows))
    keys = [(f"archive/events/dt=2023-11-14/{shard}/1-{end}.ndjson.gz", "events") for shard, end in ((S1, 80), (S2, 9))]
    tables.create(spark, "archive_files", FILE_COLUMNS, "kind")
    spark.createDataFrame(keys, FILE_COLUMNS).writeTo(tables.name("archive_files")).append()
    online.put_item(Item=CUTOVER)
    return tables


def test_brings_what_came_before_the_cutover_and_nothing_else(spark: Any, online: Any, begun_stream: Tables) -> None:
    flagged = begun(online, "B", seeded=True)
    merged = begun(online, "C", joined=True, watermarks=BASE_WATERMARKS | {S1: "77"})
    based = begun(online, "D", base=b"part", base_watermarks=BASE_WATERMARKS)
    assert outcomes(backfill(spark, begun_stream, PLAN, WHERE)) == {"written": 1, "based": 1, "kept": 2}

    new, beside = item_of(online, "A"), item_of(online, "B")
    assert (new["watermarks"], new["joined"], new["version"]) == (BASE_WATERMARKS, True, 1)
    assert new["newest_event_time"] == START + 4
    assert beside == flagged | {"base": new["state"], "base_watermarks": BASE_WATERMARKS, "version": 4}
    assert (item_of(online, "C"), item_of(online, "D")) == (merged, based)
    assert item_of(online, "E") == {}
    # S2 is no shard of the stream any more: the job alone has to know where it ended.
    assert item_of(online, "#join") == CUTOVER
    assert item_of(online, "#fence")["ready"] is True


def test_a_run_that_broke_off_goes_on(
    spark: Any, online: Any, begun_stream: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(online, "B")

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(module, "write_fence", crash)
        with pytest.raises(KeyboardInterrupt):
            backfill(spark, begun_stream, PLAN, WHERE)
    # The fence is last: all states were there.
    assert item_of(online, "#fence") == {}
    before = {entity: item_of(online, entity) for entity in "ABCD"}
    assert all(before.values())
    online.delete_item(Key={"entity_id": "C", "view": "v@0"})
    assert outcomes(backfill(spark, begun_stream, PLAN, WHERE)) == {"written": 1, "kept": 3}
    assert {entity: item_of(online, entity) for entity in "ABCD"} == before
    assert item_of(online, "#fence")["ready"] is True


def test_history_that_was_landed_between_two_runs_is_not_passed_over(
    spark: Any, online: Any, begun_stream: Tables
) -> None:
    begun(online, "B", base=b"without", base_watermarks={S1: "59", S2: "8"})
    begun(online, "C", joined=True, watermarks={S1: "59", S2: "8"})
    assert outcomes(backfill(spark, begun_stream, PLAN, WHERE)) == {"written": 2, "based": 1, "replaced": 1}
    assert item_of(online, "B")["base"] == item_of(online, "C")["state"] == item_of(online, "A")["state"]
    # One that the stream has already continued can't be replaced: the view stays closed.
    online.delete_item(Key={"entity_id": "#fence", "view": "v@0"})
    begun(online, "C", joined=True, watermarks={S1: "77", S2: "8"})
    with pytest.raises(BackfillError, match="1 live states lack archived events"):
        backfill(spark, begun_stream, PLAN, WHERE)
    assert item_of(online, "#fence") == {}


def meddle(monkeypatch: pytest.MonkeyPatch, between: Callable[[], object]) -> None:
    """Lets somebody else act between the job's reading of a begun state and its writing."""
    add_base, acted = module.add_base, []

    def add(*arguments: Any) -> Outcome:
        if not acted:
            acted.append(between())
        return add_base(*arguments)

    monkeypatch.setattr(module, "add_base", add)


def test_what_the_processor_writes_meanwhile_is_not_lost(online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(online, "A")
    meddle(monkeypatch, lambda: begun(online, "A", state=b"later", version=4) and None)
    state = State("A", b"x", START, START, {}, None)
    assert write_states("features", "v@0", iter([state]), {S1: "9"}, {}, cutting_over=True) == {"based": 1}
    stored = item_of(online, "A")
    assert (stored["state"].value, stored["base"].value, stored["version"]) == (b"later", b"x", 5)


def test_an_entity_that_is_erased_meanwhile_does_not_come_back(online: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(online, "A")

    def erase() -> None:
        online.put_item(Item={"entity_id": ERASED_KEY, "view": tombstone_of("A")})
        online.delete_item(Key={"entity_id": "A", "view": "v@0"})

    meddle(monkeypatch, erase)
    state = State("A", b"x", START, START, {}, None)
    assert write_states("features", "v@0", iter([state]), {S1: "9"}, {}, cutting_over=True) == {"erased": 1}
    assert item_of(online, "A") == {}
