"""From log-odds before calibration to probabilities: Platt's two parameters, or an isotonic regression.

The calibration is fitted on rows that the model was neither grown on nor chosen by; see choose_calibration.py.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from logistic import fit_logistic, sigmoid
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DECIMALS = 3
"""An isotonic regression reads margins to a thousandth: serving adds up a margin from its contributions, a millionth
off, and a ramp between two margins that differ by less would make another score of that."""


class Calibration(ABC):
    """Monotone: equal margins have equal scores, and a higher margin never has a lower score."""

    @abstractmethod
    def apply(self, margin: Floats) -> Floats:
        """Probabilities of log-odds before calibration."""

    @abstractmethod
    def json(self) -> dict[str, Any]:
        """`method` and its parameters, as calibration.json has them."""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.json(), sort_keys=True) + "\n")

    @staticmethod
    def read(path: Path) -> Calibration:
        """Raises ValueError for a method this code doesn't know, and for knots that do not rise."""
        found = json.loads(path.read_text())
        method = found.get("method")
        if method == "platt":
            return Platt(float(found["intercept"]), float(found["slope"]))
        if method != "isotonic":
            raise ValueError(f"{path.name}: found method {method!r}; allowed: platt, isotonic")
        x, y = (np.array(found[name], dtype=np.float64) for name in ("x", "y"))
        if not (len(x) == len(y) > 1 and (np.diff(x) > 0).all() and (np.diff(y) >= 0).all()):
            raise ValueError(f"{path.name}: found knots that do not rise; allowed: x rising, y never falling")
        return Isotonic(x, y)


@dataclass(frozen=True)
class Platt(Calibration):
    """score = sigmoid(intercept + slope * margin): scores stay distinct, and the tail rests on more than a few rows."""

    intercept: float
    slope: float

    @staticmethod
    def fit(margin: Floats, label: Floats) -> Platt:
        """Raises ArithmeticError when higher margins mean fewer positives."""
        intercept, slope = (float(w) for w in fit_logistic(margin[:, None], label, ridge=1e-6))
        if not (math.isfinite(intercept) and slope > 0):
            raise ArithmeticError(
                f"calibration: found slope {slope:.3g} on the validation slice; allowed: above 0, "
                "or the model ranks it backwards."
            )
        return Platt(intercept, slope)

    def apply(self, margin: Floats) -> Floats:
        return sigmoid(self.intercept + self.slope * np.asarray(margin, dtype=np.float64))

    def json(self) -> dict[str, Any]:
        return {"method": "platt", "intercept": self.intercept, "slope": self.slope}


@dataclass(frozen=True)
class Isotonic(Calibration):
    """Straight lines between knots, level beyond them (numpy.interp): `x` rises, `y` never falls."""

    x: Floats
    y: Floats

    @staticmethod
    def fit(margin: Floats, label: Floats) -> Isotonic:
        """The least-squares fit that never falls, by pool-adjacent-violators (Barlow et al. 1972).

        As in scikit-learn, a pool gives its first and its last margin as knots. Rates stay off 0 and 1 by
        1 / (rows + 2): no sample proves an impossibility. Raises ArithmeticError when higher margins do not mean more
        positives.
        """
        x, codes = np.unique(np.round(margin, DECIMALS), return_inverse=True)
        weight, positive = (np.bincount(codes, of).astype(np.float64) for of in (np.ones(len(codes)), label))
        first, rates = pools(weight, positive)
        if len(rates) < 2:
            raise ArithmeticError(
                "calibration: found one rate for all margins of the validation slice; allowed: rates that rise"
            )
        least = 1 / (len(margin) + 2)
        last = np.append(first[1:], len(x)) - 1
        keep = np.column_stack([np.full(len(first), True), last > first])
        knots = np.column_stack([first, last])[keep]
        return Isotonic(x[knots], np.repeat(np.clip(rates, least, 1 - least), keep.sum(axis=1)))

    def apply(self, margin: Floats) -> Floats:
        return np.interp(np.asarray(margin, dtype=np.float64), self.x, self.y)

    def json(self) -> dict[str, Any]:
        return {"method": "isotonic", "x": self.x.tolist(), "y": self.y.tolist()}


def pools(weight: Floats, positive: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Pools of neighbours whose rates rise: index of the first of each, and its rate."""
    first: list[int] = []
    rows: list[float] = []
    hits: list[float] = []
    for i, (w, p) in enumerate(zip(weight.tolist(), positive.tolist(), strict=True)):
        first.append(i)
        rows.append(w)
        hits.append(p)
        while len(first) > 1 and hits[-2] * rows[-1] >= hits[-1] * rows[-2]:
            first.pop()
            w, p = rows.pop(), hits.pop()
            rows[-1] += w
            hits[-1] += p
    return np.array(first, np.int64), np.array(hits) / np.array(rows)
