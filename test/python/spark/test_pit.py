"""The engine against the naive oracle, over random definitions, streams and knowledge."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive import naive_row
from streams import CONTRACTS, DAY, START, event_streams, instant, spines, use_cases
from typescript import planned

from tidemark_spark.engine import pit
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import compile_view
from tidemark_spark.engine.pit import ALL_KNOWN, point_in_time

RANDOM = settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck.__members__.values()])
SPINE = pa.schema([("entity_id", pa.string()), ("t", pa.int64())])

cut_offs = st.integers(0, 2**32).map(lambda seed: instant(Random(seed)))


def run(use_case: dict, events: list[dict], spine: pa.Table) -> list[dict[str, Any]]:
    plan = compile_view(use_case, planned(use_case["views"][0]))
    out = point_in_time(plan, pa.Table.from_pylist(events, EVENT_SCHEMA), spine)
    assert out.column_names == [f["name"] for f in plan.features]
    return out.to_pylist()


def same(found: list[dict], wanted: list[dict]) -> None:
    assert len(found) == len(wanted)
    for index, (a, b) in enumerate(zip(found, wanted, strict=True)):
        for name in b:
            assert type(a[name]) is type(b[name]), f"row {index} {name}: {a[name]!r} ≠ {b[name]!r}"
            assert a[name] == b[name], f"row {index} {name}: {a[name]!r} ≠ {b[name]!r}"


@RANDOM
@given(use_cases(), event_streams(), spines())
def test_knows_what_was_available_before_t(use_case: dict, events: list[dict], rows: list[tuple[str, int]]) -> None:
    spine = pa.table([[e for e, _ in rows], [t for _, t in rows]], schema=SPINE)
    wanted = [naive_row(use_case["views"][0], events, e, t, lambda x, t=t: x["available_at"] < t) for e, t in rows]
    same(run(use_case, events, spine), wanted)


@RANDOM
@given(use_cases(), event_streams(), spines(), st.one_of(st.just(ALL_KNOWN), cut_offs))
def test_knows_what_a_given_cut_off_allows(use_case: dict, events: list[dict], rows: list, cut: int) -> None:
    spine = pa.table([[e for e, _ in rows], [t for _, t in rows]], schema=SPINE)
    spine = spine.append_column("known_before", pa.array([cut] * len(rows), pa.int64()))
    wanted = [naive_row(use_case["views"][0], events, e, t, lambda x: x["available_at"] < cut) for e, t in rows]
    same(run(use_case, events, spine), wanted)


@RANDOM
@given(use_cases(), event_streams(), spines(), st.data())
def test_knows_what_its_watermarks_cover(use_case: dict, events: list[dict], rows: list, data: Any) -> None:
    positions = ["0", *[e["sequence_number"] for e in events], "9" * 60]
    mark = st.dictionaries(st.sampled_from(["history", "shardId-000000000001", "gone"]), st.sampled_from(positions))
    watermarks = [data.draw(mark) for _ in rows]
    spine = pa.table([[e for e, _ in rows], [t for _, t in rows]], schema=SPINE)
    spine = spine.append_column(
        "watermarks", pa.array([list(m.items()) for m in watermarks], pa.map_(pa.string(), pa.string()))
    )

    def covers(mark: dict[str, str]) -> Any:
        return lambda event: int(event["sequence_number"]) <= int(mark.get(event["shard_id"], "-1"))

    view = use_case["views"][0]
    wanted = [naive_row(view, events, e, t, covers(m)) for (e, t), m in zip(rows, watermarks, strict=True)]
    same(run(use_case, events, spine), wanted)


@pytest.mark.parametrize("budget", [1, 7])
def test_chunks_of_ghost_events_give_the_same_rows(monkeypatch: pytest.MonkeyPatch, budget: int) -> None:
    use_case, events = _one_count(), _late_events()
    rows = [("A", START + d * DAY) for d in range(1, 12)]
    spine = pa.table([[e for e, _ in rows], [t for _, t in rows]], schema=SPINE)
    whole = run(use_case, events, spine)
    monkeypatch.setattr(pit, "GHOST_EVENTS", budget)
    same(run(use_case, events, spine), whole)
    assert [r["f0"] for r in whole] == [0, 0, 0, 1, 2, 3, 4, 4, 4, 4, 4]


def test_times_too_far_apart_for_one_key_are_ranked() -> None:
    use_case = _one_count()
    events = _late_events()
    events[0] |= {"event_time": -(1 << 61), "available_at": -(1 << 61)}
    spine = pa.table([["A", "A"], [START + 4 * DAY, START + 12 * DAY]], schema=SPINE)
    assert [r["f0"] for r in run(use_case, events, spine)] == [0, 4]


def _one_count() -> dict:
    feature = {
        "kind": "aggregate",
        "name": "f0",
        "op": "count",
        "event_type": "visit",
        "field": None,
        "where": [],
        "window_ms": 7 * DAY,
        "offset_ms": 0,
        "hop_ms": DAY // 24,
        "cap": None,
        "k": None,
        "value_type": "int",
        "enum_values": None,
    }
    return {"contracts": CONTRACTS, "views": [{"name": "v", "features": [feature], "retractions": None}]}


def _late_events() -> list[dict]:
    """One event a day, known three days later."""
    return [
        {
            "event_id": f"e{d}",
            "entity_id": "A",
            "event_type": "visit",
            "event_time": START + d * DAY,
            "available_at": START + (d + 3) * DAY,
            "shard_id": "history",
            "sequence_number": str(d + 1),
            "properties": "{}",
        }
        for d in range(12)
    ]


def _event(name: str, event_time: int, available_at: int, **more: Any) -> dict:
    base = {"event_id": name, "entity_id": "A", "event_type": "visit", "event_time": event_time}
    base |= {"available_at": available_at, "shard_id": "history", "sequence_number": "1", "properties": "{}"}
    return base | more


def test_an_event_available_at_t_is_not_known_at_t() -> None:
    events = [_event("a", START - 2, START), _event("b", START - 1, START - 1)]
    spine = pa.table([["A", "A"], [START, START + 1]], schema=SPINE)
    assert [r["f0"] for r in run(_one_count(), events, spine)] == [1, 2]


def test_ties_are_ordered_by_the_bytes_of_the_event_id() -> None:
    use_case = _one_count()
    use_case["views"][0]["features"][0] |= {"op": "last", "field": "store", "value_type": "string", "window_ms": None}
    # UTF-16 order would put U+FFFF after the surrogate pair of U+1D4B3.
    for ids in (["\uffff", "𝒳"], ["𝒳", "\uffff"]):
        events = [_event(i, START, START, properties=json.dumps({"store": i})) for i in ids]
        spine = pa.table([["A"], [START + 1]], schema=SPINE)
        assert run(use_case, events, spine)[0]["f0"] == "𝒳"


def test_no_value_is_minus_zero() -> None:
    use_case = _one_count()
    negated = {"op": "mul", "left": {"op": "ref", "name": "f0"}, "right": {"op": "const", "value": -1}}
    feature = {"kind": "derived", "name": "f1", "description": "", "expr": negated, "value_type": "float"}
    use_case["views"][0]["features"].append(feature)
    spine = pa.table([["A", "A"], [START, START + 1]], schema=SPINE)
    rows = run(use_case, [_event("a", START, START)], spine)
    assert [repr(row["f1"]) for row in rows] == ["0.0", "-1.0"]


def test_the_known_copy_counts_when_the_earlier_one_lies_ahead_of_its_watermark() -> None:
    events = [
        _event("a", START, START, shard_id="s1", sequence_number="9"),
        _event("a", START, START + 5, shard_id="s2", sequence_number="3"),
    ]
    spine = pa.table([["A", "A", "A"], [START + 9] * 3], schema=SPINE)
    watermarks = [[("s2", "3")], [("s1", "9"), ("s2", "3")], [("s2", "2")]]
    spine = spine.append_column("watermarks", pa.array(watermarks, pa.map_(pa.string(), pa.string())))
    assert [r["f0"] for r in run(_one_count(), events, spine)] == [1, 1, 0]
