"""How good scores are: ranking, calibration and the alerts they would raise, each with a bootstrap interval.

Every measure takes row weights, so that a bootstrap sample is a vector of counts and nothing is sorted twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAMES = (
    "auc",
    "average_precision",
    "brier",
    "calibration_error",
    "scores_above_threshold",
    "precision_above_threshold",
)
BINS = 10


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % percentile interval; None where it is not defined (no score above the threshold)."""

    value: float | None
    low: float | None
    high: float | None

    def json(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


class Scored:
    """Scores with their labels, sorted once. `measure(weights)` gives all measures in the order of NAMES."""

    def __init__(self, label: Ints, score: Floats, threshold: float) -> None:
        self._order = np.argsort(score, kind="stable")
        self._score, self._label = score[self._order], label[self._order].astype(np.float64)
        rows = len(score)
        # Ends of runs of equal scores: ties must not depend on the order of rows.
        self._ends = np.flatnonzero(np.append(self._score[1:] != self._score[:-1], True))
        self._above = int(np.searchsorted(self._score, threshold, "right"))
        self._bin = np.minimum(np.arange(rows) * BINS // max(rows, 1), BINS - 1)

    def measure(self, weights: Floats | None = None) -> Floats:
        w = np.ones(len(self._score)) if weights is None else weights[self._order]
        positive = w * self._label
        tp, total = np.cumsum(positive)[self._ends], np.cumsum(w)[self._ends]
        pos, rows = tp[-1], total[-1]
        run_pos, run_neg = np.diff(tp, prepend=0.0), np.diff(total - tp, prepend=0.0)
        neg_below = (total - tp) - run_neg
        auc = np.sum(run_pos * (neg_below + run_neg / 2)) / (pos * (rows - pos)) if 0 < pos < rows else np.nan
        above_pos, above = pos - tp + run_pos, rows - total + np.diff(total, prepend=0.0)
        precision = np.divide(above_pos, above, out=np.zeros_like(above), where=above > 0)
        average = np.sum(run_pos * precision) / pos if pos > 0 else np.nan
        brier = np.sum(w * (self._score - self._label) ** 2) / rows
        gap = np.bincount(self._bin, w * (self._score - self._label), BINS)
        alerts = w[self._above :].sum()
        hit = positive[self._above :].sum() / alerts if alerts > 0 else np.nan
        return np.array([auc, average, brier, np.abs(gap).sum() / rows, alerts, hit])

    def named(self, weights: Floats | None = None) -> dict[str, float | None]:
        """As `measure`, by name; None where a measure is not defined."""
        return {
            name: None if np.isnan(value) else float(value)
            for name, value in zip(NAMES, self.measure(weights), strict=True)
        }

    def reliability(self) -> list[dict[str, float]]:
        """Ten bins of equally many rows by rising score: mean score, observed rate, rows."""
        rows = np.bincount(self._bin, minlength=BINS)
        score = np.bincount(self._bin, self._score, BINS)
        label = np.bincount(self._bin, self._label, BINS)
        return [
            {"rows": int(n), "score": float(s / n), "observed": float(y / n)}
            for n, s, y in zip(rows, score, label, strict=True)
            if n
        ]


def log_losses(label: Ints, score: Floats) -> Floats:
    """-log of the probability that each row's label was given; scores stay off 0 and 1 by 1e-15."""
    p = np.clip(score, 1e-15, 1 - 1e-15)
    return -np.where(label == 1, np.log(p), np.log1p(-p))


def standard_error(value: Floats, entity: NDArray[np.str_]) -> float:
    """Of the mean of `value`, whose rows are independent between entities only."""
    codes = np.unique(entity, return_inverse=True)[1]
    return float(np.sqrt(np.sum(np.bincount(codes, value - value.mean()) ** 2)) / len(value))


def compare(
    entity: NDArray[np.str_],
    label: Ints,
    model: Floats,
    baseline: Floats,
    threshold: float,
    *,
    samples: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Measures of both and of their difference (model minus baseline), with intervals.

    Entities are drawn with replacement, not rows: the rows of one household are not independent. The same draw serves
    both, so the difference is paired. The calibration error is the mean distance of score and observed rate over ten
    bins of equally many rows; its bootstrap is biased upwards, as even a perfect model has some in a sample.
    """
    first, second = Scored(label, model, threshold), Scored(label, baseline, threshold)
    codes = np.unique(entity, return_inverse=True)[1]
    count = int(codes.max()) + 1
    random = np.random.default_rng(seed)
    draws = np.empty((samples, 2, len(NAMES)))
    for i in range(samples):
        weights = np.bincount(random.integers(0, count, count), minlength=count)[codes].astype(np.float64)
        draws[i] = first.measure(weights), second.measure(weights)
    points = first.measure(), second.measure()
    return {
        "model": _estimates(points[0], draws[:, 0]),
        "baseline": _estimates(points[1], draws[:, 1]),
        "difference": _estimates(points[0] - points[1], draws[:, 0] - draws[:, 1]),
    }


def quantiles(draws: Floats) -> tuple[float | None, float | None]:
    """Ends of the 95 % interval; None where no draw has the measure."""
    known = draws[~np.isnan(draws)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _estimates(point: Floats, draws: Floats) -> dict[str, Estimate]:
    found = {}
    for i, name in enumerate(NAMES):
        found[name] = Estimate(None if np.isnan(point[i]) else float(point[i]), *quantiles(draws[:, i]))
    return found
