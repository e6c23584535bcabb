"""Lists of values as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass
class Lists:
    """A list of items for some rows, the items of one row after those of the one before; `counts` in histograms."""

    lengths: Ints
    items: Ints
    counts: Ints | None = None
