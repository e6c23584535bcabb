"""Population variance by exact integers: (n·Σv² − (Σv)²) / n², one correctly rounded division.

Squares of 31 bits don't fit sums of 53, so v = h·2^16 + l with 0 ≤ l < 2^16, as in core/partial-numbers.ts:
Σv² = Σh²·2^32 + Σh·l·2^17 + Σl², each sum exact for 2^20 events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MAX_SQUARED = 1 << 31
"""Larger values are refused where a view is declared."""


def parts_of_squares(values: Ints) -> tuple[Ints, Ints, Ints]:
    """h², h·l and l² of each value."""
    h, low = values >> 16, values & 0xFFFF
    return h * h, h * low, low * low


def variance(n: Ints, total: Ints, hh: Ints, hl: Ints, ll: Ints) -> NDArray[np.float64]:
    """From sums over n ≥ 1 events each; correctly rounded."""
    rough = (hh.astype(np.float64) * 2.0**32 + hl.astype(np.float64) * 2.0**17 + ll) * n
    # Both sides below 2^53 are exact in binary64, so their quotient is rounded right; beyond, Python's integers are.
    small = (rough < 2.0**52) & (n < 1 << 26)
    out = np.zeros(len(n), np.float64)
    m, s = n[small], total[small]
    squares = (hh[small] << 32) + (hl[small] << 17) + ll[small]
    out[small] = (m * squares - s * s).astype(np.float64) / (m * m).astype(np.float64)
    large = np.flatnonzero(~small)
    sums = zip(*(column[large].tolist() for column in (n, total, hh, hl, ll)), strict=True)
    out[large] = [(m * ((a << 32) + (b << 17) + c) - s * s) / (m * m) for m, s, a, b, c in sums]
    return out
