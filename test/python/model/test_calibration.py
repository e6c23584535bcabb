"""Both calibrations against known values and a naive oracle, and the choice between them."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from calibration import Calibration, Isotonic, Platt, pools
from choose_calibration import choose
from hypothesis import given
from hypothesis import strategies as st
from logistic import sigmoid


def drawn(seed: int, rows: int, rate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, labels by `rate` of them, and one entity a row."""
    random = np.random.default_rng(seed)
    margin = random.normal(size=rows)
    label = (random.random(rows) < rate(margin)).astype(np.int64)
    return margin, label, np.array([str(i) for i in range(rows)])


def test_platt_undoes_overconfidence(tmp_path: Path):
    margin, label, _ = drawn(2, 20_000, sigmoid)
    calibration = Platt.fit(3 * margin + 1, label.astype(float))
    assert calibration.slope == pytest.approx(1 / 3, abs=0.02)
    assert calibration.intercept == pytest.approx(-1 / 3, abs=0.06)
    calibration.write(tmp_path / "calibration.json")
    assert Calibration.read(tmp_path / "calibration.json") == calibration


@pytest.mark.parametrize("method", [Platt, Isotonic])
def test_a_backward_model_is_not_calibrated_forward(method):
    margin, label, _ = drawn(3, 2000, lambda m: np.where(m < 0, 1.0, 0.0))
    with pytest.raises(ArithmeticError, match=r"allowed: (above 0|rates that rise)"):
        method.fit(margin, label.astype(float))


def fitted(weight: Sequence[float], positive: Sequence[float]) -> np.ndarray:
    first, rates = pools(np.array(weight, float), np.array(positive, float))
    return np.repeat(rates, np.diff([*first, len(weight)]))


def test_pools_are_those_of_scipy():
    """scipy.optimize.isotonic_regression 1.17.1, which scikit-learn's IsotonicRegression calls."""
    labels = [0, 0, 1, 0, 1, 0, 1, 1, 0, 1]
    assert fitted([1] * 10, labels).tolist() == [0, 0, 0.5, 0.5, 0.5, 0.5, 2 / 3, 2 / 3, 2 / 3, 1]
    weights, rates = [2, 1, 1, 3, 1], [0.5, 0.2, 0.9, 0.4, 1.0]
    of_scipy = [0.4, 0.4, 0.525, 0.525, 1.0]
    assert fitted(weights, [w * r for w, r in zip(weights, rates, strict=True)]) == pytest.approx(of_scipy)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_pools_are_the_greatest_of_the_least_means(cases):
    """The max-min formula (Robertson, Wright and Dykstra 1988, theorem 1.4.4)."""
    weight = [w for w, _ in cases]
    positive = [min(w, p) for w, p in cases]
    naive = [
        max(min(sum(positive[a : b + 1]) / sum(weight[a : b + 1]) for b in range(i, len(cases))) for a in range(i + 1))
        for i in range(len(cases))
    ]
    assert fitted(weight, positive) == pytest.approx(naive)


def test_isotonic_scores_never_fall_and_ties_stay_ties(tmp_path: Path):
    margin, label, _ = drawn(4, 3000, lambda m: sigmoid(m) ** 3)
    fit = Isotonic.fit(margin, label.astype(float))
    fit.write(tmp_path / "calibration.json")
    read = Calibration.read(tmp_path / "calibration.json")
    sweep = np.sort(np.concatenate([margin, np.linspace(-9, 9, 2001)]))
    scores = read.apply(sweep)
    assert (np.diff(scores) >= 0).all() and 0 < scores[0] < scores[-1] < 1
    assert np.array_equal(scores, fit.apply(sweep))
    assert len(set(read.apply(np.full(5, 0.123)))) == 1
    # A margin that was added up in another order is another score by no more than a ramp of a thousandth.
    assert np.abs(read.apply(sweep + 1e-6) - scores).max() < 1e-3
    assert np.abs(scores - sigmoid(sweep) ** 3)[np.abs(sweep) < 1].max() < 0.12


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"method": "beta"}, "found method 'beta'"),
        ({"method": "isotonic", "x": [1, 0], "y": [0.1, 0.2]}, "knots that do not rise"),
        ({"method": "isotonic", "x": [0, 1], "y": [0.2, 0.1]}, "knots that do not rise"),
        ({"method": "isotonic", "x": [0], "y": [0.2]}, "knots that do not rise"),
    ],
)
def test_what_is_no_calibration_is_refused(tmp_path: Path, document, message):
    (tmp_path / "calibration.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=message):
        Calibration.read(tmp_path / "calibration.json")


def test_auto_takes_platt_where_it_is_true_and_isotonic_where_it_is_not():
    honest = choose(*drawn(5, 4000, sigmoid), wanted="auto", seed=1)
    assert isinstance(honest.calibration, Platt) and honest.report["method"] == "platt"
    # A step: no sigmoid is near it.
    stepped = drawn(6, 4000, lambda m: np.where(m > 1.2, 0.9, np.where(m > 0, 0.3, 0.25)))
    found = choose(*stepped, wanted="auto", seed=1)
    assert isinstance(found.calibration, Isotonic)
    losses = found.report["log_loss"]
    assert losses["isotonic"] < losses["platt"] < losses["none"]
    assert found.report["isotonic_gain"]["value"] > found.report["isotonic_gain"]["standard_error"] > 0
    assert isinstance(choose(*stepped, wanted="platt", seed=1).calibration, Platt)


def test_rows_of_one_entity_are_held_out_together():
    """Every label four times: by row, each fold would know its rows already."""
    margin, label, _ = drawn(7, 300, lambda m: np.full(len(m), 0.4) + 0.1 * np.sign(m))
    copies = (np.repeat(margin, 4), np.repeat(label, 4))
    together = choose(*copies, np.repeat([str(i) for i in range(300)], 4), wanted="auto", seed=1)
    apart = choose(*copies, np.array([str(i) for i in range(1200)]), wanted="auto", seed=1)
    assert together.report["method"] == "platt"
    assert together.report["log_loss"]["isotonic"] > apart.report["log_loss"]["isotonic"] + 0.02
