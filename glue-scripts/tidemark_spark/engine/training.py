"""Training rows: entities at instants, their label once its horizon is closed, and their inputs as known at t."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import read_events
from tidemark_spark.engine.ir import DefinitionError, ViewPlan, compile_view, field_kinds, view_named
from tidemark_spark.engine.pit import values_at
from tidemark_spark.engine.segments import TimeAxis
from tidemark_spark.engine.slices import slices_of_model
from tidemark_spark.engine.values.columns import codes_of, matching

Ints = NDArray[np.int64]

ROW_SCHEMA = pa.schema(
    [
        ("entity_id", pa.string()),
        ("t", pa.int64()),
        ("split", pa.string()),
        ("label", pa.int32()),
        ("values", pa.list_(pa.float64())),
    ]
)
"""`label` is null where the horizon isn't closed; `values` are the model's inputs in their order, null = no value."""
ROW_DDL = "entity_id string, t long, split string, label int, `values` array<double>"


@dataclass(frozen=True)
class TrainingPlan:
    """What rows to make: the view and label, the instants (ms) with their splits, and when labels stop being known."""

    view: ViewPlan
    label: dict[str, Any]
    inputs: list[str]
    instants: Ints
    splits: list[str]
    closed_until: int
    """A label is known when t + horizon ≤ this (ms)."""

    @property
    def label_types(self) -> set[str]:
        """The event types that decide which rows there are and their labels."""
        return {self.label["event_type"], self.label["eligible"]["event_type"]}


def plan_training(use_case: dict[str, Any], closed_until: int) -> TrainingPlan:
    """The plan of the use case's model. Raises DefinitionError when two splits ask for the same instant."""
    model, label = use_case["model"], use_case["label"]
    at: dict[int, str] = {}
    for split, span in slices_of_model(use_case, closed_until).items():
        for t in range(span["from"], span["to"] + 1, span["every_ms"]):
            if at.setdefault(t, split) != split:
                raise DefinitionError(
                    f"model.{split}: {t} ms is an instant of {at[t]} too. Give each instant one split."
                )
    view = compile_view(use_case, view_named(use_case, model["view"]))
    kinds = field_kinds(use_case)
    read = {p["field"]: kinds[label["event_type"], p["field"]] for p in label["where"]}
    of_type = view.fields.get(label["event_type"], {}) | read
    view = replace(view, fields=view.fields | {label["event_type"]: of_type})
    instants = np.array(sorted(at), np.int64)
    return TrainingPlan(view, label, model["inputs"], instants, [at[int(t)] for t in instants], closed_until)


def training_rows(plan: TrainingPlan, events: pa.Table, unique: bool = False) -> pa.Table:
    """ROW_SCHEMA rows of the entities in `events` (EVENT_SCHEMA, all events of each), by (entity_id, t).

    `unique`: see `read_events`.

    An entity has a row at every instant after its first eligible event was known, however long it has been silent:
    leaving customers stay in the rows from before they left.
    """
    codes, words = codes_of(events["entity_id"])
    log = read_events(plan.view, events, codes, unique)
    facts = np.flatnonzero(log.first)
    eligible = facts[log.is_type(plan.label["eligible"]["event_type"])[facts]]
    known_from = np.full(len(words), np.iinfo(np.int64).max, np.int64)
    np.minimum.at(known_from, log.entity[eligible], np.maximum(log.available, log.time)[eligible])
    entity, instant = np.nonzero(known_from[:, None] < plan.instants[None, :])
    t = plan.instants[instant]

    columns = {p["field"]: log.properties[plan.label["event_type"], p["field"]] for p in plan.label["where"]}
    hit = log.is_type(plan.label["event_type"]) & matching(plan.label["where"], columns, len(log)) & log.first
    axis = TimeAxis(max(1, len(words)), log.time)
    key = axis.key(log.entity, log.time)[hit]
    horizon = plan.label["horizon_ms"]
    came = np.searchsorted(key, axis.key(entity, t + horizon), "left") > np.searchsorted(
        key, axis.key(entity, t), "left"
    )

    spine = pa.table({"entity_id": words.cast(pa.string()).take(pa.array(entity)), "t": t})
    features = values_at(plan.view, log, spine, entity)
    splits = pa.array(plan.splits, pa.string()).take(pa.array(instant))
    label = pa.array(~came, mask=t + horizon > plan.closed_until).cast(pa.int32())
    rows = pa.table([spine["entity_id"], spine["t"], splits, label, model_inputs(plan, features)], schema=ROW_SCHEMA)
    return rows.sort_by([("entity_id", "ascending"), ("t", "ascending")])


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
