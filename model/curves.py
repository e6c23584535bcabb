"""What a score is worth along its whole range: calibration line, lift, precision and recall, and the day's best."""

from __future__ import annotations

from typing import Any

import numpy as np
from logistic import fit_logistic, sigmoid
from measures import BINS, Estimate, quantiles
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Entities = NDArray[np.str_]
POINTS = 60
SCORE_BINS = 20


def calibration_line(label: Ints, score: Floats, entity: Entities) -> dict[str, dict[str, float | None]]:
    """Cox's logistic regression of the label on the log-odds of the score: slope 1 and intercept 0 are calibrated.

    A slope below 1 means scores too far from the base rate. Intervals are at 95 % by the sandwich estimator with
    entities as clusters (Liang and Zeger 1986). All None when the scores do not vary.
    """
    p = np.clip(score, 1e-9, 1 - 1e-9)
    x = np.log(p) - np.log1p(-p)
    none = Estimate(None, None, None).json()
    if np.ptp(x) == 0:
        return {"intercept": none, "slope": none}
    weights = fit_logistic(x[:, None], label.astype(np.float64), ridge=1e-9)
    design = np.column_stack([np.ones(len(x)), x])
    fitted = sigmoid(design @ weights)
    bread = np.linalg.inv((design * (fitted * (1 - fitted))[:, None]).T @ design)
    codes = np.unique(entity, return_inverse=True)[1]
    gradient = design * (label - fitted)[:, None]
    by_entity = np.column_stack([np.bincount(codes, gradient[:, i]) for i in range(2)])
    spread = 1.96 * np.sqrt(np.diag(bread @ (by_entity.T @ by_entity) @ bread))
    return {
        name: Estimate(*(float(v) for v in (weights[i], weights[i] - spread[i], weights[i] + spread[i]))).json()
        for i, name in enumerate(("intercept", "slope"))
    }


def lift(label: Ints, score: Floats) -> list[dict[str, float]]:
    """Tenths of the rows by falling score: how often the label is 1 there, against everybody (`lift`), and the share of
    all positives in this tenth and those above (`gain`)."""
    order = np.argsort(-score, kind="stable")
    parts = np.array_split(label[order], min(BINS, len(label)))
    base, positives, found, rows = label.mean(), label.sum(), 0, []
    for number, part in enumerate(parts, 1):
        found += int(part.sum())
        rows.append(
            {
                "tenth": number,
                "rows": len(part),
                "rate": float(part.mean()),
                "lift": float(part.mean() / base),
                "gain": float(found / positives),
            }
        )
    return rows


def precision_recall(label: Ints, score: Floats) -> list[dict[str, float]]:
    """Up to 60 points of the curve by rising recall; equal scores are one point."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(label[order])
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    chosen = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(int))]
    return [
        {
            "threshold": float(score[order][i]),
            "recall": float(hits[i] / hits[-1]),
            "precision": float(hits[i] / (i + 1)),
        }
        for i in chosen
    ]


def distribution(label: Ints, score: Floats) -> list[dict[str, float]]:
    """Twenty bins of equal width over 0 to 1: rows with label 0 and with label 1."""
    place = np.minimum((score * SCORE_BINS).astype(int), SCORE_BINS - 1)
    return [
        {
            "from": i / SCORE_BINS,
            "to": (i + 1) / SCORE_BINS,
            "negatives": int(((place == i) & (label == 0)).sum()),
            "positives": int(((place == i) & (label == 1)).sum()),
        }
        for i in range(SCORE_BINS)
    ]


class Capacity:
    """The `per_day` highest scores of each instant, which is what a team of that size can act on."""

    def __init__(self, t: Ints, label: Ints, score: Floats, per_day: int) -> None:
        self._order = np.lexsort((-score, t))
        self._label = label[self._order].astype(np.float64)
        self._begins = np.flatnonzero(np.append(True, np.diff(t[self._order]) != 0))
        self._sizes = np.diff(np.append(self._begins, len(t)))
        self._per_day = per_day

    def measure(self, weights: Floats | None = None) -> Floats:
        """Precision and recall of those rows; a row of weight 2 counts twice."""
        w = np.ones(len(self._label)) if weights is None else weights[self._order]
        before = np.cumsum(w) - w
        before -= np.repeat(before[self._begins], self._sizes)
        taken = np.clip(self._per_day - before, 0.0, w)
        hits, positives = float((taken * self._label).sum()), float((w * self._label).sum())
        rows = float(taken.sum())
        return np.array([hits / rows if rows > 0 else np.nan, hits / positives if positives > 0 else np.nan])


def at_capacity(
    t: Ints, entity: Entities, label: Ints, score: Floats, per_day: int, *, seed: int, samples: int = 500
) -> dict[str, Any]:
    """Precision and recall of the `per_day` highest scores of each instant, with bootstrap intervals over entities."""
    best = Capacity(t, label, score, per_day)
    codes = np.unique(entity, return_inverse=True)[1]
    count, random = int(codes.max()) + 1, np.random.default_rng(seed)
    draws = np.array(
        [
            best.measure(np.bincount(random.integers(0, count, count), minlength=count)[codes].astype(np.float64))
            for _ in range(samples)
        ]
    )
    point = best.measure()
    names = ("precision", "recall")
    return {"per_day": per_day} | {
        name: Estimate(float(point[i]), *quantiles(draws[:, i])).json() for i, name in enumerate(names)
    }
