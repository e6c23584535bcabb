"""Expressions of the IR over whole columns: IEEE-754 binary64, null when an operand is null or the divisor is 0."""

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
    present = has_left & has_right
    if op == "div":
        present = present & (right != 0)
    with np.errstate(all="ignore"):
        return _apply(op, left, right), present


def _apply(op: str, left: Floats, right: Floats) -> Floats:
    match op:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "mul":
            return left * right
        case "div":
            return left / right
        case "min":
            return np.minimum(left, right)
        case "max":
            return np.maximum(left, right)
        case "gt":
            return (left > right).astype(np.float64)
        case "gte":
            return (left >= right).astype(np.float64)
        case "lt":
            return (left < right).astype(np.float64)
        case "lte":
            return (left <= right).astype(np.float64)
        case "eq":
            return (left == right).astype(np.float64)
    raise ValueError(f"expression op: {op!r} is unknown to this engine. Deploy all engines from one commit.")
