"""The summary of a tenth of CDNOW's customers that comes with the data, made again by our features."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pyarrow as pa
from data_set import canonical_events
from packages import read_packaged

from tidemark_spark.engine.ir import compile_view, view_named
from tidemark_spark.engine.pit import point_in_time

DAY = 86_400_000
WEEK = 7 * DAY
END = 875_664_000_000
"""1997-10-01T00:00:00Z: 39 weeks of purchases lie before it."""
Summary = tuple[int, float, float]


def given() -> dict[str, Summary]:
    """Customer → days of repeat purchases, recency and T in weeks, as the package has them, with two decimals."""
    lines = read_packaged("lifetimes", "cdnow_customers_summary.csv").decode().splitlines()[1:]
    cells = (line.split(",") for line in lines if line.strip())
    return {f"{int(who):04d}": (int(x), float(recency), float(t)) for who, x, recency, t in cells}


def ours(use_case: dict[str, Any], events: pa.Table) -> dict[str, Summary]:
    """The same from the features of the use case. T ends with the last day before END."""
    view = compile_view(use_case, view_named(use_case, "cdnow"))
    who = events["entity_id"].unique()
    spine = pa.table({"entity_id": who, "t": pa.array([END] * len(who), pa.int64())})
    rows = point_in_time(view, events, spine).select(["days", "since_first", "since_last"]).to_pylist()
    return {
        one: (
            row["days"] - 1,
            round((row["since_first"] - row["since_last"]) / WEEK, 2),
            round((row["since_first"] - DAY) / WEEK, 2),
        )
        for one, row in zip(who.to_pylist(), rows, strict=True)
    }


def reproduced(use_case: dict[str, Any], loader: ModuleType) -> str:
    """A sentence. Raises AssertionError, with a customer, where one differs."""
    wanted, found = given(), ours(use_case, canonical_events(use_case, loader.sample_events()))
    different = [who for who in wanted.keys() | found.keys() if wanted.get(who) != found.get(who)]
    if different:
        first = min(different)
        raise AssertionError(
            f"{len(different)} of {len(wanted)} customers differ: {first} has {found.get(first)}, "
            f"the package says {wanted.get(first)}"
        )
    return f"Frequency, recency and T of all {len(wanted):,} customers of the package's own summary come out the same."
