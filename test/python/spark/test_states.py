"""States and values against the TypeScript engine: shared cases, and random streams asked over the bridge."""

from __future__ import annotations

import base64
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from streams import DAY, START, event_streams, use_cases
from tidemark_spark.event_log import EVENT_SCHEMA
from tidemark_spark.ir import ViewPlan, compile_view
from tidemark_spark.pit import ALL_KNOWN, point_in_time
from tidemark_spark.states import entity_states
from typescript import ROOT, ask

CASES = json.loads((ROOT / "test/conformance/states.json").read_text())


def plan_of(view: dict[str, Any], events: list[dict[str, Any]]) -> ViewPlan:
    """The shared cases carry no contracts: kinds come from the values."""
    kinds: dict[tuple[str, str], str] = {}
    for event in events:
        for name, value in event["properties"].items():
            if value is not None:
                kind = "bool" if isinstance(value, bool) else "string" if isinstance(value, str) else "int"
                kinds[event["event_type"], name] = kind
    fields: dict[str, dict[str, Any]] = {}
    for feature in (f for f in view["features"] if f["kind"] == "aggregate"):
        of_type = fields.setdefault(feature["event_type"], {})
        for name in [p["field"] for p in feature["where"]] + [feature["field"]] * (feature["field"] is not None):
            of_type[name] = kinds.get((feature["event_type"], name), "int")
            if feature["field"] == name and feature["value_type"] in ("string", "bool"):
                of_type[name] = feature["value_type"]
    return ViewPlan(view, fields)


def table_of(events: list[dict[str, Any]]) -> pa.Table:
    rows = [e | {"properties": json.dumps(e["properties"])} for e in events]
    return pa.Table.from_pylist(rows, EVENT_SCHEMA)


@pytest.mark.parametrize("index", range(len(CASES)))
def test_shared_cases(index: int) -> None:
    case = CASES[index]
    events = case["events"]
    plan = plan_of(case["view"], events)
    table = table_of(events)
    if events:
        (state,) = entity_states(plan, table)
        assert base64.b64encode(state.data).decode() == case["state_base64"]
    entity = events[0]["entity_id"] if events else "nobody"
    for query in case["queries"]:
        spine: dict[str, Any] = {"entity_id": [entity], "t": [query["t"]]}
        knowledge = query["knowledge"]
        if isinstance(knowledge, dict):
            marks = [list(knowledge["watermarks"].items())]
            spine["watermarks"] = pa.array(marks, pa.map_(pa.string(), pa.string()))
        else:
            spine["known_before"] = [ALL_KNOWN if knowledge == "latest" else knowledge]
        found = point_in_time(plan, table, pa.table(spine)).to_pylist()[0]
        assert list(found.values()) == query["values"], query


@settings(max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(use_cases(), event_streams(max_size=120)), min_size=60, max_size=60))
def test_random_streams_give_the_same_bytes_and_values(drawn: list[tuple[dict, list[dict]]]) -> None:
    cases, plans = [], []
    for use_case, events in drawn:
        mine = sorted((e for e in events if e["entity_id"] == "A"), key=lambda e: e["available_at"])
        ids: set[str] = set()
        mine = [e for e in mine if not (e["event_id"] in ids or ids.add(e["event_id"]))]
        mine = [e | {"properties": json.loads(e["properties"]), "source": "", "source_time": None} for e in mine]
        if not mine:
            continue
        view = use_case["views"][0]
        after = max(e["available_at"] for e in mine) + 1
        at = [{"t": t, "knowledge": t} for t in (START + 20 * DAY, after, after + 5 * DAY)]
        cases.append({"view": view, "events": mine, "at": at})
        plans.append(compile_view(use_case, view))
    for case, plan, answer in zip(cases, plans, ask({"op": "view", "cases": cases}), strict=True):
        table = table_of(case["events"])
        (state,) = entity_states(plan, table)
        assert state.data.hex() == answer["state"]
        assert state.newest_available_at == answer["newest_available_at"]
        spine = pa.table({"entity_id": ["A"] * len(case["at"]), "t": [q["t"] for q in case["at"]]})
        found = [list(row.values()) for row in point_in_time(plan, table, spine).to_pylist()]
        assert found == answer["oracle"]
        assert [f for f, s in zip(found, answer["served"], strict=True) if s is not None] == [
            s for s in answer["served"] if s is not None
        ]
