"""The obvious slow answer, loops over raw events for one row and one feature: what the engine is tested against."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

Event = dict[str, Any]


def naive_row(view: dict, events: list[Event], entity_id: str, t: int, knows) -> dict[str, Any]:
    """Every feature of `view` for one entity at t. `knows(event)` says whether an event was known."""
    copies: dict[str, Event] = {}
    for event in sorted(
        (e for e in events if e["entity_id"] == entity_id and knows(e)),
        key=lambda e: (e["available_at"], int(e["sequence_number"]), e["shard_id"]),
    ):
        copies.setdefault(event["event_id"], event)
    past = [e for e in copies.values() if e["event_time"] < t]
    rules = (view.get("retractions") or {"rules": []})["rules"]
    gone = {
        (rule["of"], json.loads(e["properties"]).get(rule["field"]))
        for e in past
        for rule in rules
        if e["event_type"] == rule["event_type"]
    }
    past = [e for e in past if (e["event_type"], e["event_id"]) not in gone]
    past.sort(key=lambda e: (e["event_time"], e["available_at"], e["event_id"].encode()))
    values: dict[str, Any] = {}
    for feature in view["features"]:
        if feature["kind"] == "derived":
            values[feature["name"]] = naive_expr(feature["expr"], values)
        else:
            values[feature["name"]] = naive_aggregate(feature, past, t)
    return values


def naive_aggregate(feature: dict, past: list[Event], t: int) -> Any:
    hop, window = feature["hop_ms"], feature["window_ms"]
    offset = feature.get("offset_ms", 0)
    left = None if window is None else (t - offset - window) // hop * hop
    right = (t - offset) // hop * hop if offset else t
    chosen, values = [], []
    for event in past:
        properties = json.loads(event["properties"])
        if event["event_type"] != feature["event_type"] or (left is not None and event["event_time"] < left):
            continue
        if event["event_time"] >= right:
            continue
        if not all(naive_holds(p, properties.get(p["field"])) for p in feature["where"]):
            continue
        if feature["field"] is not None and properties.get(feature["field"]) is None:
            continue
        chosen.append(event)
        values.append(None if feature["field"] is None else properties[feature["field"]])
    op = feature["op"]
    if op == "count":
        return len(chosen)
    if op == "count_distinct":
        return len(set(values))
    if not chosen:
        return None
    if op == "histogram":
        return naive_histogram(feature, chosen, values)
    return {
        "sum": lambda: sum(values),
        "mean": lambda: float(sum(values)) / float(len(values)),
        "min": lambda: min(values),
        "max": lambda: max(values),
        "first": lambda: values[0],
        "last": lambda: values[-1],
        "last_k": lambda: values[::-1][: feature["k"]],
        "variance": lambda: float(sum((v - Fraction(sum(values), len(values))) ** 2 for v in values) / len(values)),
        "time_since_last": lambda: t - chosen[-1]["event_time"],
        "time_since_first": lambda: t - chosen[0]["event_time"],
    }[op]()


def naive_histogram(feature: dict, chosen: list[Event], values: list[str]) -> list[dict] | None:
    tiles: dict[int, set[str]] = {}
    counts: dict[str, int] = {}
    for event, value in zip(chosen, values, strict=True):
        tile = event["event_time"] // feature["hop_ms"] if feature["hop_ms"] else 0
        tiles.setdefault(tile, set()).add(value)
        counts[value] = counts.get(value, 0) + 1
    if any(len(some) > feature["cap"] for some in tiles.values()):
        return None
    order = sorted(counts, key=lambda value: (-counts[value], value.encode()))
    return [{"value": value, "count": counts[value]} for value in order[: feature["k"]]]


def naive_holds(predicate: dict, value: Any) -> bool:
    if value is None:
        return False
    wanted, op = predicate["value"], predicate["op"]
    if op in ("eq", "ne", "in"):
        options = wanted if op == "in" else [wanted]
        return any(type(value) is type(w) and value == w for w in options) == (op != "ne")
    if type(value) is not int:
        return False
    return {"gt": value > wanted, "gte": value >= wanted, "lt": value < wanted, "lte": value <= wanted}[op]


def naive_expr(expr: dict, values: dict[str, Any]) -> float | None:
    op = expr["op"]
    if op == "ref":
        return None if values[expr["name"]] is None else float(values[expr["name"]])
    if op == "const":
        return float(expr["value"])
    left, right = naive_expr(expr["left"], values), naive_expr(expr["right"], values)
    if op == "coalesce":
        return right if left is None else left
    if left is None or right is None or (op == "div" and right == 0):
        return None
    return {
        "add": lambda: left + right,
        "sub": lambda: left - right,
        "mul": lambda: left * right,
        "div": lambda: left / right,
        "min": lambda: min(left, right),
        "max": lambda: max(left, right),
        "gt": lambda: float(left > right),
        "gte": lambda: float(left >= right),
        "lt": lambda: float(left < right),
        "lte": lambda: float(left <= right),
        "eq": lambda: float(left == right),
    }[op]()
