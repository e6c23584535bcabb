"""What chooses a model never sees what judges it, and a goal is held to the decimals it is written with."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "glue-scripts"), str(ROOT / "bench" / "quality")]

from out_of_time import goal_of  # noqa: E402
from rolling import rolling  # noqa: E402
from training_data import Slice, check_order  # noqa: E402


def rows(name: str, instants: list[int]) -> Slice:
    t = np.repeat(instants, 4)
    who = np.array([f"c{i % 4}" for i in range(len(t))])
    return Slice(name, who, t, np.arange(len(t)) % 2, np.zeros((len(t), 1)), ("x",))


@pytest.mark.parametrize(("gap", "origins"), [(3, 2), (6, 1)])
def test_slices_that_choose_are_apart_and_end_before_the_validation_slice_does(gap: int, origins: int) -> None:
    validation = rows("validation", [20, 21])
    found = rolling(rows("train", list(range(12))), validation, gap)
    assert len(found) == origins
    for train, stop, measured in found:
        check_order(train, stop, measured, gap)
    assert found[-1][2].t.tolist() == validation.t.tolist()


@pytest.mark.parametrize(
    ("name", "value", "goal", "said"),
    [
        ("auc", 0.8504, "0.851", "≥ 0.851: missed"),
        ("auc", 0.8506, "0.851", "≥ 0.851: met"),
        ("auc", 0.72746, "0.7275", "≥ 0.7275: met"),
        ("auc", 0.72744, "0.7275", "≥ 0.7275: missed"),
        ("brier", 0.1404, "0.140", "≤ 0.140: met"),
        ("brier", 0.1406, "0.140", "≤ 0.140: missed"),
    ],
)
def test_a_goal_is_met_by_its_own_decimals(name: str, value: float, goal: str, said: str) -> None:
    assert goal_of(name, {"model": {name: {"value": value}}}, {name: goal}) == said


def test_a_measure_without_a_goal_says_nothing() -> None:
    assert goal_of("auc", {"model": {"auc": {"value": 1.0}}}, {}) == ""
