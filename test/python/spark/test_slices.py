"""Slices of a training set that move with the newest event known: their ends, gaps and steps."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidemark_spark.engine.slices import SPLITS, slices_of_model

DAY = 86_400_000
NEWEST = 20_000 * DAY + 17


def use_case(horizon: int, maturity: int | None = None, **last: tuple[int, int]) -> dict[str, Any]:
    """`last` gives a split's (last_ms, every_ms)."""
    model = {split: {"last_ms": span[0], "every_ms": span[1]} for split, span in last.items()}
    return {"model": model, "label": {"horizon_ms": horizon} | ({} if maturity is None else {"maturity_ms": maturity})}


def test_each_slice_ends_a_horizon_before_the_next_one_begins() -> None:
    found = slices_of_model(
        use_case(14 * DAY, train=(180 * DAY, 14 * DAY), validation=(28 * DAY, 7 * DAY), test=(DAY, 14 * DAY)), NEWEST
    )
    test = (NEWEST - 14 * DAY) // DAY * DAY
    validation = test - 14 * DAY
    train = validation - 28 * DAY - 14 * DAY
    assert found == {
        "train": {"from": train - 12 * 14 * DAY, "to": train, "every_ms": 14 * DAY},
        "validation": {"from": validation - 28 * DAY, "to": validation, "every_ms": 7 * DAY},
        "test": {"from": test, "to": test, "every_ms": 14 * DAY},
    }


def test_late_facts_are_waited_for_at_each_end() -> None:
    spans = dict.fromkeys(SPLITS, (DAY, DAY))
    early, late = (slices_of_model(use_case(2 * DAY, wait, **spans), NEWEST) for wait in (3 * DAY, 0))
    moved = {split: late[split]["to"] - early[split]["to"] for split in SPLITS}
    assert moved == {"train": 9 * DAY, "validation": 6 * DAY, "test": 3 * DAY}


def test_fixed_instants_stay_whatever_is_known() -> None:
    fixed = {split: {"from": i * 10 * DAY, "to": i * 10 * DAY + DAY, "every_ms": DAY} for i, split in enumerate(SPLITS)}
    given_ = {"model": fixed, "label": {"horizon_ms": DAY}}
    assert slices_of_model(given_, NEWEST) == slices_of_model(given_, NEWEST * 2) == fixed


spans = st.tuples(st.integers(1, 400 * DAY), st.integers(1, 60 * DAY))


@given(st.integers(1, 100 * DAY), st.integers(0, 30 * DAY), spans, spans, spans, st.integers(2000 * DAY, 30_000 * DAY))
def test_labels_close_before_what_learns_of_them(horizon, maturity, train, validation, test, newest) -> None:
    found = slices_of_model(use_case(horizon, maturity, train=train, validation=validation, test=test), newest)
    assert newest - DAY < found["test"]["to"] + horizon + maturity <= newest
    assert found["test"]["to"] % DAY == 0
    for before, after in itertools.pairwise(SPLITS):
        assert found[before]["to"] + horizon + maturity == found[after]["from"]
    for split, (last, every) in zip(SPLITS, (train, validation, test), strict=True):
        span = found[split]
        assert (span["to"] - span["from"]) % every == 0 and 0 <= last - (span["to"] - span["from"]) < every
    # The same again: a rebuild gives the manifest's slices back.
    assert slices_of_model({"model": found, "label": {"horizon_ms": horizon}}, newest) == found
