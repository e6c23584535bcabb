"""Histogram gradient boosting until the validation slice stops improving."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits
from training_data import Slice

from frameworks import trees
from frameworks.background import write_background
from frameworks.parameters import check_names, directions

Floats = NDArray[np.float64]
_DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.05,
    "max_iter": 1000,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "max_features": 1.0,
    "early_stopping_rounds": 50,
}


@dataclass(frozen=True)
class FittedBoosting:
    """See `frameworks.Fitted`."""

    trees: list[trees.Tree]
    base: float
    train: Slice
    boosting: HistGradientBoostingClassifier

    @property
    def details(self) -> dict[str, Any]:
        return {"rounds": len(self.trees)}

    def margins(self, x: Floats) -> Floats:
        # What serves gets float32, and a threshold may lie between a number and its float32.
        return self.boosting.decision_function(x.astype(np.float32).astype(np.float64))

    def save(self, folder: Path) -> None:
        graph = trees.to_onnx(self.trees, len(self.train.inputs), self.base, "BRANCH_LEQ")
        (folder / "model.onnx").write_bytes(graph)
        write_background(folder, self.train)


def fit(model: dict[str, Any], train: Slice, validation: Slice, parameters: dict[str, Any]) -> FittedBoosting:
    """Raises TrainingDataError for a parameter it doesn't know."""
    check_names(parameters, (*_DEFAULTS, "increasing", "decreasing"))
    given = _DEFAULTS | {name: value for name, value in parameters.items() if name in _DEFAULTS}
    patience = int(given.pop("early_stopping_rounds"))
    boosting = HistGradientBoostingClassifier(
        **given,
        monotonic_cst=directions(model, parameters),
        early_stopping=True,
        n_iter_no_change=patience,
        tol=0.0,
        random_state=int(model["seed"]),
    )
    # Threads add gradients in another order, and other bytes come out.
    with threadpool_limits(1):
        boosting.fit(train.x, train.label, X_val=validation.x, y_val=validation.label)
    _cut(boosting)
    grown = [_tree(predictor.nodes) for (predictor,) in boosting._predictors]
    return FittedBoosting(grown, float(np.ravel(boosting._baseline_prediction)[0]), train, boosting)


def _cut(boosting: HistGradientBoostingClassifier) -> None:
    """Drops the trees after the round that was best on the validation slice."""
    best = int(np.argmax(boosting.validation_score_))
    del boosting._predictors[max(best, 1) :]


def _tree(nodes: NDArray[np.void]) -> trees.Tree:
    """A node of scikit-learn goes left at or below its threshold."""
    leaf = nodes["is_leaf"].astype(bool)
    value = np.where(leaf, nodes["value"], 0).astype(np.float32)
    return trees.Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        value=np.where(leaf, value, trees.below(nodes["num_threshold"].astype(np.float64))),
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        null_left=nodes["missing_go_to_left"].astype(bool),
        leaf=leaf,
    )


def versions() -> dict[str, str]:
    return {"scikit-learn": sklearn.__version__}
