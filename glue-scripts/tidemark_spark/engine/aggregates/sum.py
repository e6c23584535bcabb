"""Sums of whole numbers, exact or nothing."""

from __future__ import annotations

from dataclasses import dataclass

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
from tidemark_spark.engine.frame import Selection, Windows
from tidemark_spark.engine.segments import prefix_sum
from tidemark_spark.engine.state.codec import signed, varint
from tidemark_spark.engine.values.decimals import MAX_EXACT


@dataclass(frozen=True)
class RunningSums:
    before: Ints
    """before[i] = sum of the values before position i, modulo 2^64."""
    rough: Floats | None
    """The same in floats, where it may leave the exact range."""

    @staticmethod
    def of(values: Ints) -> RunningSums:
        far = len(values) and max(int(values.max()), -int(values.min())) * len(values) > MAX_EXACT
        rough = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)]) if far else None
        return RunningSums(prefix_sum(values), rough)

    def within(self, start: Ints, end: Ints) -> tuple[Ints, Bools]:
        """Sums of [start, end), and which of them are within ±(2^53 − 1): beyond, the value is null."""
        total = self.before[end] - self.before[start]
        if self.rough is None:
            return total, np.ones(len(total), bool)
        # Far beyond 2^63 the integer difference could wrap back into range; the float one shows that.
        far = (np.abs(total) > MAX_EXACT) | (np.abs(self.rough[end] - self.rough[start]) > 2.0**62)
        return np.where(far, 0, total), ~far


def running(chosen: Selection) -> RunningSums:
    return chosen.once("sums", lambda: RunningSums.of(chosen.values))


def _cells(cut: Cut) -> list[bytes]:
    counts, sums = (cut.end - cut.begin).tolist(), np.add.reduceat(cut.values, cut.begin).tolist()
    return [varint(n) + signed(total) for n, total in zip(counts, sums, strict=True)]


SUMMED = PartialType("sum", _cells, Sums(parts=lambda value: (value,), mass=np.abs))


def _values(windows: Windows) -> Values:
    total, exact = running(windows.chosen).within(windows.start, windows.end)
    return total, windows.some & exact


SUM = Aggregation(SUMMED, _values)
