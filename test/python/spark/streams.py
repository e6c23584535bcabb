"""Random definitions and random streams: late, duplicated, tied and future events, null fields, every aggregation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_700_000_000_000
SPAN = 40 * DAY
CONTRACTS = [
    {
        "event_type": event_type,
        "schema_version": 1,
        "event_time_format": "iso8601",
        "max_future_ms": 300_000,
        "fields": [
            {"name": "amount", "type": "decimal", "scale": 2, "required": False},
            {"name": "store", "type": "string", "trim": True, "max_length": 20, "required": False},
            {"name": "channel", "type": "enum", "trim": True, "values": ["web", "shop", "größe"], "required": False},
            {"name": "loyal", "type": "bool", "required": False},
        ],
        "derived": [],
    }
    for event_type in ("purchase", "visit")
]
OPS = ["count", "sum", "mean", "min", "max", "first", "last", "count_distinct", "time_since_last", "time_since_first"]


def hop_of(window_ms: int) -> int:
    return DAY if window_ms >= 12 * DAY else HOUR if window_ms >= 12 * HOUR else 5 * MINUTE


predicates = st.one_of(
    st.fixed_dictionaries(
        {
            "field": st.just("amount"),
            "op": st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]),
            "value": st.integers(-3, 3),
        }
    ),
    st.fixed_dictionaries(
        {"field": st.just("channel"), "op": st.sampled_from(["eq", "ne"]), "value": st.sampled_from(["web", "x", 1])}
    ),
    st.fixed_dictionaries(
        {"field": st.just("loyal"), "op": st.sampled_from(["eq", "ne"]), "value": st.sampled_from([True, False, 1])}
    ),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["store", "channel"]),
            "op": st.just("in"),
            "value": st.lists(st.sampled_from(["s1", "s2", "web", "größe", None, 1]), max_size=3),
        }
    ),
)


@st.composite
def aggregates(draw: Any, name: str) -> dict[str, Any]:
    op = draw(st.sampled_from(OPS))
    if op in ("sum", "mean", "min", "max"):
        field = "amount"
    elif op in ("first", "last", "count_distinct"):
        field = draw(st.sampled_from(["amount", "store", "channel", "loyal"]))
    else:
        field = draw(st.sampled_from([None, "amount", "store"]))
    value_type = "float" if op == "mean" else "int"
    if op in ("first", "last"):
        value_type = {"amount": "int", "loyal": "bool"}.get(field, "string")
    window = draw(st.sampled_from([None, 5 * MINUTE, HOUR, 12 * HOUR, DAY, 7 * DAY, 12 * DAY, 30 * DAY]))
    return {
        "kind": "aggregate",
        "name": name,
        "description": "",
        "op": op,
        "event_type": draw(st.sampled_from(["purchase", "visit"])),
        "field": field,
        "where": draw(st.lists(predicates, max_size=2)),
        "window_ms": window,
        "hop_ms": None if window is None else hop_of(window),
        "cap": 256 if op == "count_distinct" else None,
        "value_type": value_type,
        "enum_values": None,
    }


def expressions(names: list[str]) -> st.SearchStrategy:
    leaves = st.one_of(
        st.sampled_from(names).map(lambda n: {"op": "ref", "name": n}),
        st.sampled_from([-1.5, 0, 1, 2, 86_400_000]).map(lambda v: {"op": "const", "value": v}),
    )
    ops = ["add", "sub", "mul", "div", "min", "max", "gt", "gte", "lt", "lte", "eq", "coalesce"]
    return st.recursive(
        leaves, lambda e: st.fixed_dictionaries({"op": st.sampled_from(ops), "left": e, "right": e}), max_leaves=5
    )


@st.composite
def use_cases(draw: Any) -> dict[str, Any]:
    features = [draw(aggregates(f"f{i}")) for i in range(draw(st.integers(1, 8)))]
    numeric = [f["name"] for f in features if f["value_type"] in ("int", "float")]
    if numeric:
        for i in range(draw(st.integers(0, 2))):
            features.append(
                {
                    "kind": "derived",
                    "name": f"d{i}",
                    "description": "",
                    "expr": draw(expressions(numeric)),
                    "value_type": "float",
                }
            )
    view = {
        "name": "v",
        "entity": "customer",
        "features": features,
        "dedupe": {"horizon_ms": DAY, "cap": 64},
        "definition_hash": "0" * 64,
        "version": "v@000000000000",
    }
    return {"ir_version": 1, "name": "random", "entity": "customer", "contracts": CONTRACTS, "views": [view]}


times = st.one_of(
    st.integers(0, SPAN),
    st.integers(0, SPAN // DAY).map(lambda d: d * DAY),
    st.integers(0, 48).map(lambda h: 20 * DAY + h * HOUR),
    st.integers(0, 60).map(lambda m: 20 * DAY + m * 5 * MINUTE),
).map(lambda ms: START // DAY * DAY + ms)

properties = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.one_of(st.none(), st.integers(-4, 4), st.integers(-(2**50), 2**50)),
        "store": st.one_of(st.none(), st.sampled_from(["s1", "s2", "", "s\n3", "größe"])),
        "channel": st.sampled_from(["web", "shop", "größe"]),
        "loyal": st.one_of(st.none(), st.booleans()),
    },
)


@st.composite
def event_streams(draw: Any, max_size: int = 40) -> list[dict[str, Any]]:
    """Events on two shards, sequence numbers of a shard rising with availability."""
    events = []
    for _ in range(draw(st.integers(0, max_size))):
        event_time = draw(times)
        lag = draw(st.sampled_from([0, 0, 1, MINUTE, HOUR, 3 * DAY, 20 * DAY]))
        events.append(
            {
                "event_id": draw(st.sampled_from(["a", "b", "é", "𝒳", "\uffff"])) + str(draw(st.integers(0, 12))),
                "entity_id": draw(st.sampled_from(["A", "B", "ß"])),
                "event_type": draw(st.sampled_from(["purchase", "purchase", "visit", "other"])),
                "event_time": event_time,
                "available_at": event_time + lag,
                "shard_id": draw(st.sampled_from(["history", "shardId-000000000001"])),
                "properties": json.dumps(draw(properties), ensure_ascii=draw(st.booleans())),
            }
        )
    events.sort(key=lambda e: e["available_at"])
    step = draw(st.sampled_from([1, 7, 10**54]))
    for i, event in enumerate(events):
        event["sequence_number"] = str((i + 1) * step)
    return draw(st.permutations(events))
