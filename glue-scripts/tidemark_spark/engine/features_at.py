"""What was, and what was known: an entity's values at one instant, with the events that made them so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from tidemark_spark.engine.event_log import EventLog, read_events
from tidemark_spark.engine.frame import Bools, Frame, Groups
from tidemark_spark.engine.ir import ViewPlan, compile_view, field_kinds
from tidemark_spark.engine.pit import ALL_KNOWN, point_in_time
from tidemark_spark.engine.state.retractions import read_retractions


def features_at(
    use_case: dict[str, Any],
    view: dict[str, Any],
    events: pa.Table,
    entity_id: str,
    t: int,
    known_before: int | None,
) -> dict[str, Any]:
    """`events`: EVENT_SCHEMA, all of the entity's. `t` and `known_before` in ms; None: all that is known by now.

    Returns features [{name, value, latest}] and events [{event_id, event_type, event_time, available_at, status,
    features}], newest first, of those before `t`. Status: counted (in the features named), outside (of every window or
    filter), not_known_yet, duplicate (a later copy), cancelled (by an event known then).
    """
    cut = ALL_KNOWN if known_before is None else known_before
    spine = {"entity_id": [entity_id] * 2, "t": [t] * 2, "known_before": [cut, ALL_KNOWN]}
    values = point_in_time(compile_view(use_case, view), events, pa.table(spine))
    features = [dict(zip(("value", "latest"), values[n].to_pylist(), strict=True)) for n in values.column_names]
    named = [{"name": name} | value for name, value in zip(values.column_names, features, strict=True)]
    return {"features": named, "events": _events(_with_all_retractions(use_case, view), events, t, cut)}


def _with_all_retractions(use_case: dict[str, Any], view: dict[str, Any]) -> ViewPlan:
    """A view knows the retractions of events that it reads; here every event has its say."""
    rules = [
        {"event_type": contract["event_type"], "of": retracts["event_type"], "field": retracts["field"]}
        for contract in use_case["contracts"]
        if (retracts := contract.get("retracts"))
    ]
    once = {rule["event_type"]: rule for rule in rules}
    own, kinds = compile_view(use_case, view), field_kinds(use_case)
    fields = dict(own.fields)
    for rule in once.values():
        of, name = rule["event_type"], rule["field"]
        fields[of] = {**fields.get(of, {}), name: kinds[of, name]}
    return replace(own, view=view | {"retractions": {"rules": list(once.values())}}, fields=fields)


def _events(plan: ViewPlan, events: pa.Table, t: int, cut: int) -> list[dict[str, Any]]:
    log = read_events(plan, events, np.zeros(len(events), np.int64))
    counted = _counted(plan, log, t)
    cancelled = _cancelled(plan, log, t, cut)
    told = []
    for i, event_id in enumerate(log.texts("event_id", np.arange(len(log))).to_pylist()):
        if log.time[i] >= t:
            continue
        names = [name for name, mask in counted if mask[i]]
        if log.available[i] >= cut:
            status = "not_known_yet"
        elif not log.first[i]:
            status = "duplicate"
        elif cancelled[i]:
            status = "cancelled"
        else:
            status = "counted" if names else "outside"
        about = {"event_id": event_id, "event_type": log.types[log.type[i]], "event_time": int(log.time[i])}
        told.append(about | {"available_at": int(log.available[i]), "status": status, "features": names})
    return told[::-1]


def _counted(plan: ViewPlan, log: EventLog, t: int) -> list[tuple[str, Bools]]:
    """For each feature the events inside its window at `t` that it is about, with a value where it has a field."""
    frame = Frame(log, Groups(slice(None), log.entity), np.zeros(1, np.int64), np.array([t]))
    found = []
    for feature in plan.aggregates:
        windows, mask = frame.windows(feature), np.zeros(len(log), bool)
        mask[windows.chosen.at[windows.start[0] : windows.end[0]]] = True
        found.append((feature["name"], mask))
    return found


def _cancelled(plan: ViewPlan, log: EventLog, t: int, cut: int) -> Bools:
    """The events that another one cancels, of those before `t` that were known before `cut`."""
    mask = np.zeros(len(log), bool)
    retractions = read_retractions(plan.retraction_rules, log)
    if retractions is not None:
        known = np.flatnonzero((log.time < t) & (log.available < cut))
        mask[known] = retractions.cancelled(known, log.entity[known], np.ones(len(known), bool))
    return mask
