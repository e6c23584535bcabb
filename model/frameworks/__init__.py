"""What a framework gives: a folder of its name with `train.py`, whose `fit` returns a `Fitted`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from training_data import Slice, TrainingDataError

Floats = NDArray[np.float64]


class Fitted(Protocol):
    """A model that was fitted: what it scores, and the files it is served from."""

    @property
    def details(self) -> dict[str, Any]:
        """What the fit found out by itself, e.g. the number of rounds; numbers and texts for the manifest."""
        ...

    def margins(self, x: Floats) -> Floats:
        """Log-odds before calibration of [rows, inputs] with NaN for null: [rows]."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the files that decide a score. Same fit, same bytes; nothing that could run code when it is read."""
        ...


class Framework(Protocol):
    """`frameworks/<name>/train.py`."""

    def fit(self, model: dict[str, Any], train: Slice, validation: Slice, parameters: dict[str, Any]) -> Fitted:
        """`model`: the section of the use case; `parameters`: its hyperparameters, or those of a trial.

        Fits on `train` and stops by `validation`. Raises TrainingDataError for a parameter it doesn't know.
        """
        ...

    def versions(self) -> dict[str, str]:
        """Of the libraries that decided the result, by the name of their package."""
        ...


NAMES = tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/train.py")))


def name_of(model: dict[str, Any]) -> str:
    """The framework of a use case's model."""
    return model.get("framework", "xgboost")


def framework(name: str) -> Framework:
    """Imports no other framework. Raises TrainingDataError for a name without a folder."""
    if name not in NAMES:
        raise TrainingDataError(f"model.framework: found {name!r}; allowed: {', '.join(NAMES)}")
    return cast(Framework, importlib.import_module(f"frameworks.{name}.train"))
