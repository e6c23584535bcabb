"""Single events, picked by the order (event_time, available_at, event_id), in which the log is sorted."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tidemark_spark.engine.aggregates.aggregation import Cut, Ints
from tidemark_spark.engine.state.codec import scalar, text, varint


def pick_bytes(cut: Cut, at: Ints, start: Ints) -> list[bytes]:
    """Of the events at these positions of the log; `start`: first instants of their tiles, ms."""
    log, column = cut.log, cut.column
    ids = log.texts("event_id", at).to_pylist()
    values: list[Any] = column.values[at].tolist()
    if column.words is not None:
        values = column.words.take(pa.array(column.values[at])).to_pylist()
    elif column.kind == "bool":
        values = [bool(v) for v in values]
    times = zip((log.time[at] - start).tolist(), (log.available[at] - log.time[at]).tolist(), strict=True)
    return [
        varint(since) + varint(lag) + text(event_id) + scalar(value)
        for (since, lag), event_id, value in zip(times, ids, values, strict=True)
    ]
