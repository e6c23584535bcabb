"""Expressions of the IR in IEEE-754 binary64, by the rules of core/values/expr.ts.

Null where an operand is null (except `coalesce`), at a division by zero, and where a result is not finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.engine.values.lists import Lists

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Column = tuple[Floats, Bools]
"""Values and where they are present; a value where it is not present means nothing."""


def evaluate(
    expr: dict[str, Any], columns: Mapping[str, Column], rows: int, lists: Mapping[str, Lists] | None = None
) -> Column:
    """The expression's column. Raises KeyError for a name that is not there, ValueError for an unknown op."""
    op = expr["op"]
    if "list" in expr:
        return _of_list(expr, (lists or {})[expr["list"]])
    if op == "ref":
        return columns[expr["name"]]
    if op == "const":
        return np.full(rows, float(expr["value"])), np.ones(rows, bool)
    left, has_left = evaluate(expr["left"], columns, rows, lists)
    right, has_right = evaluate(expr["right"], columns, rows, lists)
    if op == "coalesce":
        return np.where(has_left, left, right), has_left | has_right
    with np.errstate(all="ignore"):
        # + 0.0 turns -0.0 into 0.0: JSON can't carry the difference, so no engine may show it.
        value = _apply(op, left, right) + 0.0
    return value, has_left & has_right & np.isfinite(value)


def _of_list(expr: dict[str, Any], of: Lists) -> Column:
    """One number a row, taken in the order of its list, so that rounding is the same everywhere."""
    lengths, items = of.lengths, of.items.astype(np.float64)
    begin = np.cumsum(lengths) - lengths
    if expr["op"] == "at":
        present = lengths > expr["index"]
        return _placed(items, begin + expr["index"], present), present
    out = _placed(items, begin, lengths > 0)
    combine = {"min_of": np.minimum, "max_of": np.maximum}.get(expr["op"], np.add)
    for place in range(1, int(lengths.max(initial=0))):
        longer = lengths > place
        out[longer] = combine(out[longer], items[begin[longer] + place])
    if expr["op"] == "mean_of":
        out = out / np.maximum(lengths, 1)
    return out + 0.0, lengths > 0


def _placed(items: Floats, at: NDArray[np.int64], present: Bools) -> Floats:
    out = np.zeros(len(present), np.float64)
    out[present] = items[at[present]]
    return out


def evaluate_one(expr: dict[str, Any], values: Mapping[str, Any]) -> float | None:
    """The expression for one event; strings and nulls count as null, booleans as 1 or 0."""
    op = expr["op"]
    if op == "ref":
        value = values.get(expr["name"])
        return float(value) if isinstance(value, bool | int | float) else None
    if op == "const":
        return float(expr["value"])
    left, right = evaluate_one(expr["left"], values), evaluate_one(expr["right"], values)
    if op == "coalesce":
        return right if left is None else left
    if left is None or right is None:
        return None
    with np.errstate(all="ignore"):
        value = float(_apply(op, np.float64(left), np.float64(right)))
    return value if np.isfinite(value) else None


def _apply(op: str, left: Any, right: Any) -> Any:
    match op:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "mul":
            return left * right
        case "div":
            return np.where(right == 0, np.nan, left / right)
        case "min":
            return np.where(left < right, left, right)
        case "max":
            return np.where(left > right, left, right)
        case "gt":
            return np.where(left > right, 1.0, 0.0)
        case "gte":
            return np.where(left >= right, 1.0, 0.0)
        case "lt":
            return np.where(left < right, 1.0, 0.0)
        case "lte":
            return np.where(left <= right, 1.0, 0.0)
        case "eq":
            return np.where(left == right, 1.0, 0.0)
    raise ValueError(f"expression op: {op!r} is unknown to this engine. Deploy all engines from one commit.")
