"""Measures against the naive formulas, with ties and weights; the regression against its own optimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measures import NAMES, Estimate, Scored, compare

CASES = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1), st.integers(0, 3)), min_size=4, max_size=60)


def naive(label, score, weight, threshold):
    """Rows repeated by their weight, pairs compared one by one."""
    rows = [(s, y) for s, y, w in zip(score, label, weight, strict=True) for _ in range(int(w))]
    positive, negative = [s for s, y in rows if y], [s for s, y in rows if not y]
    pairs = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positive for n in negative]
    average, recalled = 0.0, 0
    for cut in sorted({s for s, _ in rows}, reverse=True):
        above = [y for s, y in rows if s >= cut]
        average += (sum(above) - recalled) / len(positive) * (sum(above) / len(above))
        recalled = sum(above)
    alerts = [y for s, y in rows if s > threshold]
    return {
        "auc": float(np.mean(pairs)),
        "average_precision": average,
        "brier": float(np.mean([(s - y) ** 2 for s, y in rows])),
        "scores_above_threshold": len(alerts),
        "precision_above_threshold": float(np.mean(alerts)) if alerts else np.nan,
    }


@settings(deadline=None)
@given(CASES)
def test_weighted_measures_agree_with_repeated_rows(cases):
    score, label, weight = (np.array(column) for column in zip(*cases, strict=True))
    kept = label[weight > 0]
    if len(kept) == 0 or kept.min() == kept.max():
        return
    score = score / 8
    found: dict[str, float] = dict(zip(NAMES, Scored(label, score, 0.8).measure(weight.astype(float)), strict=True))
    for name, value in naive(label, score, weight, 0.8).items():
        assert found[name] == pytest.approx(value, nan_ok=True), name


def test_calibration_error_is_the_mean_gap_of_ten_equal_bins():
    random = np.random.default_rng(1)
    score = random.random(1000)
    label = (random.random(1000) < score**2).astype(int)
    order = np.argsort(score)
    naive_error = np.mean([abs(score[part].mean() - label[part].mean()) for part in np.split(order, 10)])
    found = dict(zip(NAMES, Scored(label, score, 0.8).measure(), strict=True))
    assert found["calibration_error"] == pytest.approx(naive_error)
    assert found["calibration_error"] > 0.1


def test_intervals_cover_the_value_and_pair_the_difference():
    random = np.random.default_rng(2)
    truth = random.random(400)
    label = (random.random(400) < truth).astype(int)
    entity = np.array([str(i // 2) for i in range(400)])
    same = compare(entity, label, truth, truth, 0.8, samples=200)
    assert all(same["difference"][name].low == same["difference"][name].high == 0 for name in NAMES)
    noisy = compare(entity, label, truth, random.random(400), 0.8, samples=200)
    assert ends(noisy["difference"]["auc"])[0] > 0.1
    auc = noisy["model"]["auc"]
    low, high = ends(auc)
    assert auc.value is not None
    assert low < auc.value < high


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low, estimate.high


def test_rows_of_one_entity_are_drawn_together():
    random = np.random.default_rng(3)
    score = np.repeat(random.random(50), 20)
    label = np.repeat((random.random(50) < 0.5).astype(int), 20)
    alone = np.array([str(i) for i in range(1000)])
    together = np.array([str(i // 20) for i in range(1000)])
    wide = compare(together, label, score, score, 0.8, samples=200)["model"]["auc"]
    narrow = compare(alone, label, score, score, 0.8, samples=200)["model"]["auc"]
    (wide_low, wide_high), (narrow_low, narrow_high) = ends(wide), ends(narrow)
    assert wide_high - wide_low > 2 * (narrow_high - narrow_low)


def test_no_score_above_the_threshold_has_no_precision():
    found = compare(np.array(list("abcd")), np.array([0, 1, 0, 1]), np.full(4, 0.5), np.full(4, 0.5), 0.8, samples=20)
    assert found["model"]["scores_above_threshold"].value == 0
    assert found["model"]["precision_above_threshold"].value is None
