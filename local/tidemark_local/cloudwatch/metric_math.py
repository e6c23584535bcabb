"""Metric math, as alarms use it: one expression over statistics of metrics, period by period.

"Using math expressions with CloudWatch metrics"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html): arithmetic, comparisons, which
are 1 or 0, AND and OR, and the functions ABS, SQRT and IF. What an expression needs and a period lacks makes no
datapoint, and so does a division by zero.
"""

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

_OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
_COMPARISONS = {
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}
_FUNCTIONS = {"ABS": abs, "SQRT": math.sqrt, "IF": lambda condition, then, other: then if condition else other}


class MathError(ValueError):
    """An expression that the local cloud cannot compute. Names the part."""


def parse(expression: str) -> ast.expr:
    """Raises MathError for what is no expression, or is one of a function that is not here."""
    text = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", expression))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise MathError(
            f"Invalid metrics list: the expression {expression!r} cannot be parsed ({error.msg})."
        ) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node) not in _FUNCTIONS:
            raise MathError(f"The local cloud does not know the function {_name(node)} of metric math.")
    return tree.body


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else type(node.func).__name__


def value_of(node: ast.expr, values: Mapping[str, float | None]) -> float | None:
    """The expression's value in one period; None where a metric that it needs has none, or nothing can be computed."""
    try:
        return float(_value(node, values))
    except (ZeroDivisionError, OverflowError, _Missing):
        return None
    except ValueError:
        return None  # the root of a negative number


class _Missing(Exception):
    pass


def _value(node: ast.expr, values: Mapping[str, float | None]) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.Name):
        if node.id not in values:
            raise MathError(f"The expression names {node.id!r}, which is no Id of its metrics.")
        found = values[node.id]
        if found is None:
            raise _Missing
        return found
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        left, right = _value(node.left, values), _value(node.comparators[0], values)
        return int(_COMPARISONS[type(node.ops[0])](left, right))
    if isinstance(node, ast.BoolOp):
        # Every part is computed, as series are: a part without a datapoint makes the whole one without.
        parts = [bool(_value(part, values)) for part in node.values]
        return int(all(parts) if isinstance(node.op, ast.And) else any(parts))
    if isinstance(node, ast.Call):
        return _FUNCTIONS[_name(node)](*(_value(part, values) for part in node.args))
    raise MathError(f"The local cloud does not know {type(node).__name__} in metric math.")
