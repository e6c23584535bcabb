"""Boosts trees until the validation slice stops improving."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from training_data import Slice

from frameworks.parameters import check_names, directions

Floats = NDArray[np.float64]

_BOOSTER_PARAMETERS = (
    "max_depth",
    "eta",
    "subsample",
    "colsample_bytree",
    "min_child_weight",
    "reg_lambda",
    "reg_alpha",
    "gamma",
    "max_bin",
)
_OTHER = ("num_boost_round", "early_stopping_rounds", "increasing", "decreasing", "nthread")


@dataclass(frozen=True)
class FittedTrees:
    """The booster up to its best round."""

    booster: xgb.Booster

    @property
    def details(self) -> dict[str, Any]:
        return {"rounds": self.booster.num_boosted_rounds()}

    def margins(self, x: Floats) -> Floats:
        """Log-odds before calibration, [rows]."""
        data = xgb.DMatrix(x, feature_names=self.booster.feature_names)
        return self.booster.predict(data, output_margin=True).astype(np.float64)

    def save(self, folder: Path) -> None:
        """model.ubj is served by the container; model.json is the same trees for whoever walks them without XGBoost."""
        self.booster.save_model(folder / "model.ubj")
        self.booster.save_model(folder / "model.json")


def fit(model: dict[str, Any], train: Slice, validation: Slice, parameters: dict[str, Any]) -> FittedTrees:
    """Raises TrainingDataError for a parameter it doesn't know."""
    inputs = list(model["inputs"])
    grown = xgb.train(
        booster_parameters(model, parameters),
        xgb.DMatrix(train.x, label=train.label, feature_names=inputs),
        num_boost_round=int(parameters.get("num_boost_round", 1000)),
        evals=[(xgb.DMatrix(validation.x, label=validation.label, feature_names=inputs), "validation")],
        early_stopping_rounds=int(parameters.get("early_stopping_rounds", 50)),
        verbose_eval=False,
    )
    return FittedTrees(grown[: grown.best_iteration + 1])


def versions() -> dict[str, str]:
    return {"xgboost": xgb.__version__}


def booster_parameters(model: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """XGBoost's parameters. Raises TrainingDataError for one it doesn't know."""
    check_names(given, (*_BOOSTER_PARAMETERS, *_OTHER))
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "seed": model["seed"],
        # Threads add gradients in another order, and other bytes come out: one, unless the use case asks for speed.
        "nthread": given.get("nthread", 1),
        "monotone_constraints": tuple(directions(model, given)),
        **{name: given[name] for name in _BOOSTER_PARAMETERS if name in given},
    }
