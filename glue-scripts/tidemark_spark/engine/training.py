"""Training rows: entities at instants, their label once it is known, and their inputs as known at t."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import read_events
from tidemark_spark.engine.ir import DefinitionError, ViewPlan, compile_view, view_named
from tidemark_spark.engine.labels import Facts, LabelPlan, compile_label, sampled
from tidemark_spark.engine.pit import values_at
from tidemark_spark.engine.slices import slices_of_model
from tidemark_spark.engine.values.columns import codes_of

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ROW_SCHEMA = pa.schema(
    [
        ("entity_id", pa.string()),
        ("t", pa.int64()),
        ("split", pa.string()),
        ("label", pa.int32()),
        ("newest_event_time", pa.int64()),
        ("values", pa.list_(pa.float64())),
    ]
)
"""`newest_event_time`: ms, of the events that the join knew at t; null where there were none. `values`: the model's
inputs in their order, null = no value."""
DROPPED = ("not_eligible", "not_sampled", "label_horizon_open", "censored", "no_event")
"""Why an entity that was known before an instant has no row there; of several reasons the first counts."""
_NEWEST = "newest:"
"""Begins the names of columns that no view can have."""


@dataclass(frozen=True)
class TrainingPlan:
    """What rows to make: the view and label, the instants (ms) with their splits, and when labels stop being known."""

    view: ViewPlan
    label: LabelPlan
    inputs: list[str]
    instants: Ints
    splits: list[str]
    sampling: dict[str, Any] | None
    closed_until: int
    """A label is known when t + horizon + maturity ≤ this (ms)."""

    @property
    def event_types(self) -> list[str]:
        """The event types that are read, sorted."""
        return self.view.event_types


@dataclass(frozen=True)
class TrainingRows:
    """ROW_SCHEMA rows by (entity_id, t), and how many were left out by each reason of DROPPED."""

    rows: pa.Table
    dropped: dict[str, int]


def plan_training(use_case: dict[str, Any], closed_until: int) -> TrainingPlan:
    """The plan of the use case's model. Raises DefinitionError when two splits ask for the same instant."""
    model = use_case["model"]
    at: dict[int, str] = {}
    for split, span in slices_of_model(use_case, closed_until).items():
        for t in range(span["from"], span["to"] + 1, span["every_ms"]):
            if at.setdefault(t, split) != split:
                raise DefinitionError(
                    f"model.{split}: {t} ms is an instant of {at[t]} too. Give each instant one split."
                )
    view, label = compile_view(use_case, view_named(use_case, model["view"])), compile_label(use_case)
    newest = [_newest_of(event_type) for event_type in view.event_types]
    fields = {of: view.fields.get(of, {}) | label.fields.get(of, {}) for of in {*view.fields, *label.fields}}
    view = ViewPlan(view.view | {"features": [*view.features, *newest]}, fields)
    instants = np.array(sorted(at), np.int64)
    splits = [at[int(t)] for t in instants]
    return TrainingPlan(view, label, model["inputs"], instants, splits, model.get("sampling"), closed_until)


def _newest_of(event_type: str) -> dict[str, Any]:
    """A feature of the join itself: how long ago the newest event of the type is that a row knows."""
    of = {"kind": "aggregate", "name": f"{_NEWEST}{event_type}", "op": "time_since_last", "event_type": event_type}
    window = {"window_ms": None, "offset_ms": 0, "hop_ms": None, "cap": None, "k": None}
    return of | window | {"field": None, "where": [], "value_type": "int", "enum_values": None}


def training_rows(plan: TrainingPlan, events: pa.Table, unique: bool = False) -> TrainingRows:
    """The rows of the entities in `events` (EVENT_SCHEMA, all events of each).

    `unique`: see `read_events`.

    An entity has a row at every instant at which it is eligible, however long it has been silent and whatever became of
    it: leaving customers stay in the rows from before they left.
    """
    codes, words = codes_of(events["entity_id"])
    log = read_events(plan.view, events, codes, unique)
    facts = Facts(plan.label, log, len(words))
    eligible = facts.eligible(plan.instants)
    known = facts.known(plan.event_types, plan.instants)
    entity, instant = np.nonzero(eligible)
    dropped = {"not_eligible": int(np.count_nonzero(known & ~eligible))}

    def keep(reason: str, kept: Bools) -> None:
        nonlocal entity, instant
        dropped[reason] = int(np.count_nonzero(~kept))
        entity, instant = entity[kept], instant[kept]

    def ids() -> pa.Array:
        return words.cast(pa.string()).take(pa.array(entity))

    if plan.sampling:
        keep("not_sampled", sampled(plan.sampling, ids().to_pylist(), plan.instants[instant]))
    keep("label_horizon_open", plan.instants[instant] + plan.label.gap_ms <= plan.closed_until)
    keep("censored", ~facts.censored(entity, plan.instants[instant]))
    label, answered = facts.labels(entity, plan.instants[instant])
    keep("no_event", answered)

    spine = pa.table({"entity_id": ids(), "t": plan.instants[instant]})
    features = values_at(plan.view, log, spine, entity)
    splits = pa.array(plan.splits, pa.string()).take(pa.array(instant))
    columns = [spine["entity_id"], spine["t"], splits, pa.array(label[answered].astype(np.int32))]
    columns += [newest_event_time(features, plan.instants[instant]), model_inputs(plan, features)]
    rows = pa.table(columns, schema=ROW_SCHEMA).sort_by([("entity_id", "ascending"), ("t", "ascending")])
    return TrainingRows(rows, {reason: dropped.get(reason, 0) for reason in DROPPED})


def newest_event_time(features: pa.Table, t: Ints) -> pa.Array:
    """When (ms) the newest event of any type happened that the join knew at t; null where it knew none."""
    ages = [features[name] for name in features.column_names if name.startswith(_NEWEST)]
    return pc.subtract(pa.array(t), pc.min_element_wise(*ages).combine_chunks())


def model_inputs(plan: TrainingPlan, features: pa.Table) -> pa.ListArray:
    """The model's inputs of each row: enums by the index of their value, booleans 1 or 0, null as it is."""
    declared = {f["name"]: f for f in plan.view.features}
    encoded = []
    for name in plan.inputs:
        column = features[name].combine_chunks()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            values = pa.array(declared[name].get("enum_values") or [], pa.string())
            column = pc.index_in(column.cast(pa.string()), value_set=values, skip_nulls=True)
        encoded.append(column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column)
    rows, width = len(features), len(encoded)
    values = np.empty((rows, width), np.float64)
    present = np.empty((rows, width), bool)
    for i, column in enumerate(encoded):
        values[:, i] = column.fill_null(0).to_numpy(zero_copy_only=False)
        present[:, i] = column.is_valid().to_numpy(zero_copy_only=False)
    flat = pa.array(values.reshape(-1), pa.float64(), mask=~present.reshape(-1))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * width, pa.int32()), flat)
