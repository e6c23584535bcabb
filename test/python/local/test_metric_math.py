"""Expressions of alarms against "Using math expressions with CloudWatch metrics"."""

import math

import jobs_support  # noqa: F401 makes tidemark_local importable
import pytest
from tidemark_local.cloudwatch.metric_math import MathError, parse, value_of


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("m1 + m2 * 2", 8.0),
        ("(m1 - m2) / m2", -1 / 3),
        ("ABS(m1 - m2)", 1.0),
        ("SQRT(m2 + 1)", 2.0),
        ("m2 > m1", 1.0),
        ("IF(m1 > 1 AND m2 >= 3, 10, 20)", 10.0),
        ("IF(m1 > 2 OR m2 > 3, 10, 20)", 20.0),
        ("IF(m1 > 2 || m2 == 3, 10, -m1)", 10.0),
    ],
)
def test_expressions(expression, value):
    found = value_of(parse(expression), {"m1": 2.0, "m2": 3.0})
    assert found is not None and math.isclose(found, value)


@pytest.mark.parametrize(
    "expression", ["m1 / (m2 - m2)", "m1 + missing", "IF(missing > 1 AND m1 > 5, 1, 0)", "SQRT(-m1)"]
)
def test_what_cannot_be_computed_is_no_datapoint(expression):
    assert value_of(parse(expression), {"m1": 2.0, "m2": 3.0, "missing": None}) is None


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("m1 +", "cannot be parsed"),
        ("FILL(m1, 0)", "does not know the function FILL"),
        ("__import__('os')", "__import__"),
    ],
)
def test_what_is_no_expression_here_is_refused(expression, sentence):
    with pytest.raises(MathError, match=sentence):
        parse(expression)
