"""Values of every feature of a view over sorted groups of events: design rules for windows, nulls and ties."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.table import aggregation
from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.frame import Frame, Groups, Ints
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.values.expressions import Column, evaluate
from tidemark_spark.engine.values.lists import Lists
from tidemark_spark.engine.view_values import ViewValues


def finalise(
    plan: ViewPlan, log: EventLog, groups: Groups, row_group: Ints, t: Ints, rows: Ints, out: ViewValues
) -> None:
    """Writes the features of rows (row_group, t) into positions `rows` of `out`."""
    frame = Frame(log, groups, row_group, t)
    named: dict[str, Column] = {}
    lists: dict[str, Lists] = {}
    for index, feature in enumerate(plan.features):
        if feature["kind"] == "derived":
            values, present = evaluate(feature["expr"], named, len(t), lists)
        else:
            values, present = aggregation(feature["op"]).values(frame.windows(feature))
        if isinstance(values, Lists):
            lists[feature["name"]] = values
        else:
            readable = present & (feature["value_type"] != "string")
            named[feature["name"]] = (values.astype(np.float64, copy=False), readable)
        out.write(index, rows, values, present)
