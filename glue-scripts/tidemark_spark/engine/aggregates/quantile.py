"""Quantiles over log-linear buckets of whole numbers (core/aggregates/quantile.ts)."""

from __future__ import annotations

import numpy as np

from tidemark_spark.engine.aggregates.aggregation import Aggregation, Cut, Ints, PartialType, Values
from tidemark_spark.engine.frame import Selection, Windows
from tidemark_spark.engine.ranks import Ranks
from tidemark_spark.engine.state.codec import signed, varint

_PARTS = 10_000


def _bits_for(error: float) -> int:
    bits = 0
    while error * 2 ** (bits + 1) < 1:
        bits += 1
    return bits


def _buckets(values: Ints, bits: int) -> Ints:
    magnitude = np.abs(values)
    # Exact below 2^53: frexp says m·2^e with 1/2 ≤ m < 1.
    exponent = np.frexp(magnitude.astype(np.float64))[1].astype(np.int64) - 1
    shift = np.maximum(exponent - bits, 0)
    bucket = (shift << bits) + (magnitude >> shift)
    return np.where(values < 0, -bucket, bucket)


def _middles(buckets: Ints, bits: int) -> Ints:
    place = np.abs(buckets)
    shift = np.maximum((place >> bits) - 1, 0)
    middle = ((place - (shift << bits)) << shift) + (((1 << shift) - 1) >> 1)
    return np.where(buckets < 0, -middle, middle)


def _cells(cut: Cut) -> list[bytes]:
    buckets = _buckets(cut.values, _bits_for(cut.spec["error"]))
    cells = []
    for first, last in zip(cut.begin.tolist(), cut.end.tolist(), strict=True):
        found, counts = np.unique(buckets[first:last], return_counts=True)
        steps = [signed(int(found[0])), *(varint(step) for step in np.diff(found).tolist())]
        pairs = zip(steps, counts.tolist(), strict=True)
        cells.append(varint(len(found)) + b"".join(step + varint(n) for step, n in pairs))
    return cells


def _ranks(chosen: Selection, bits: int) -> Ranks:
    return chosen.once(f"ranks {bits}", lambda: Ranks(_buckets(chosen.values, bits)))


def _values(windows: Windows) -> Values:
    some, bits = windows.some, _bits_for(windows.feature["error"])
    out = np.zeros(len(some), np.int64)
    start, end = windows.start[some], windows.end[some]
    if len(start):
        rank = (round(windows.feature["q"] * _PARTS) * (end - start) + _PARTS - 1) // _PARTS
        out[some] = _middles(_ranks(windows.chosen, bits).smallest(start, end, rank - 1), bits)
    return out, some


QUANTILE = Aggregation(PartialType("quantile", _cells), _values)
