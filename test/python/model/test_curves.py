"""Curves and segments against naive counts."""

import numpy as np
import pytest
from curves import Capacity, at_capacity, calibration_line, distribution, lift, precision_recall
from logistic import sigmoid
from segments import by_segment, parts
from training_data import Slice

RANDOM = np.random.default_rng(11)
MARGIN = RANDOM.normal(size=4000)
SCORE = np.round(sigmoid(MARGIN), 2)
LABEL = (RANDOM.random(4000) < sigmoid(MARGIN)).astype(np.int64)
ALONE = np.array([str(i) for i in range(4000)])


def known(estimate: dict[str, float | None]) -> dict[str, float]:
    assert None not in estimate.values()
    return {name: value for name, value in estimate.items() if value is not None}


def test_a_calibrated_score_is_on_the_line_and_an_overconfident_one_below():
    honest = {name: known(one) for name, one in calibration_line(LABEL, sigmoid(MARGIN), ALONE).items()}
    assert honest["slope"]["low"] < 1 < honest["slope"]["high"]
    assert honest["intercept"]["low"] < 0 < honest["intercept"]["high"]
    loud = known(calibration_line(LABEL, sigmoid(2 * MARGIN + 1), ALONE)["slope"])
    assert loud["value"] == pytest.approx(honest["slope"]["value"] / 2)
    assert loud["high"] < 0.6
    assert calibration_line(LABEL, np.full(4000, 0.3), ALONE)["slope"]["value"] is None


def test_the_interval_of_the_line_covers_the_truth_as_often_as_it_says():
    """200 samples of 300 entities with four equal rows each: by row, the interval would be half as wide."""
    inside = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        margin = random.normal(size=300)
        label = (random.random(300) < sigmoid(margin)).astype(np.int64)
        entity = np.repeat([str(i) for i in range(300)], 4)
        slope = known(calibration_line(np.repeat(label, 4), sigmoid(np.repeat(margin, 4)), entity)["slope"])
        inside += slope["low"] < 1 < slope["high"]
    assert 180 <= inside <= 199


def test_lift_is_the_rate_of_a_tenth_against_all():
    tenths = lift(LABEL, SCORE)
    best = np.argsort(-SCORE, kind="stable")[:400]
    assert tenths[0]["rate"] == LABEL[best].mean()
    assert tenths[0]["lift"] == pytest.approx(LABEL[best].mean() / LABEL.mean())
    assert tenths[0]["lift"] > 1.5 > 0.5 > tenths[-1]["lift"]
    assert tenths[-1]["gain"] == 1 and sum(one["rows"] for one in tenths) == 4000


def test_points_of_precision_and_recall_are_counts_above_their_threshold():
    points = precision_recall(LABEL, SCORE)
    assert 50 < len(points) <= 60
    for one in points:
        above = one["threshold"] <= SCORE
        assert one["precision"] == pytest.approx(LABEL[above].mean())
        assert one["recall"] == pytest.approx(LABEL[above].sum() / LABEL.sum())
    assert [one["recall"] for one in points] == sorted(one["recall"] for one in points)
    assert points[-1]["recall"] == 1


def test_the_distribution_counts_every_row_once():
    bins = distribution(np.append(LABEL, 1), np.append(SCORE, 1.0))
    assert sum(one["negatives"] for one in bins) == (LABEL == 0).sum()
    assert sum(one["positives"] for one in bins) == LABEL.sum() + 1
    assert bins[3]["positives"] == LABEL[(SCORE >= 0.15) & (SCORE < 0.2)].sum()


def test_capacity_takes_the_best_of_each_instant():
    t = np.repeat([10, 20], 2000)
    score = SCORE + np.arange(4000) * 1e-9
    found = at_capacity(t, ALONE, LABEL, score, 100, seed=1, samples=50)
    chosen = np.concatenate([np.flatnonzero(t == at)[np.argsort(-score[t == at])[:100]] for at in (10, 20)])
    assert found["precision"]["value"] == LABEL[chosen].mean()
    assert found["recall"]["value"] == LABEL[chosen].sum() / LABEL.sum()
    assert found["precision"]["low"] < LABEL[chosen].mean() < found["precision"]["high"]
    # A weight of two is the row twice; one of none is no row.
    weights = np.random.default_rng(1).integers(0, 3, 4000).astype(float)
    rows = np.repeat(np.arange(4000), weights.astype(int))
    assert Capacity(t, LABEL, score, 100).measure(weights) == pytest.approx(
        Capacity(t[rows], LABEL[rows], score[rows], 100).measure()
    )
    assert at_capacity(t, ALONE, LABEL, score, 9000, seed=1, samples=5)["recall"]["value"] == 1


def test_segments_are_values_quarters_and_null():
    few = np.array([2.0, 0.0, np.nan, 2.0])
    assert [(name, mask.tolist()) for name, mask in parts(few, None)] == [
        ("0", [False, True, False, False]),
        ("2", [True, False, False, True]),
        ("null", [False, False, True, False]),
    ]
    assert [name for name, _ in parts(few, ["red", "green", "blue"])] == ["red", "blue", "null"]
    quarters = list(parts(np.arange(100.0), None))
    assert [name for name, _ in quarters] == ["up to 24.75", "24.75 to 49.5", "49.5 to 74.25", "over 74.25"]
    assert [int(mask.sum()) for _, mask in quarters] == [25, 25, 25, 25]


def test_a_segment_has_its_own_figures_and_few_rows_have_none():
    group = np.where(np.arange(4000) < 3980, np.arange(4000) % 2, 2).astype(float)
    # In group 1 the score says nothing.
    score = np.where(group == 1, RANDOM.random(4000), SCORE)
    test = Slice("test", ALONE, np.zeros(4000, np.int64), LABEL, group[:, None], ("group",))
    sighted, blind, few = by_segment(test, score, 0.8, ["group"], {"group": ["a", "b", "c"]}, seed=1)
    assert [one["value"] for one in (sighted, blind, few)] == ["a", "b", "c"]
    assert sighted["auc"]["low"] > 0.68 > 0.55 > blind["auc"]["high"]
    assert blind["auc"]["low"] < blind["auc"]["value"] < blind["auc"]["high"]
    assert sighted["base_rate"] == LABEL[group == 0].mean()
    above = (group == 0) & (score > 0.8)
    assert sighted["precision_above_threshold"] == pytest.approx(LABEL[above].mean())
    assert few == {
        "segment": "group",
        "value": "c",
        "rows": 20,
        "entities": 20,
        "positives": int(LABEL[group == 2].sum()),
    }
