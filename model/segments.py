"""The measures by segment: a model that is right on average can be wrong for those one cares about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from measures import Estimate, Scored, quantiles
from numpy.typing import NDArray
from training_data import Slice

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
MOST_VALUES = 8
"""An input with more different values is cut at its quartiles."""
LEAST_ROWS = 30
SAMPLES = 200


def by_segment(
    test: Slice, score: Floats, threshold: float, names: list[str], words: dict[str, list[str]], *, seed: int
) -> list[dict[str, Any]]:
    """A row for each value, or quarter, of the inputs `names`.

    `words`: the values of enum inputs, which the rows hold by their index. `auc` is None where a segment has one kind
    of label; segments below 30 rows have counts alone, as their figures would be noise.
    """
    found = []
    for name in names:
        for value, mask in parts(test.columns([name])[:, 0], words.get(name)):
            found.append({"segment": name, "value": value} | _figures(test, score, threshold, mask, seed))
    return found


def parts(column: Floats, words: list[str] | None) -> Iterator[tuple[str, Mask]]:
    """Name and rows of each segment of an input; nulls are one of their own."""
    known = column[~np.isnan(column)]
    values = np.unique(known)
    if words is not None:
        for i in values.astype(int):
            yield words[i], column == i
    elif len(values) <= MOST_VALUES:
        for value in values:
            yield f"{value:g}", column == value
    else:
        cuts = np.unique(np.quantile(known, (0.25, 0.5, 0.75)))
        place = np.where(np.isnan(column), -1, np.searchsorted(cuts, column, "left"))
        ends = [values[0], *cuts, values[-1]]
        for i in range(len(cuts) + 1):
            word = f"up to {ends[1]:.4g}" if i == 0 else f"over {ends[i]:.4g}" if i == len(cuts) else None
            if (place == i).any():
                yield word or f"{ends[i]:.4g} to {ends[i + 1]:.4g}", place == i
    if len(known) < len(column):
        yield "null", np.isnan(column)


def _figures(test: Slice, score: Floats, threshold: float, mask: Mask, seed: int) -> dict[str, Any]:
    label, mine, entity = test.label[mask], score[mask], test.entity_id[mask]
    counts = {"rows": len(label), "entities": len(np.unique(entity)), "positives": int(label.sum())}
    if len(label) < LEAST_ROWS:
        return counts
    scored = Scored(label, mine, threshold)
    point = scored.named()
    codes = np.unique(entity, return_inverse=True)[1]
    count, random = int(codes.max()) + 1, np.random.default_rng(seed)
    draws = [
        scored.named(np.bincount(random.integers(0, count, count), minlength=count)[codes].astype(np.float64))["auc"]
        for _ in range(SAMPLES if point["auc"] is not None else 0)
    ]
    known = np.array([draw for draw in draws if draw is not None])
    return counts | {
        "base_rate": float(label.mean()),
        "mean_score": float(mine.mean()),
        "auc": Estimate(point["auc"], *quantiles(known)).json(),
        "brier": point["brier"],
        "scores_above_threshold": int((mine > threshold).sum()),
        "precision_above_threshold": point["precision_above_threshold"],
    }
