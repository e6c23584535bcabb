"""The report of an experiment: what it counts, and what it leaves out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from tidemark_spark.experiments.plot import plot
from tidemark_spark.experiments.report import DAY, Findings, Outcome, report

EXPERIMENT: dict[str, Any] = {
    "name": "deeper",
    "hold_out": 0.1,
    "variants": [{"name": "champion", "weight": 0.5}, {"name": "challenger", "weight": 0.5}],
    "minimum_sample": 100,
    "planned_sample": 1000,
    "direction": "decrease",
    "stop": "any_time",
    "alpha": 0.05,
}
RECORD = {"experiment": EXPERIMENT, "status": "running"}


def outcomes(variant: str, n: int, hits: int, days: int = 3) -> list[Outcome]:
    return [Outcome(variant, day, n // days, hits / days, hits / days, 1) for day in range(days)]


FOUND = Findings(
    {(0, "champion"): 500, (0, "challenger"): 490, (1, "hold_out"): 100},
    [*outcomes("champion", 300, 150), *outcomes("challenger", 300, 60), *outcomes("hold_out", 90, 60)],
    multiple=3,
    snapshot_id="7",
    closed_until=5 * DAY,
    binary=True,
)


def test_counts_add_up() -> None:
    made = report(RECORD, FOUND)
    champion = {"variant": "champion", "exposed": 500, "known": 300, "empty": 3, "waiting": 197, "mean": 0.5}
    assert made["arms"][0] == champion
    assert [arm["variant"] for arm in made["arms"]] == ["champion", "challenger", "hold_out"]
    assert made["multiple_exposure"] == {"entities": 3, "share": pytest.approx(3 / 1093), "limit": 0.01}
    assert (made["closed_until"], made["snapshot_id"]) == (5 * DAY, "7")


def test_a_decrease_that_is_wanted_is_promoted() -> None:
    made = report(RECORD, FOUND)
    assert made["difference"]["high"] < 0
    assert made["relative"]["value"] == pytest.approx(-0.6)
    assert made["recommendation"]["decision"] == "promote"
    assert made["description"]["chance_better"] > 0.99
    other = report({"experiment": EXPERIMENT | {"direction": "increase"}, "status": "running"}, FOUND)
    assert other["recommendation"]["decision"] == "keep"
    assert other["description"]["chance_better"] < 0.01


def test_the_hold_out_is_compared_with_the_champion_and_with_nobody_else() -> None:
    made = report(RECORD, FOUND)
    assert made["hold_out"]["value"] == pytest.approx(0.5 - 2 / 3)
    without = report({"experiment": EXPERIMENT | {"hold_out": 0}, "status": "running"}, FOUND)
    assert without["hold_out"] is None
    assert len(without["arms"]) == 2


def test_the_path_ends_where_the_interval_is() -> None:
    made = report(RECORD, FOUND)
    looks = made["looks"]
    assert [look["outcomes"] for look in looks] == [200, 400, 600]
    assert [look["at"] for look in looks] == [DAY, 2 * DAY, 3 * DAY]
    assert looks[-1]["low"] == made["difference"]["low"]
    assert looks[0]["high"] - looks[0]["low"] > looks[-1]["high"] - looks[-1]["low"]
    long = replace(FOUND, outcomes=[*outcomes("champion", 3000, 1500, 1000), *outcomes("challenger", 3000, 1600, 1000)])
    assert len(report(RECORD, long)["looks"]) <= 401


@pytest.mark.parametrize(("challengers", "status", "broken"), [(300, "running", True), (430, "running", False)])
def test_a_mismatch_is_seen(challengers: int, status: str, broken: bool) -> None:
    found = replace(FOUND, exposed={(0, "champion"): 500, (0, "challenger"): challengers})
    made = report(RECORD | {"status": status}, found)
    assert (made["recommendation"]["decision"] == "invalid") is broken


def test_the_plain_test_decides_only_at_the_end() -> None:
    """A share that a plain test calls broken at this look, and the one for every look not yet."""
    found = replace(FOUND, exposed={(0, "champion"): 5250, (0, "challenger"): 4900})
    running, ended = report(RECORD, found), report(RECORD | {"status": "stopped"}, found)
    assert running["sample_ratio"]["final_p"] < 0.001 < running["sample_ratio"]["sequential_p"]
    assert running["recommendation"]["decision"] == "promote"
    assert ended["recommendation"]["decision"] == "invalid"


def test_nothing_is_known_at_the_start() -> None:
    made = report(RECORD, Findings({}, [], binary=True))
    assert made["recommendation"]["decision"] == "wait"
    assert (made["difference"], made["looks"], made["description"]) == (None, [], None)
    assert "No outcome is known yet." in plot(made)


@pytest.mark.parametrize("days", [1, 3, 40])
def test_the_plot_is_an_svg_within_its_frame(days: int) -> None:
    rows = [*outcomes("champion", 40 * 60, 40 * 20, days), *outcomes("challenger", 40 * 60, 40 * 18, days)]
    drawn = plot(report(RECORD, replace(FOUND, outcomes=rows)))
    root = ET.fromstring(drawn)
    band = next(one for one in root if one.tag.endswith("polygon"))
    points = [tuple(map(float, pair.split(","))) for pair in band.attrib["points"].split()]
    assert len(points) == 2 * days
    assert all(0 <= x <= 720 and 0 <= y <= 320 for x, y in points)
    assert "prefers-color-scheme: dark" in drawn
