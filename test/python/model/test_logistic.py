"""The regression at its optimum, and the baseline's treatment of nulls."""

import numpy as np
import pytest
from logistic import Baseline, fit_logistic, sigmoid


def test_the_gradient_vanishes_and_known_weights_come_back():
    random = np.random.default_rng(1)
    x = random.normal(size=(20_000, 2))
    label = (random.random(20_000) < sigmoid(0.5 + x @ np.array([1.5, -2.0]))).astype(float)
    weights = fit_logistic(x, label, ridge=0.0)
    assert weights == pytest.approx([0.5, 1.5, -2.0], abs=0.08)
    design = np.column_stack([np.ones(len(x)), x])
    assert np.abs(design.T @ (sigmoid(design @ weights) - label)).max() < 1e-3


def test_separable_labels_converge_with_a_ridge():
    x = np.linspace(-1, 1, 50)[:, None]
    weights = fit_logistic(x, (x[:, 0] > 0).astype(float), ridge=1.0)
    assert np.isfinite(weights).all() and weights[1] > 1


def test_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_a_null_of_the_baseline_is_the_training_median():
    random = np.random.default_rng(4)
    x = random.exponential(10, (500, 2))
    label = (random.random(500) < sigmoid(np.subtract(np.log1p(x[:, 0]), 2.0))).astype(float)
    baseline = Baseline.fit(x, label)
    median = np.expm1(np.median(np.log1p(x[:, 1])))
    with_null = baseline.predict(np.array([[5.0, np.nan]]))
    assert with_null == pytest.approx(baseline.predict(np.array([[5.0, median]])))
    assert np.isfinite(Baseline.fit(np.column_stack([x, np.full(500, np.nan)]), label).weights).all()
