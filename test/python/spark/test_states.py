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
from typescript import ROOT, ask, planned

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import ViewPlan, compile_view
from tidemark_spark.engine.pit import ALL_KNOWN, point_in_time
from tidemark_spark.engine.state.states import entity_states

KIND_OF = {"string": "string", "bool": "bool", "strings": "string", "bools": "bool", "histogram": "string"}
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
            if feature["field"] == name and feature["value_type"] in KIND_OF:
                of_type[name] = KIND_OF[feature["value_type"]]
    for rule in (view["retractions"] or {"rules": []})["rules"]:
        fields.setdefault(rule["event_type"], {})[rule["field"]] = "string"
    return ViewPlan(planned(view), fields)


def as_json(row: dict[str, Any]) -> list[Any]:
    """Values as the TypeScript engine writes them: an entry of a histogram is a pair."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [list(v.values()) if isinstance(v, dict) else v for v in value]
        return value

    return [plain(value) for value in row.values()]


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
        if case["state_base64"] is not None:
            assert base64.b64encode(state.data).decode() == case["state_base64"]
    entity = events[0]["entity_id"] if events else "nobody"
    for query in case["queries"]:
        spine: dict[str, Any] = {"entity_id": [entity], "t": [query["t"]]}
        knowledge = query["knowledge"]
        if isinstance(knowledge, dict):
            watermarks = [list(knowledge["watermarks"].items())]
            spine["watermarks"] = pa.array(watermarks, pa.map_(pa.string(), pa.string()))
        else:
            spine["known_before"] = [ALL_KNOWN if knowledge == "latest" else knowledge]
        found = point_in_time(plan, table, pa.table(spine)).to_pylist()[0]
        assert as_json(found) == query["values"], query


def test_random_streams_give_the_same_bytes_and_values() -> None:
    compared = {"states": 0, "with a retraction": 0}

    # The first example that hypothesis draws is the simplest there is: no event at all.
    @settings(
        max_examples=4,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck.__members__.values()],
    )
    @given(st.lists(st.tuples(use_cases(), event_streams(max_size=120)), min_size=60, max_size=60))
    def engines_agree(drawn: list[tuple[dict, list[dict]]]) -> None:
        cases = [case for use_case, events in drawn if (case := one_entity(use_case, events))]
        questions = [{name: case[name] for name in ("view", "events", "at")} for case in cases]
        for case, answer in zip(cases, ask({"op": "view", "cases": questions}), strict=True):
            state = agree(case, answer)
            compared["states"] += not answer["inexact"]
            compared["with a retraction"] += not answer["inexact"] and b"refund" in state

    engines_agree()
    assert compared["states"] > 40
    assert compared["with a retraction"] > 5


def floats_of(plan: ViewPlan, values: list[Any]) -> list[Any]:
    """JSON has one kind of number: a large float without a fraction is read back as an integer of other digits."""
    real = [f["value_type"] == "float" for f in plan.features]
    return [float(v) if is_float and v is not None else v for v, is_float in zip(values, real, strict=True)]


def one_entity(use_case: dict, events: list[dict]) -> dict[str, Any] | None:
    """The events of A, each once, in order of arrival; None where there is none."""
    mine = sorted((e for e in events if e["entity_id"] == "A"), key=lambda e: int(e["sequence_number"]))
    ids: set[str] = set()
    mine = [e for e in mine if not (e["event_id"] in ids or ids.add(e["event_id"]))]
    mine = [e | {"properties": json.loads(e["properties"]), "source": "", "source_time": None} for e in mine]
    if not mine:
        return None
    view = use_case["views"][0]
    after = max(e["available_at"] for e in mine) + 1
    at = [{"t": t, "knowledge": t} for t in (START + 20 * DAY, after, after + 5 * DAY)]
    return {"view": view, "events": mine, "at": at, "plan": compile_view(use_case, planned(view))}


def agree(case: dict[str, Any], answer: dict[str, Any]) -> bytes:
    """Asserts that bytes and values are the same, but for what TypeScript says that is inexact; returns event types."""
    plan, table = case["plan"], table_of(case["events"])
    (state,) = entity_states(plan, table)
    assert answer["inexact"] or state.data.hex() == answer["state"]
    assert state.newest_available_at == answer["newest_available_at"]
    spine = pa.table({"entity_id": ["A"] * len(case["at"]), "t": [q["t"] for q in case["at"]]})
    found = [as_json(row) for row in point_in_time(plan, table, spine).to_pylist()]
    assert found == [floats_of(plan, row) for row in answer["oracle"]]
    exact = [i for i, f in enumerate(plan.features) if f["name"] not in answer["inexact"] and f["kind"] != "derived"]
    for row, served in zip(found, answer["served"], strict=True):
        assert served is None or [row[i] for i in exact] == [floats_of(plan, served)[i] for i in exact]
    return b" ".join(e["event_type"].encode() for e in case["events"] if case["view"]["retractions"])
