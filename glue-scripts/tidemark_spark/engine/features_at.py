"""What was, and what was known: an entity's values at one instant, with the events that made them so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidemark_spark.engine.event_log import EventLog, read_events
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.pit import ALL_KNOWN, point_in_time
from tidemark_spark.engine.values.columns import matching

Retraction = tuple[str, str, str]
"""(type of the retracting event, type it cancels, property that holds the cancelled event's id)."""


def retractions_of(use_case: dict[str, Any]) -> set[Retraction]:
    found = [(c["event_type"], c.get("retracts")) for c in use_case["contracts"]]
    return {(kind, r["event_type"], r["field"]) for kind, r in found if r}


def features_at(
    plan: ViewPlan, events: pa.Table, entity_id: str, t: int, known_before: int | None, retractions: set[Retraction]
) -> dict[str, Any]:
    """`events`: EVENT_SCHEMA, all of the entity's. `t` and `known_before` in ms; None: all that is known by now.

    Returns features [{name, value, latest}] and events [{event_id, event_type, event_time, available_at, status,
    features}], newest first, of those before `t`. Status: counted (in the features named), outside (of every window or
    filter), not_known_yet, duplicate (a later copy), cancelled (by an event known then).
    """
    cut = ALL_KNOWN if known_before is None else known_before
    spine = {"entity_id": [entity_id] * 2, "t": [t] * 2, "known_before": [cut, ALL_KNOWN]}
    values = point_in_time(plan, events, pa.table(spine))
    features = [dict(zip(("value", "latest"), values[n].to_pylist(), strict=True)) for n in values.column_names]
    named = [{"name": name} | value for name, value in zip(values.column_names, features, strict=True)]
    return {"features": named, "events": _events(plan, events, t, cut, retractions)}


def _events(plan: ViewPlan, events: pa.Table, t: int, cut: int, retractions: set[Retraction]) -> list[dict[str, Any]]:
    log = read_events(plan, events, np.zeros(len(events), np.int64))
    touched = [(f["name"], _touches(f, log, t)) for f in plan.aggregates]
    cancelled = _cancelled(events, t, cut, retractions)
    told = []
    for i, event_id in enumerate(log.texts("event_id", np.arange(len(log))).to_pylist()):
        if log.time[i] >= t:
            continue
        event_type, available = log.types[log.type[i]], int(log.available[i])
        names = [name for name, mask in touched if mask[i]]
        if available >= cut:
            status = "not_known_yet"
        elif not log.first[i]:
            status = "duplicate"
        elif (event_type, event_id) in cancelled:
            status = "cancelled"
        else:
            status = "counted" if names else "outside"
        about = {"event_id": event_id, "event_type": event_type, "event_time": int(log.time[i])}
        told.append(about | {"available_at": available, "status": status, "features": names})
    return told[::-1]


def _touches(feature: dict[str, Any], log: EventLog, t: int) -> Any:
    """The events inside a feature's window that it is about, with a value where it has a field."""
    event_type, rows = feature["event_type"], len(log)
    mask = log.is_type(event_type) & (log.time < t)
    mask &= matching(
        feature["where"], {p["field"]: log.properties[event_type, p["field"]] for p in feature["where"]}, rows
    )
    if feature["field"] is not None:
        mask &= log.properties[event_type, feature["field"]].present
    if feature["window_ms"] is not None:
        hop, offset = feature["hop_ms"], feature.get("offset_ms", 0)
        mask &= log.time >= (t - offset - feature["window_ms"]) // hop * hop
        if offset:
            mask &= log.time < (t - offset) // hop * hop
    return mask


def _cancelled(events: pa.Table, t: int, cut: int, retractions: set[Retraction]) -> set[tuple[str, str]]:
    gone = set()
    for kind, target, name in retractions:
        for event in events.filter(pc.equal(events["event_type"], kind)).to_pylist():
            if event["event_time"] < t and event["available_at"] < cut:
                gone.add((target, json.loads(event["properties"]).get(name)))
    return gone
