"""The k-th smallest of any range of positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tidemark_spark.engine.segments import prefix_sum

Ints = NDArray[np.int64]


class Ranks:
    """A wavelet matrix (Claude, Navarro, Ordóñez, 2015): one step a bit of the number of different values."""

    def __init__(self, values: Ints) -> None:
        self._words, codes = np.unique(values, return_inverse=True)
        self._levels: list[tuple[int, Ints]] = []
        for bit in reversed(range(max(len(self._words) - 1, 0).bit_length())):
            zero = (codes >> bit) & 1 == 0
            self._levels.append((bit, prefix_sum(zero.astype(np.int64))))
            codes = np.concatenate([codes[zero], codes[~zero]])

    def smallest(self, start: Ints, end: Ints, k: Ints) -> Ints:
        """Of each [start, end) the k-th smallest, from 0; the ranges are not empty."""
        code = np.zeros(len(start), np.int64)
        for bit, zeros in self._levels:
            zeros_before, zeros_until = zeros[start], zeros[end]
            below = zeros_until - zeros_before
            low = k < below
            start = np.where(low, zeros_before, zeros[-1] + start - zeros_before)
            end = np.where(low, zeros_until, zeros[-1] + end - zeros_until)
            k = np.where(low, k, k - below)
            code |= np.where(low, 0, 1 << bit)
        return self._words[code]
