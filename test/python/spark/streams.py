"""Random definitions and random streams: late, duplicated, tied and future events, null fields, every aggregation."""

from __future__ import annotations

import json
from random import Random
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
            {"name": "small", "type": "int", "min": -(2**31), "max": 2**31, "required": False},
            {"name": "store", "type": "string", "trim": True, "max_length": 20, "required": False},
            {"name": "channel", "type": "enum", "trim": True, "values": ["web", "shop", "größe"], "required": False},
            {"name": "loyal", "type": "bool", "required": False},
        ],
        "derived": [],
    }
    for event_type in ("purchase", "visit")
]
CONTRACTS.append(
    CONTRACTS[1]
    | {
        "event_type": "refund",
        "fields": [
            *CONTRACTS[1]["fields"],
            {"name": "purchase_id", "type": "string", "trim": True, "max_length": 20, "required": False},
        ],
        "retracts": {"event_type": "purchase", "field": "purchase_id"},
    }
)
OPS = ["count", "sum", "mean", "min", "max", "variance", "first", "last", "last_k", "count_distinct", "histogram"]
OPS += ["time_since_last", "time_since_first"]
LISTS = {"int": "ints", "string": "strings", "bool": "bools"}


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
    if op in ("sum", "mean", "min", "max", "variance"):
        field = "small" if op == "variance" else "amount"
    elif op == "histogram":
        field = draw(st.sampled_from(["store", "channel"]))
    elif op in ("first", "last", "last_k", "count_distinct"):
        field = draw(st.sampled_from(["amount", "store", "channel", "loyal"]))
    else:
        field = draw(st.sampled_from([None, "amount", "store"]))
    value_type = "float" if op in ("mean", "variance") else "histogram" if op == "histogram" else "int"
    if op in ("first", "last", "last_k"):
        value_type = {"amount": "int", "loyal": "bool"}.get(field, "string")
        value_type = LISTS[value_type] if op == "last_k" else value_type
    window = draw(st.sampled_from([None, 5 * MINUTE, HOUR, 12 * HOUR, DAY, 7 * DAY, 12 * DAY, 30 * DAY]))
    # A window of a series of four, cut out of one that is four times as wide.
    place = draw(st.sampled_from([None, None, 0, 1, 3]))
    series = window is not None and place is not None and window <= 7 * DAY and hop_of(4 * window) <= window
    return {
        "kind": "aggregate",
        "name": name,
        "description": "",
        "op": op,
        "event_type": draw(st.sampled_from(["purchase", "purchase", "visit", "refund"])),
        "field": field,
        "where": draw(st.lists(predicates, max_size=2)),
        "window_ms": window,
        "offset_ms": (place or 0) * (window or 0) if series else 0,
        "hop_ms": None if window is None else hop_of(4 * window if series else window),
        "cap": {"count_distinct": 256, "histogram": 3}.get(op),
        "k": draw(st.integers(1, 4)) if op in ("last_k", "histogram") else None,
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
    rules = [{"event_type": "refund", "field": "purchase_id", "of": "purchase"}]
    retractable = any(f["kind"] == "aggregate" and f["event_type"] == "purchase" for f in features)
    remembered = draw(st.sampled_from([{"horizon_ms": 400 * DAY, "cap": 4096}, {"horizon_ms": DAY, "cap": 2}]))
    view = {
        "name": "v",
        "entity": "customer",
        "features": features,
        "dedupe": {"horizon_ms": DAY, "cap": 64},
        "retractions": remembered | {"rules": rules} if retractable else None,
        "retention_ms": None,
        "definition_hash": "0" * 64,
        "version": "v@000000000000",
    }
    return {"ir_version": 2, "name": "random", "entity": "customer", "contracts": CONTRACTS, "views": [view]}


EDGES = [0, 0, 1, -1, 5 * MINUTE, HOUR, -HOUR, DAY, 7 * DAY, 12 * DAY, 30 * DAY]


def instant(random: Random) -> int:
    """An instant near the edge of some window of some other instant: where engines disagree if they do."""
    grid = random.choice([DAY, HOUR, 5 * MINUTE])
    anchor = START // DAY * DAY + 20 * DAY + random.randrange(4) * grid
    near = anchor - random.choice(EDGES) + random.choice([0, 0, 1, -1, grid // 2])
    return random.choice([near, near, near, START + random.randrange(SPAN)])


def some_properties(random: Random) -> dict[str, Any]:
    options = {
        "amount": [None, random.randint(-4, 4), random.randint(-4, 4), random.randint(-(2**46), 2**46)],
        "small": [None, random.randint(-4, 4), random.randint(-(2**31), 2**31)],
        "store": [None, "s1", "s2", "", "s\n3", "größe"],
        "channel": ["web", "shop", "größe"],
        "loyal": [None, True, False],
    }
    return {name: random.choice(values) for name, values in options.items() if random.random() < 0.85}


def some_id(random: Random, ids: int) -> str:
    return random.choice(["a", "b", "é", "𝒳", "\uffff"]) + str(random.randrange(ids))


@st.composite
def event_streams(draw: Any, max_size: int = 60) -> list[dict[str, Any]]:
    """Events on two shards, sequence numbers of a shard rising with availability; a seed, so that streams are dense."""
    size, random = draw(st.integers(0, max_size)), Random(draw(st.integers(0, 2**32)))
    ids = random.choice([12, 400])
    events = []
    for _ in range(size):
        event_time = instant(random)
        available_at = event_time + random.choice([0, 0, 1, MINUTE, HOUR, 3 * DAY, 20 * DAY])
        if random.random() < 0.2:
            available_at = max(event_time, instant(random))
        event_type = random.choice(["purchase", "purchase", "visit", "refund", "other"])
        properties = some_properties(random)
        if event_type == "refund" and random.random() < 0.9:
            properties["purchase_id"] = some_id(random, ids)
        events.append(
            {
                "event_id": some_id(random, ids),
                "entity_id": random.choice(["A", "A", "B", "ß"]),
                "event_type": event_type,
                "event_time": event_time,
                "available_at": available_at,
                "shard_id": random.choice(["history", "shardId-000000000001"]),
                "properties": json.dumps(properties, ensure_ascii=random.random() < 0.5),
            }
        )
    events.sort(key=lambda e: e["available_at"])
    step = random.choice([1, 7, 10**54])
    for i, event in enumerate(events):
        event["sequence_number"] = str((i + 1) * step)
    random.shuffle(events)
    return events


@st.composite
def spines(draw: Any) -> list[tuple[str, int]]:
    size, random = draw(st.integers(0, 25)), Random(draw(st.integers(0, 2**32)))
    return [(random.choice(["A", "A", "B", "ß", "nobody"]), instant(random)) for _ in range(size)]
