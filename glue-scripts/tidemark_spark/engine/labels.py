"""What a label says of rows (entity, t): who is eligible, whose label is known, and whether it is 1 or 0.

Whether an entity is eligible is answered as of t. The label itself is a fact of the future, read from everything that
is known when the training set is made: late events count where they happened, and an event that was retracted, whenever
that became known, did not happen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.ir import field_kinds
from tidemark_spark.engine.segments import TimeAxis, prefix_sum
from tidemark_spark.engine.state.retractions import read_retractions
from tidemark_spark.engine.values.columns import FieldKind, PropertyColumn, matching

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class LabelPlan:
    """The label of a use case with what its evaluation reads: retraction rules, and `fields` as of a ViewPlan."""

    label: dict[str, Any]
    rules: list[dict[str, str]]
    fields: dict[str, dict[str, FieldKind]]

    @property
    def event_types(self) -> list[str]:
        """The event types that decide which rows there are and their labels, sorted."""
        return sorted(self.fields)

    @property
    def reads_ids(self) -> bool:
        """Event ids are what retractions name, and order the events of one instant."""
        return bool(self.rules) or self.label["kind"] == "category"

    @property
    def gap_ms(self) -> int:
        """How long after t a label can be used."""
        return self.label["horizon_ms"] + self.label.get("maturity_ms", 0)


def compile_label(use_case: dict[str, Any]) -> LabelPlan:
    """The plan of the use case's label."""
    label, kinds = use_case["label"], field_kinds(use_case)
    of, censor = label["event_type"], label.get("censor")
    types = {of, label["eligible"]["event_type"], *([censor["event_type"]] if censor else [])}
    rules = {
        contract["event_type"]: {
            "event_type": contract["event_type"],
            "field": contract["retracts"]["field"],
            "of": contract["retracts"]["event_type"],
        }
        for contract in use_case["contracts"]
        if contract.get("retracts") and contract["retracts"]["event_type"] in types
    }
    fields: dict[str, dict[str, FieldKind]] = {event_type: {} for event_type in types | set(rules)}
    for name in [*(p["field"] for p in label["where"]), *([label["field"]] if "field" in label else [])]:
        fields[of][name] = kinds[of, name]
    for name, rule in rules.items():
        fields[name][rule["field"]] = kinds[name, rule["field"]]
    return LabelPlan(label, [rules[name] for name in sorted(rules)], fields)


class Facts:
    """The events of `log` that a label looks at, once each."""

    def __init__(self, plan: LabelPlan, log: EventLog, entities: int) -> None:
        self._plan, self._log, self._entities = plan, log, entities
        self._axis = TimeAxis(max(1, entities), log.time)
        retractions = read_retractions(plan.rules, log)
        by = np.full(len(log), -1, np.int64) if retractions is None else retractions.by
        self._cancelled_at = np.where(by >= 0, np.maximum(log.available, log.time)[by], NEVER)
        """From when on (ms, exclusive) rows know that an event was retracted."""

    def known(self, types: list[str], instants: Ints) -> Bools:
        """[entities, instants]: where an event of these types was known before the instant."""
        at = np.flatnonzero(self._log.first & np.logical_or.reduce([self._log.is_type(one) for one in types]))
        return self._covered(at, np.full(len(at), NEVER), instants)

    def eligible(self, instants: Ints) -> Bools:
        """[entities, instants]: where an eligible event was known before the instant, and no retraction of it."""
        eligible = self._plan.label["eligible"]
        at = np.flatnonzero(self._log.first & self._log.is_type(eligible["event_type"]))
        until = self._cancelled_at[at]
        if "within_ms" in eligible:
            until = np.minimum(until, self._log.time[at] + eligible["within_ms"])
        return self._covered(at, until, instants)

    def _covered(self, at: Ints, until: Ints, instants: Ints) -> Bools:
        """Where an instant lies after one of the events at `at` became known and past, and not after its `until`."""
        since = np.maximum(self._log.available, self._log.time)[at]
        low = np.searchsorted(instants, since, "right")
        high = np.maximum(low, np.searchsorted(instants, until, "right"))
        width = len(instants) + 1
        row, size = self._log.entity[at] * width, self._entities * width
        steps = np.bincount(row + low, minlength=size) - np.bincount(row + high, minlength=size)
        return np.cumsum(steps.reshape(self._entities, width), axis=1)[:, :-1] > 0

    def censored(self, entity: Ints, t: Ints) -> Bools:
        """Rows with an event in their horizon that ends what can be seen of the entity."""
        censor = self._plan.label.get("censor")
        if censor is None:
            return np.zeros(len(t), bool)
        _, start, end = self._inside(self._log.is_type(censor["event_type"]), entity, t)
        return end > start

    def labels(self, entity: Ints, t: Ints) -> tuple[Bools, Bools]:
        """The label of each row, and where there is one: a category may ask for an event."""
        label = self._plan.label
        at, start, end = self._inside(self._matching(), entity, t)
        some, everywhere = end > start, np.ones(len(t), bool)
        match label["kind"]:
            case "no_event":
                return ~some, everywhere
            case "event":
                return some, everywhere
            case "sum":
                sums = prefix_sum(self._column().values[at])
                total = sums[end] - sums[start]
                return (total >= label["at_least"] if "at_least" in label else total < label["below"]), everywhere
            case "category":
                wanted = np.append(_is_one_of(self._column(), label["values"])[at], False)
                return some & wanted[start], some if label.get("when_none") == "drop" else everywhere
        raise ValueError(
            f"label.kind: {label['kind']!r} is unknown to this engine. Deploy all engines from one commit."
        )

    def _inside(self, events: Bools, entity: Ints, t: Ints) -> tuple[Ints, Ints, Ints]:
        """The positions of those events that happened, and of each row's horizon among them [start, end)."""
        log = self._log
        at = np.flatnonzero(events & log.first & (self._cancelled_at == NEVER))
        key = self._axis.key(log.entity[at], log.time[at])
        start = np.searchsorted(key, self._axis.key(entity, t), "left")
        end = np.searchsorted(key, self._axis.key(entity, t + self._plan.label["horizon_ms"]), "left")
        return at, start, end

    def _matching(self) -> Bools:
        label, log = self._plan.label, self._log
        columns = {p["field"]: log.properties[label["event_type"], p["field"]] for p in label["where"]}
        mask = log.is_type(label["event_type"]) & matching(label["where"], columns, len(log))
        return mask & self._column().present if "field" in label else mask

    def _column(self) -> PropertyColumn:
        return self._log.properties[self._plan.label["event_type"], self._plan.label["field"]]


def _is_one_of(column: PropertyColumn, values: list[str]) -> Bools:
    if column.words is None or not len(column.words):
        return np.zeros(len(column.values), bool)
    wanted = pc.is_in(column.words, value_set=pa.array(values, column.words.type))
    return wanted.to_numpy(zero_copy_only=False)[column.values]


def sampled(sampling: dict[str, Any], entity_ids: list[str], t: Ints) -> Bools:
    """Which rows are drawn: the first 8 bytes of sha256("<seed>:<t>:<entity_id>") are below `fraction` of 2^64."""
    bound = int(sampling["fraction"] * 2**64)
    texts = (f"{sampling['seed']}:{when}:{who}" for who, when in zip(entity_ids, t.tolist(), strict=True))
    drawn = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") < bound for text in texts)
    return np.fromiter(drawn, bool, len(t))
