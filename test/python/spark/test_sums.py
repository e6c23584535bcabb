"""Sums at the edge of the exact range, by the shared cases that the TypeScript engine is held to."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from test_states import as_json, plan_of, table_of
from typescript import ROOT, ask

from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.engine.state.states import entity_states
from tidemark_spark.spark import backfill

CASES = json.loads((ROOT / "test/conformance/sums.json").read_text())
MINUTE = 60_000


def view_of(case: dict[str, Any]) -> dict[str, Any]:
    dedupe = {"horizon_ms": 3 * 86_400_000, "cap": 256}
    return {"features": case["features"], "dedupe": dedupe, "retractions": None}


def events_of(case: dict[str, Any], entity: str = "ann") -> list[dict[str, Any]]:
    def canonical(number: int, event: dict[str, Any]) -> dict[str, Any]:
        time = CASES["start_ms"] + event["minutes"] * MINUTE
        base = {"event_id": event["event_id"], "entity_id": entity, "event_type": "buy", "event_time": time}
        base |= {"available_at": time, "shard_id": "shard", "sequence_number": str(number)}
        return base | {"properties": {"amount": event["amount"]}}

    return [canonical(number, event) for number, event in enumerate(case["events"], 1)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["rule"]) for case in CASES["states"]])
def test_a_state_takes_what_it_can_hold_as_the_stream_does(case: dict[str, Any]) -> None:
    events = events_of(case)
    kept = [e for e in events if e["event_id"] not in case["refused"]]
    question = {"view": view_of(case), "events": [e | {"source": "", "source_time": None} for e in kept], "at": []}
    (stream,) = ask({"op": "view", "cases": [question]})
    # Beside others, who must not change, and whatever the order of the rows.
    others = [e | {"properties": {"amount": 1}} for e in events_of(case, "bob")]
    plan = plan_of(view_of(case), events)
    for rows in (events + others, [*reversed(others), *reversed(events)]):
        states = {state.entity_id: state for state in entity_states(plan, table_of(rows))}
        assert states["ann"].data.hex() == stream["state"]
        assert states["ann"].refused == len(case["refused"])
        assert states["ann"].positions == {"shard": str(len(events))}
        assert states["bob"].refused == 0
        (alone,) = entity_states(plan, table_of(others))
        assert states["bob"].data == alone.data


@pytest.mark.parametrize("case", [pytest.param(case, id=case["rule"]) for case in CASES["values"]])
def test_a_window_beyond_the_range_is_null(case: dict[str, Any]) -> None:
    events = events_of(case)
    plan = plan_of(view_of(case), events)
    t = [CASES["start_ms"] + query["minutes"] * MINUTE for query in case["queries"]]
    rows = point_in_time(plan, table_of(events), pa.table({"entity_id": ["ann"] * len(t), "t": t}))
    assert [as_json(row) for row in rows.to_pylist()] == [query["expect"] for query in case["queries"]]


def test_the_backfill_counts_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "connect", lambda: None)
    monkeypatch.setattr(backfill, "read_tombstones", lambda _: [])
    monkeypatch.setattr(backfill, "_write_one", lambda *_, **__: "written")
    case = next(case for case in CASES["states"] if case["refused"])
    events = [event for entity in ("ann", "bob") for event in events_of(case, entity)]
    states = entity_states(plan_of(view_of(case), events), table_of(events))
    counts = backfill.write_states("table", "v@0", states, {}, {})
    assert counts == {"written": 2, "refused_events": 2 * len(case["refused"])}
