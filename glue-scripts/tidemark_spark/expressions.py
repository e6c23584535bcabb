"""Expressions of the IR in IEEE-754 binary64, by the rules of core/expr.ts.

Null where an operand is null (except `coalesce`), at a division by zero, and where a result is not finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Column = tuple[Floats, Bools]
"""Values and where they are present; a value where it is not present means nothing."""


def evaluate(expr: dict[str, Any], columns: Mapping[str, Column], rows: int) -> Column:
    """The expression's column. Raises KeyError for a name that is not in `columns`, ValueError for an unknown op."""
    op = expr["op"]
    if op == "ref":
        return columns[expr["name"]]
    if op == "const":
        return np.full(rows, float(expr["value"])), np.ones(rows, bool)
    left, has_left = evaluate(expr["left"], columns, rows)
    right, has_right = evaluate(expr["right"], columns, rows)
    if op == "coalesce":
        return np.where(has_left, left, right), has_left | has_right
    with np.errstate(all="ignore"):
        # + 0.0 turns -0.0 into 0.0: JSON can't carry the difference, so no engine may show it.
        value = _apply(op, left, right) + 0.0
    return value, has_left & has_right & np.isfinite(value)


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
