"""The same trials on every machine, within their ranges, and the best of them."""

import math

import pytest
from search import search, trials_of, uniform
from training_data import TrainingDataError

RANGES = {
    "max_depth": {"min": 2, "max": 5, "scale": "linear", "integer": True},
    "eta": {"min": 0.01, "max": 0.3, "scale": "log"},
    "subsample": {"values": [0.5, 0.7, 1.0]},
}
RANDOM = {"strategy": "random", "trials": 30, "seed": 7, "parameters": RANGES}


def test_draws_are_the_same_everywhere():
    """By `printf "7\\0001\\000eta" | sha256sum`: the generators of libraries change."""
    assert uniform(7, 1, "eta") == 0.017611757584882315
    assert trials_of(RANDOM) == trials_of(RANDOM)
    assert trials_of(RANDOM)[1] != trials_of({**RANDOM, "seed": 8})[1]


def test_draws_fill_their_ranges():
    trials = [trial for seed in range(40) for trial in trials_of({**RANDOM, "seed": seed})[1:]]
    depths = [trial["max_depth"] for trial in trials]
    assert {*depths} == {2, 3, 4, 5} and all(isinstance(depth, int) for depth in depths)
    assert min(depths.count(depth) for depth in {*depths}) > 0.2 * len(depths)
    etas = [trial["eta"] for trial in trials]
    assert 0.01 <= min(etas) < 0.011 and 0.27 < max(etas) <= 0.3
    middle = math.sqrt(0.01 * 0.3)
    assert 0.45 < sum(eta < middle for eta in etas) / len(etas) < 0.55
    assert {trial["subsample"] for trial in trials} == {0.5, 0.7, 1.0}


def test_a_grid_is_every_point_once_behind_the_declared_one():
    grid = {
        "strategy": "grid",
        "trials": 7,
        "seed": 0,
        "parameters": {"a": {"values": [1, 2, 3]}, "b": {"values": [0, 1]}},
    }
    points = trials_of(grid)
    assert points[0] == {} and len(points) == 7
    assert {(p["a"], p["b"]) for p in points[1:]} == {(a, b) for a in (1, 2, 3) for b in (0, 1)}
    with pytest.raises(TrainingDataError, match="found 6 points and the declared one; allowed: 6 trials in all"):
        trials_of({**grid, "trials": 6})


def test_the_lowest_loss_wins_and_of_equal_ones_the_first():
    losses = iter([0.5, 0.4, 0.4, 0.6])
    found = search({"eta": 0.1, "gamma": 1}, {**RANDOM, "trials": 4}, lambda given: (given, next(losses), 0.7))
    assert (found.best, [trial.log_loss for trial in found.trials]) == (1, [0.5, 0.4, 0.4, 0.6])
    assert found.model == found.parameters == {"gamma": 1, **trials_of(RANDOM)[1]}
    assert found.trials[0].changed == {}


def test_without_a_search_the_declared_ones_are_fitted_once():
    seen = []
    found = search({"eta": 0.1}, None, lambda given: (seen.append(given), 0.5, 0.7))
    assert seen == [{"eta": 0.1}] and found.parameters == {"eta": 0.1} and found.best == 0


def test_a_trial_without_a_loss_is_named():
    with pytest.raises(TrainingDataError, match="trial 0 found no finite loss"):
        search({}, None, lambda _: (None, float("nan"), 0.5))
