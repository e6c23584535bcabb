"""A feature that peeks: what the knowledge cut-off stops, and what only the checks inside the job can find."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "glue-scripts"), str(ROOT / "bench" / "quality")]

from data_set import Channels, DataSet, canonical_events, channels  # noqa: E402
from evaluation import input_leaks, leaks  # noqa: E402
from fitting import fit  # noqa: E402
from measures import Scored  # noqa: E402
from training_data import Slice  # noqa: E402

FOLDER = Path("test", "fixtures", "usecases", "leaky")
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 180
WRITTEN_AFTER = timedelta(days=30)


@pytest.fixture(scope="module")
def use_case() -> dict[str, Any]:
    return DataSet("leaky", FOLDER, FOLDER, {}).use_case()


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def wire_events(told_when_known: bool) -> list[str]:
    """600 customers who come every six days or so; two of three stop some day, and the service desk dates that back."""
    random, lines = np.random.default_rng(7), []

    def say(kind: str, who: int, moment: datetime, properties: dict[str, object], **more: str) -> None:
        base = {"event_id": f"{kind}-{len(lines)}", "entity_id": f"c{who}", "event_type": kind, "source": "desk"}
        lines.append(
            json.dumps(base | {"schema_version": 1, "event_time": iso(moment), "properties": properties} | more)
        )

    for who in range(600):
        stop = random.uniform(20, DAYS) if who % 3 else DAYS + 60
        day, last = random.uniform(0, 6), None
        while day < min(stop, DAYS):
            last = START + timedelta(days=day)
            say("visit", who, last, {"seconds": 60})
            day += random.exponential(6)
        if last and stop < DAYS:
            written = {"available_at": iso(last + WRITTEN_AFTER)} if told_when_known else {}
            say("closing", who, last, {"reason": "gone"}, **written)
    return lines


def made(use_case: dict[str, Any], told_when_known: bool) -> Channels:
    return channels(use_case, canonical_events(use_case, wire_events(told_when_known)))


@pytest.fixture(scope="module")
def honest(use_case: dict[str, Any]) -> Channels:
    return made(use_case, told_when_known=True)


def auc_of(rows: Slice, name: str) -> float:
    values: NDArray[np.float64] = rows.columns([name])[:, 0]
    found = float(Scored(rows.label, values, 0.5).measure()[0])
    return max(found, 1 - found)


def test_what_was_written_later_is_not_known_where_history_says_when_it_came(honest: Channels) -> None:
    for rows in honest.slices.values():
        assert not rows.columns(["closings"]).any()
        assert 0.5 < auc_of(rows, "since_visit") < 0.9
    assert honest.dropped["not_eligible"] > 0


def refused(use_case: dict[str, Any], slices: dict[str, Slice]) -> set[tuple[str, str]]:
    """(check, input) of each refusal by the training job."""
    trained = fit(use_case["model"], slices["train"], slices["validation"])
    of_inputs = input_leaks(use_case, slices["train"], slices["test"])
    failed = leaks(of_inputs, use_case["model"], trained, slices["train"], slices["test"])["failed"]
    return {(one["check"], one["input"]) for one in failed}


def test_without_that_the_join_can_not_know_better_and_the_job_refuses_the_input(use_case: dict[str, Any]) -> None:
    peeking = made(use_case, told_when_known=False)
    for rows in peeking.slices.values():
        assert auc_of(rows, "closings") > 0.9
    assert ("single_input", "closings") in refused(use_case, peeking.slices)


def test_an_honest_set_is_not_refused(use_case: dict[str, Any], honest: Channels) -> None:
    assert refused(use_case, honest.slices) == set()


def test_the_label_among_the_inputs_of_a_set_made_by_hand_is_named(use_case: dict[str, Any], honest: Channels) -> None:
    told = {name: replace(rows, x=np.column_stack([rows.x[:, :2], rows.label])) for name, rows in honest.slices.items()}
    failed = input_leaks(use_case, told["train"], told["test"])["failed"]
    assert {(one["check"], one["input"]) for one in failed} == {
        ("input_is_label", "closings"),
        ("single_input", "closings"),
    }
