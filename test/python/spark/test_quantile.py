"""What `quantile` promises: the ⌈q·n⌉-th smallest value, up to the declared relative error."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from test_states import plan_of, table_of
from test_sums import view_of

from tidemark_spark.engine.pit import point_in_time

MOST = 2**53 - 1
WHOLE = 10_000
"""A quantile has up to four decimals."""
# Often such as make q·n whole: there the rank is that number, and not the next.
PARTS = st.one_of(st.integers(1, WHOLE - 1), st.sampled_from([1000, 2500, 5000, 7500, 9000]))
T = 1_700_000_000_000
# Small ones, which are exact, those around powers of two, where buckets begin, and any.
NUMBERS = st.one_of(
    st.integers(-300, 300),
    st.builds(
        lambda e, by, sign: sign * min(2**e + by, MOST),
        st.integers(0, 53),
        st.integers(-2, 2),
        st.sampled_from([1, -1]),
    ),
    st.integers(-MOST, MOST),
)


def quantile_of(values: list[int], part: int, error: float) -> int:
    """Of one entity's events, as Spark reads it."""
    about: dict[str, Any] = {"kind": "aggregate", "name": "x", "description": "", "op": "quantile", "event_type": "buy"}
    about |= {"field": "amount", "where": [], "window_ms": None, "offset_ms": 0, "hop_ms": None, "cap": None, "k": None}
    about |= {"q": part / WHOLE, "error": error, "value_type": "int", "enum_values": None}
    events = [
        {
            "event_id": f"{n}",
            "entity_id": "ann",
            "event_type": "buy",
            "event_time": T - n - 1,
            "available_at": T - n - 1,
        }
        | {"shard_id": "s", "sequence_number": f"{n}", "properties": {"amount": value}}
        for n, value in enumerate(values)
    ]
    plan = plan_of(view_of({"features": [about]}), events)
    (value,) = point_in_time(plan, table_of(events), pa.table({"entity_id": ["ann"], "t": [T]}))["x"].to_pylist()
    return value


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40), PARTS, st.floats(0.001, 0.5))
def test_a_quantile_is_within_its_error(values: list[int], part: int, error: float) -> None:
    rank = -(-part * len(values) // WHOLE)
    exact = sorted(values)[rank - 1]
    found = quantile_of(values, part, error)
    assert abs(found - exact) <= error * abs(exact)
