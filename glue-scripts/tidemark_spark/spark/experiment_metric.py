"""The primary metric of an experiment: one number an entity, some time after its exposure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import read_events
from tidemark_spark.engine.ir import ViewPlan, compile_view, field_kinds, view_named
from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.engine.segments import TimeAxis
from tidemark_spark.engine.values.columns import codes_of, matching

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """`wait_ms`: how long after the exposure it is known. `binary`: each value is 0 or 1."""

    view: ViewPlan
    label: dict[str, Any]
    feature: str | None
    wait_ms: int
    binary: bool

    @property
    def event_types(self) -> set[str]:
        """What has to be read."""
        return set(self.view.event_types) if self.feature else {self.label["event_type"]}

    def values(self, events: pa.Table, spine: pa.Table) -> Floats:
        """One value a row of the spine (entity_id, t), in its order; NaN where the entity has none."""
        return self._features(events, spine) if self.feature else self._labels(events, spine)

    def _features(self, events: pa.Table, spine: pa.Table) -> Floats:
        asked = pa.table({"entity_id": spine["entity_id"], "t": spine["t"].to_numpy() + self.wait_ms})
        found = point_in_time(self.view, events, asked, unique=True)[self.feature]
        number = found.cast(pa.int8()) if pa.types.is_boolean(found.type) else found
        values = number.cast(pa.float64()).to_numpy()
        return np.where(np.isnan(values), np.nan, values > 0) if self.binary else values

    def _labels(self, events: pa.Table, spine: pa.Table) -> Floats:
        label = self.label
        both = pa.chunked_array([*events["entity_id"].chunks, *spine["entity_id"].chunks])
        codes, words = codes_of(both)
        entity, t = codes[len(events) :], spine["t"].to_numpy()
        log = read_events(self.view, events, codes[: len(events)], unique=True)
        columns = {p["field"]: log.properties[label["event_type"], p["field"]] for p in label["where"]}
        hit = log.is_type(label["event_type"]) & matching(label["where"], columns, len(log)) & log.first
        axis = TimeAxis(max(1, len(words)), log.time)
        key = axis.key(log.entity, log.time)[hit]
        start = np.searchsorted(key, axis.key(entity, t), "left")
        end = np.searchsorted(key, axis.key(entity, t + label["horizon_ms"]), "left")
        return (start == end).astype(np.float64)


def metric_of(use_case: dict[str, Any], metric: dict[str, Any]) -> Metric:
    """`metric`: as the document has it."""
    label = use_case["label"]
    view = compile_view(use_case, view_named(use_case, use_case["model"]["view"]))
    if metric["kind"] == "feature":
        return Metric(view, label, metric["feature"], metric["after_ms"], metric["as"] == "proportion")
    kinds = field_kinds(use_case)
    read = {p["field"]: kinds[label["event_type"], p["field"]] for p in label["where"]}
    of_type = view.fields.get(label["event_type"], {}) | read
    view = replace(view, fields=view.fields | {label["event_type"]: of_type})
    return Metric(view, label, None, label["horizon_ms"], True)
