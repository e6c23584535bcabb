"""Population variance by exact integers: (n·Σv² − (Σv)²) / n², one correctly rounded division.

Squares of 31 bits don't fit sums of 53, so v = h·2^16 + l with 0 ≤ l < 2^16, as in core/aggregates/variance.ts:
Σv² = Σh²·2^32 + Σh·l·2^17 + Σl², each sum exact for 2^20 events.
"""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import (
    Aggregation,
    Bools,
    Cut,
    Floats,
    Ints,
    PartialType,
    Sums,
    Values,
)
from tidemark_spark.engine.aggregates.sum import RunningSums
from tidemark_spark.engine.frame import Windows
from tidemark_spark.engine.segments import prefix_sum
from tidemark_spark.engine.state.codec import signed, varint

MAX_SQUARED = 1 << 31
"""Larger values are refused where a view is declared."""


def parts_of_squares(values: Ints) -> tuple[Ints, Ints, Ints]:
    """h², h·l and l² of each value."""
    h, low = values >> 16, values & 0xFFFF
    return h * h, h * low, low * low


def _cells(cut: Cut) -> list[bytes]:
    parts = (cut.values, *parts_of_squares(cut.values))
    sums = [(cut.end - cut.begin).tolist(), *(np.add.reduceat(part, cut.begin).tolist() for part in parts)]
    return [
        varint(n) + signed(total) + varint(hh) + signed(hl) + varint(ll)
        for n, total, hh, hl, ll in zip(*sums, strict=True)
    ]


def _parts(value: int) -> tuple[int, ...]:
    high, low = value >> 16, value & 0xFFFF
    return (value, high * high, high * low, low * low)


def _mass(values: Floats) -> Floats:
    high = np.floor(values / 0x10000)
    return np.maximum(np.maximum(np.abs(values), high * high), np.maximum(np.abs(high) * 0x10000, 2.0**32))


MOMENTS = PartialType("variance", _cells, Sums(_parts, _mass))


def moments(windows: Windows) -> tuple[list[Ints], Bools]:
    """n, Σv, Σh², Σh·l and Σl² of each row, and where all of them are exact; n is 1 in an empty window."""
    values = windows.chosen.values
    # The parts of larger values' squares don't fit 64 bits; contracts refuse such values.
    large = np.abs(values) > MAX_SQUARED
    fitting = np.where(large, 0, values) if large.any() else values
    sums = [RunningSums.of(part).within(windows.start, windows.end) for part in (fitting, *parts_of_squares(fitting))]
    exact = np.logical_and.reduce([within for _, within in sums])
    if large.any():
        before = prefix_sum(large.astype(np.int64))
        exact &= before[windows.end] == before[windows.start]
    n = np.maximum(windows.end - windows.start, 1)
    return [n, *(total for total, _ in sums)], windows.some & exact


def quotient(n: Ints, total: Ints, hh: Ints, hl: Ints, ll: Ints, divisor: Ints) -> Floats:
    """(n·Σv² − (Σv)²) / (n·divisor) from sums over n ≥ 1 events each; correctly rounded."""
    rough = (hh.astype(np.float64) * 2.0**32 + hl.astype(np.float64) * 2.0**17 + ll) * n
    # Both sides below 2^53 are exact in binary64, so their quotient is rounded right; beyond, Python's integers are.
    small = (rough < 2.0**52) & (n < 1 << 26)
    out = np.zeros(len(n), np.float64)
    m, s, d = n[small], total[small], divisor[small]
    squares = (hh[small] << 32) + (hl[small] << 17) + ll[small]
    out[small] = (m * squares - s * s).astype(np.float64) / (m * d).astype(np.float64)
    large = np.flatnonzero(~small)
    sums = zip(*(column[large].tolist() for column in (n, total, hh, hl, ll, divisor)), strict=True)
    out[large] = [(m * ((a << 32) + (b << 17) + c) - s * s) / (m * d) for m, s, a, b, c, d in sums]
    return out


def _values(windows: Windows) -> Values:
    (n, *sums), exact = moments(windows)
    return quotient(n, *sums, divisor=n), exact


VARIANCE = Aggregation(MOMENTS, _values)
