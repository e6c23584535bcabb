"""The obvious slow answer for one row: who is eligible, and what the label is. What the engine is tested against."""

from __future__ import annotations

import json
from typing import Any

from naive import naive_holds

Event = dict[str, Any]


def naive_outcome(document: dict, events: list[Event], entity_id: str, t: int, closed_until: int) -> int | str | None:
    """The label of (entity, t), or why there is no row; None where nothing of the entity was known before t."""
    label = document["label"]
    types = {label["event_type"], label["eligible"]["event_type"], label.get("censor", {}).get("event_type")}
    rules = [c["retracts"] | {"by": c["event_type"]} for c in document["contracts"] if "retracts" in c]
    rules = [rule for rule in rules if rule["event_type"] in types]
    read = {f["event_type"] for f in document["views"][0]["features"]} | types | {rule["by"] for rule in rules}
    facts = once([e for e in events if e["entity_id"] == entity_id])

    known = [e for e in facts if e["available_at"] < t and e["event_time"] < t]
    if not any(e["event_type"] in read for e in known):
        return None
    within = label["eligible"].get("within_ms", t)
    if not any(
        e["event_type"] == label["eligible"]["event_type"] and e["event_time"] >= t - within
        for e in without_retracted(known, rules)
    ):
        return "not_eligible"
    if t + label["horizon_ms"] + label.get("maturity_ms", 0) > closed_until:
        return "label_horizon_open"
    inside = [e for e in without_retracted(facts, rules) if t <= e["event_time"] < t + label["horizon_ms"]]
    if "censor" in label and any(e["event_type"] == label["censor"]["event_type"] for e in inside):
        return "censored"
    return naive_label(label, inside)


def once(events: list[Event]) -> list[Event]:
    """The earliest copy of each event."""
    copies: dict[str, Event] = {}
    for event in sorted(events, key=lambda e: (e["available_at"], int(e["sequence_number"]), e["shard_id"])):
        copies.setdefault(event["event_id"], event)
    return list(copies.values())


def without_retracted(events: list[Event], rules: list[dict]) -> list[Event]:
    gone = {
        (rule["event_type"], json.loads(e["properties"]).get(rule["field"]))
        for e in events
        for rule in rules
        if e["event_type"] == rule["by"]
    }
    return [e for e in events if (e["event_type"], e["event_id"]) not in gone]


def naive_label(label: dict, inside: list[Event]) -> int | str:
    matching = []
    for event in sorted(inside, key=lambda e: (e["event_time"], e["available_at"], e["event_id"].encode())):
        properties = json.loads(event["properties"])
        if event["event_type"] == label["event_type"] and all(
            naive_holds(p, properties.get(p["field"])) for p in label["where"]
        ):
            matching.append(properties)
    if label["kind"] == "no_event":
        return int(not matching)
    if label["kind"] == "event":
        return int(bool(matching))
    values = [p[label["field"]] for p in matching if p.get(label["field"]) is not None]
    if label["kind"] == "sum":
        return int(sum(values) >= label["at_least"] if "at_least" in label else sum(values) < label["below"])
    if not values:
        return "no_event" if label.get("when_none") == "drop" else 0
    return int(values[0] in label["values"])
