"""The primary metric of an experiment: one number an entity, some time after its exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import read_events
from tidemark_spark.engine.ir import ViewPlan, compile_view, view_named
from tidemark_spark.engine.labels import Facts, LabelPlan, compile_label
from tidemark_spark.engine.pit import point_in_time
from tidemark_spark.engine.values.columns import codes_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """`wait_ms`: how long after the exposure it is known. `binary`: each value is 0 or 1. `view`: what is read."""

    view: ViewPlan
    label: LabelPlan | None
    feature: str
    wait_ms: int
    binary: bool

    def values(self, events: pa.Table, spine: pa.Table) -> Floats:
        """One value a row of the spine (entity_id, t), in its order; NaN where the entity has none."""
        return self._features(events, spine) if self.label is None else self._labels(self.label, events, spine)

    def _features(self, events: pa.Table, spine: pa.Table) -> Floats:
        asked = pa.table({"entity_id": spine["entity_id"], "t": spine["t"].to_numpy() + self.wait_ms})
        found = point_in_time(self.view, events, asked, unique=True)[self.feature]
        number = found.cast(pa.int8()) if pa.types.is_boolean(found.type) else found
        values = number.cast(pa.float64()).to_numpy()
        return np.where(np.isnan(values), np.nan, values > 0) if self.binary else values

    def _labels(self, label: LabelPlan, events: pa.Table, spine: pa.Table) -> Floats:
        both = pa.chunked_array([*events["entity_id"].chunks, *spine["entity_id"].chunks])
        codes, words = codes_of(both)
        entity, t = codes[len(events) :], spine["t"].to_numpy()
        log = read_events(self.view, events, codes[: len(events)], unique=True)
        facts = Facts(label, log, len(words))
        values, answered = facts.labels(entity, t)
        return np.where(answered & ~facts.censored(entity, t), values, np.nan)


def metric_of(use_case: dict[str, Any], metric: dict[str, Any]) -> Metric:
    """`metric`: as the document has it."""
    view = compile_view(use_case, view_named(use_case, use_case["model"]["view"]))
    if metric["kind"] == "feature":
        return Metric(view, None, metric["feature"], metric["after_ms"], metric["as"] == "proportion")
    label = compile_label(use_case)
    return Metric(
        ViewPlan(view.view | {"features": [], "retractions": None}, label.fields), label, "", label.gap_ms, True
    )
