"""How the files of a model become scores: one module a format, chosen by the manifest."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Scorer(Protocol):
    """A loaded model, before calibration."""

    def margins(self, x: Floats) -> Floats:
        """Log-odds of [rows, inputs] with NaN for null: [rows]."""
        ...

    def contributions(self, x: Floats) -> Floats:
        """[rows, inputs + 1] in log-odds, the bias last; a row adds up to its margin."""
        ...


def load(folder: Path, manifest: dict[str, Any]) -> Scorer:
    """The scorer of the files of `manifest`, which `read_manifest` has checked: XGBoost's own, or ONNX of any other
    framework. Where XGBoost is not installed, as in the training image of another framework, its trees are a graph too.
    Raises ValueError for files that don't belong together, or that the manifest has no hash of."""
    name = "xgboost" if manifest["framework"] == "xgboost" else "onnx"
    if name == "xgboost" and find_spec("xgboost") is None:
        name = "trees"
    module = importlib.import_module(f"serving.{name}")
    unnamed = sorted({"calibration.json", *module.FILES} - set(manifest["files"]))
    if unnamed:
        raise ValueError(f"manifest.json: found no sha256 of {', '.join(unnamed)}; train the model again")
    return module.load(folder, manifest)
