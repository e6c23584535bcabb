"""What became of entities at instants that somebody asks for: their label, where it is known by now."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tidemark_spark.engine.event_log import read_events
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.labels import Facts, LabelPlan
from tidemark_spark.engine.values.columns import codes_of

ASKED_SCHEMA = pa.schema([("row", pa.int64()), ("entity_id", pa.string()), ("t", pa.int64())])
FOUND_SCHEMA = pa.schema([("row", pa.int64()), ("label", pa.int32()), ("why", pa.string())])
"""`label` 1 or 0; null with the reason: `open` (its horizon is not over), `censored`, or `no_event`."""
FOUND_DDL = "row long, label int, why string"


def view_of_labels(view: ViewPlan, plan: LabelPlan) -> ViewPlan:
    """The view as it reads events where no feature is asked for."""
    return ViewPlan(view.view, plan.fields)


def labels_at(
    view: ViewPlan, plan: LabelPlan, events: pa.Table, asked: pa.Table, closed_until: int, unique: bool = False
) -> pa.Table:
    """FOUND_SCHEMA rows of those of ASKED_SCHEMA. An entity without events did nothing, and has a label, too.

    `view`: of `view_of_labels`. `closed_until` (ms): a label is known when t + horizon + maturity ≤ this.
    """
    ids = pa.chunked_array(
        [*events["entity_id"].cast(pa.string()).chunks, *asked["entity_id"].cast(pa.string()).chunks]
    )
    codes, words = codes_of(ids)
    log = read_events(view, events, codes[: len(events)], unique)
    facts = Facts(plan, log, len(words))
    entity, t = codes[len(events) :], asked["t"].to_numpy()
    label, answered = facts.labels(entity, t)
    why = np.full(len(t), None, object)
    for reason, missing in (
        ("no_event", ~answered),
        ("censored", facts.censored(entity, t)),
        ("open", t + plan.gap_ms > closed_until),
    ):
        why[missing] = reason
    known = pa.array(label.astype(np.int32), mask=np.array([one is not None for one in why], bool))
    return pa.table([asked["row"], known, pa.array(why, pa.string())], schema=FOUND_SCHEMA)
