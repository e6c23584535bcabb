"""Platt's calibration: score = sigmoid(intercept + slope * margin), fitted on a slice the trees were not grown on."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from logistic import fit_logistic, sigmoid
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Two parameters, not a step function: scores stay distinct, and the tail rests on more than a few rows."""

    intercept: float
    slope: float

    @staticmethod
    def fit(margin: Floats, label: Floats) -> Calibration:
        """`margin`: log-odds before calibration. Raises ArithmeticError when higher margins mean fewer positives."""
        intercept, slope = (float(w) for w in fit_logistic(margin[:, None], label, ridge=1e-6))
        if not (math.isfinite(intercept) and slope > 0):
            raise ArithmeticError(
                f"calibration: found slope {slope:.3g} on the validation slice; allowed: above 0, "
                "or the model ranks it backwards."
            )
        return Calibration(intercept, slope)

    def apply(self, margin: Floats) -> Floats:
        """Probabilities of log-odds before calibration."""
        return sigmoid(self.intercept + self.slope * np.asarray(margin, dtype=np.float64))

    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"method": "platt", **asdict(self)}, sort_keys=True) + "\n")

    @staticmethod
    def read(path: Path) -> Calibration:
        """Raises ValueError for a method this code doesn't know."""
        found = json.loads(path.read_text())
        if found.get("method") != "platt":
            raise ValueError(f"{path.name}: found method {found.get('method')!r}; allowed: platt")
        return Calibration(float(found["intercept"]), float(found["slope"]))
