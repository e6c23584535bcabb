"""min and max."""

from __future__ import annotations

import numpy as np

from ...codec import signed
from ...segments import range_extreme
from .aggregation import Aggregation, PartialType


def _extreme(kind: str, pick: np.ufunc) -> Aggregation:
    return Aggregation(
        PartialType(kind, lambda cut: [signed(v) for v in pick.reduceat(cut.values, cut.begin).tolist()]),
        lambda windows: (range_extreme(windows.chosen.values, windows.start, windows.end, pick), windows.some),
    )


MIN = _extreme("min", np.minimum)
MAX = _extreme("max", np.maximum)
