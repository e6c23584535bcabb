"""The proof that looking often costs nothing: simulated experiments, and the page that tells of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench" / "experiments"))

import experiment_figures as figures


@pytest.fixture(scope="module")
def tables() -> str:
    return figures.tables()


def test_false_alarms_stay_below_alpha_and_those_of_a_plain_test_do_not() -> None:
    """2,000 experiments without a difference, 40 looks each."""
    sequence, plain = figures.outside(figures.proportion(0.3), figures.proportion(0.3))
    assert figures.ever(sequence) <= figures.ALPHA
    assert 0.25 < figures.ever(plain) < 0.36
    assert 0.03 < plain[:, 0].mean() < 0.07


def test_a_difference_is_found() -> None:
    sequence, _ = figures.outside(figures.proportion(0.3), figures.proportion(0.33))
    assert figures.ever(sequence) > 0.9


def test_the_page_tells_what_is_measured(tables: str) -> None:
    assert "a log-normal amount" in tables
    assert figures.measured_part(figures.PAGE.read_text()) == tables
