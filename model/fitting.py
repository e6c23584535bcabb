"""From slices to a calibrated model: search, fit, calibrate; and the baseline that it has to stand up to.

The validation slice, later than the training slice, has two halves of different entities: `tuning` stops each fit and
judges the trials of the search, `calibrating` fits and chooses the calibration. Nothing is calibrated on rows that it
was chosen by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from calibration import Calibration
from choose_calibration import choose
from folds import folds
from frameworks import Fitted, framework, name_of
from leaks import shuffle
from logistic import Baseline, sigmoid
from measures import Scored, log_losses
from numpy.typing import NDArray
from search import Trial, search
from training_data import Slice

Floats = NDArray[np.float64]
LEAST_OF_A_KIND = 20
"""Rows of either label that a half needs; else both halves are the whole slice, which the card says."""
BLIND_ROWS = 5_000


@dataclass(frozen=True)
class Trained:
    """A fitted model, its calibration and how both were found, and the baseline."""

    fitted: Fitted
    calibration: Calibration
    baseline: Baseline
    parameters: dict[str, Any]
    """The hyperparameters that it was fitted with: those declared, or the best of the search."""
    trials: list[Trial]
    best: int
    chosen: dict[str, Any]
    """Why this calibration."""
    tuning: Slice
    calibrating: Slice

    def scores(self, rows: Slice) -> Floats:
        return self.calibration.apply(self.fitted.margins(rows.x))


def fit(model: dict[str, Any], train: Slice, validation: Slice) -> Trained:
    """Searches, fits by the framework of the model and calibrates; the baseline needs the training slice alone."""
    tuning, calibrating = halves(validation, model["seed"])
    of = framework(name_of(model))

    def attempt(parameters: dict[str, Any]) -> tuple[Fitted, float, float]:
        fitted = of.fit(model, train, tuning, parameters)
        score = sigmoid(fitted.margins(tuning.x))
        auc = Scored(tuning.label, score, 0.5).named()["auc"]
        return fitted, float(log_losses(tuning.label, score).mean()), float("nan") if auc is None else auc

    found = search(model["hyperparameters"], model.get("search"), attempt)
    chosen = choose(
        found.model.margins(calibrating.x),
        calibrating.label,
        calibrating.entity_id,
        wanted=model.get("calibration", "auto"),
        seed=model["seed"],
    )
    names = list(model["baseline_inputs"])
    baseline = Baseline.fit(train.columns(names), train.label.astype(np.float64))
    return Trained(
        found.model,
        chosen.calibration,
        baseline,
        found.parameters,
        found.trials,
        found.best,
        chosen.report,
        tuning,
        calibrating,
    )


def halves(validation: Slice, seed: int) -> tuple[Slice, Slice]:
    """(tuning, calibrating): halves by entity, or the whole slice twice where a half would have too few of a kind."""
    half = folds(validation.entity_id, 2, f"validation {seed}")
    parts = tuple(_rows(validation, half == i) for i in range(2))
    if any(min(part.label.sum(), len(part) - part.label.sum()) < LEAST_OF_A_KIND for part in parts):
        return validation, validation
    return parts[0], parts[1]


def blind_margins(model: dict[str, Any], trained: Trained, train: Slice, test: Slice, seed: int) -> Floats:
    """Margins on `test` of a model that learnt shuffled labels of up to 5,000 rows.

    Without monotone constraints: what may only point one way points there whatever the labels are.
    """
    few = max(1, len(train) // BLIND_ROWS)
    some = _rows(train, folds(train.entity_id, few, f"blind {seed}") == 0) if few > 1 else train
    parameters = {key: value for key, value in trained.parameters.items() if key not in ("increasing", "decreasing")}
    unbound = {**model, "hyperparameters": parameters}
    blind = framework(name_of(model)).fit(unbound, shuffle(some, seed), shuffle(trained.tuning, seed), parameters)
    return blind.margins(test.x)


def _rows(part: Slice, kept: NDArray[np.bool_]) -> Slice:
    return replace(part, entity_id=part.entity_id[kept], t=part.t[kept], label=part.label[kept], x=part.x[kept])
