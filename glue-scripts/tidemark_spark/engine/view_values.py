"""The values of a view while they are computed, and as the Arrow columns that come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.segments import expand
from tidemark_spark.engine.values.lists import Lists

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PAIR = pa.struct([("value", pa.string()), ("count", pa.int64())])
"""One entry of a histogram."""
ARROW_TYPE = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "ints": pa.list_(pa.int64()),
    "strings": pa.list_(pa.string()),
    "bools": pa.list_(pa.bool_()),
    "histogram": pa.list_(PAIR),
}
"""Arrow type of a feature's column by its `value_type`."""
_ITEM = {"ints": "int", "strings": "string", "bools": "bool", "histogram": "string"}


@dataclass
class ViewValues:
    """One value and one presence flag a row and feature; strings as codes into `words`, lists by their length."""

    plan: ViewPlan
    values: list[NDArray[Any]]
    present: list[Bools]
    words: list[pa.Array | None]
    lists: dict[int, list[tuple[Ints, Lists]]] = field(default_factory=dict)

    @staticmethod
    def empty(plan: ViewPlan, log: EventLog, rows: int) -> ViewValues:
        values: list[NDArray[Any]] = []
        words: list[pa.Array | None] = []
        for feature in plan.features:
            kind = feature["value_type"]
            values.append(np.zeros(rows, np.float64 if kind == "float" else np.int64))
            text = kind == "string" or _ITEM.get(kind) == "string"
            words.append(log.properties[feature["event_type"], feature["field"]].words if text else None)
        return ViewValues(plan, values, [np.zeros(rows, bool) for _ in plan.features], words)

    def write(self, index: int, rows: Ints, values: NDArray[Any] | Lists, present: Bools) -> None:
        """The values of feature `index` at positions `rows`, each of which is written once."""
        self.present[index][rows] = present
        if isinstance(values, Lists):
            self.values[index][rows] = values.lengths
            self.lists.setdefault(index, []).append((rows, values))
        else:
            self.values[index][rows] = values

    def table(self, order: Ints) -> pa.Table:
        """As Arrow columns, row i from position order[i]."""
        columns: list[pa.Array] = []
        for index, feature in enumerate(self.plan.features):
            value, missing = self.values[index][order], ~self.present[index][order]
            if feature["value_type"] in _ITEM:
                columns.append(self._list_column(index, feature["value_type"], order, value, missing))
            else:
                columns.append(_column(feature["value_type"], value, missing, self.words[index]))
        return pa.table(columns, names=[f["name"] for f in self.plan.features])

    def _list_column(self, index: int, kind: str, order: Ints, lengths: Ints, missing: Bools) -> pa.Array:
        parts = self.lists.get(index, [])
        begin = np.zeros(len(order), np.int64)
        before = 0
        for rows, part in parts:
            begin[rows] = before + np.cumsum(part.lengths) - part.lengths
            before += len(part.items)
        lengths = np.where(missing, 0, lengths)
        at, _ = expand(begin[order], lengths)
        items = _joined([part.items for _, part in parts])[at]
        values = _column(_ITEM[kind], items, np.zeros(len(items), bool), self.words[index])
        if kind == "histogram":
            counts = _joined([part.counts for _, part in parts if part.counts is not None])[at]
            values = pa.StructArray.from_arrays([values, pa.array(counts)], fields=list(PAIR))
        offsets = np.zeros(len(order) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        return pa.ListArray.from_arrays(pa.array(offsets), values, ARROW_TYPE[kind], mask=pa.array(missing))


def _column(kind: str, value: NDArray[Any], missing: Bools, words: pa.Array | None) -> pa.Array:
    if kind == "string":
        codes = pa.array(value, pa.int64(), mask=missing)
        known = words if words is not None else pa.array([], pa.string())
        return known.take(codes).cast(pa.string()) if len(known) else pa.nulls(len(value), pa.string())
    if kind == "bool":
        value = value.astype(bool)
    return pa.array(value, ARROW_TYPE[kind], mask=missing)


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
