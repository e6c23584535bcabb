"""Logistic regression by Newton's method: the calibration of the model, and the baseline it has to stand up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sigmoid(z: Floats) -> Floats:
    """1 / (1 + e^-z) without overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def fit_logistic(x: Floats, label: Floats, ridge: float) -> Floats:
    """Intercept and weights that minimise the log loss plus ridge/2 times the squared weights (not the intercept).

    Newton steps, halved until the loss falls (Hastie et al., The Elements of Statistical Learning, 4.4.1). Raises
    ArithmeticError when 100 steps don't converge.
    """
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    weights = np.zeros(design.shape[1])
    loss = _loss(design, label, weights, penalty)
    for _ in range(100):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - label) + penalty * weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(hessian, gradient)
        if np.abs(step).max() < 1e-8:
            return weights
        moved, moved_loss = weights, loss
        for scale in 0.5 ** np.arange(30):
            moved = weights - scale * step
            moved_loss = _loss(design, label, moved, penalty)
            if moved_loss <= loss:
                break
        weights, loss = moved, moved_loss
    raise ArithmeticError(
        "logistic regression: no convergence in 100 steps; are the labels separable? Raise the ridge."
    )


def _loss(design: Floats, label: Floats, weights: Floats, penalty: Floats) -> float:
    z = design @ weights
    return float(np.sum(np.logaddexp(0, z) - label * z) + 0.5 * np.sum(penalty * weights**2))


@dataclass(frozen=True)
class Baseline:
    """Ridge regression on the standardised logarithms of a few inputs; a null is the median of the training rows."""

    median: Floats
    mean: Floats
    scale: Floats
    weights: Floats

    @staticmethod
    def fit(x: Floats, label: Floats) -> Baseline:
        # Counts, money and times are skewed by orders of magnitude: without the logarithm the baseline would be weak.
        logs = _signed_log(x)
        known = [column[~np.isnan(column)] for column in logs.T]
        median = np.array([np.median(column) if len(column) else 0.0 for column in known])
        filled = np.where(np.isnan(logs), median, logs)
        mean, scale = filled.mean(axis=0), filled.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        return Baseline(median, mean, scale, fit_logistic((filled - mean) / scale, label, ridge=1.0))

    def predict(self, x: Floats) -> Floats:
        """Probabilities, [rows]."""
        logs = _signed_log(x)
        z = (np.where(np.isnan(logs), self.median, logs) - self.mean) / self.scale
        return sigmoid(self.weights[0] + z @ self.weights[1:])


def _signed_log(x: Floats) -> Floats:
    return np.multiply(np.sign(x), np.log1p(np.abs(x)))
