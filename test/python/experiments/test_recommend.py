"""Nothing is recommended too early, on a broken experiment, or against what was wanted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemark_spark.experiments.recommend import Evidence, recommend
from tidemark_spark.experiments.sequential import Estimate

EXPERIMENT = {"minimum_sample": 100, "planned_sample": 1000, "direction": "increase", "stop": "any_time"}
BETTER, WORSE, NEITHER = (
    Estimate(0.2, 0.1, 0.3, 0.001),
    Estimate(-0.2, -0.3, -0.1, 0.001),
    Estimate(0.1, -0.1, 0.3, 0.6),
)


def evidence(known: int = 200, estimate: Estimate | None = BETTER, srm: float = 1.0, multiple: float = 0.0) -> Evidence:
    return Evidence({"champion": known, "challenger": known + 5}, multiple, srm, estimate)


@pytest.mark.parametrize(
    ("changed", "found", "decision", "words"),
    [
        ({}, evidence(), "promote", "The challenger is better: +0.2 [+0.1, +0.3]."),
        ({}, evidence(estimate=WORSE), "keep", "The challenger is worse"),
        ({"direction": "decrease"}, evidence(), "keep", "The challenger is worse"),
        ({"direction": "decrease"}, evidence(estimate=WORSE), "promote", "The challenger is better"),
        ({}, evidence(estimate=NEITHER), "wait", "No difference is proven yet"),
        ({}, evidence(600, NEITHER), "keep", "The planned sample is reached and no difference is proven"),
        ({}, evidence(99), "wait", "99 outcomes are known in the smaller variant; the minimum is 100."),
        ({"stop": "planned_sample"}, evidence(), "wait", "405 of 1000 planned outcomes are known"),
        ({"stop": "planned_sample"}, evidence(500), "promote", "The challenger is better"),
        ({}, evidence(estimate=None), "wait", "All outcomes are the same so far"),
        ({}, evidence(srm=0.0009), "invalid", "The variants did not get the shares they were assigned (p = 0.0009)."),
        ({}, evidence(multiple=0.02), "invalid", "2.0% of the entities were exposed to both variants."),
    ],
)
def test_recommendation(changed: dict, found: Evidence, decision: str, words: str) -> None:
    said, why = recommend(EXPERIMENT | changed, found)
    assert said == decision
    assert words in why


@given(st.integers(0, 99), st.sampled_from([BETTER, WORSE, NEITHER, None]), st.sampled_from(["increase", "decrease"]))
def test_never_before_the_minimum_sample(known: int, estimate: Estimate | None, direction: str) -> None:
    found = Evidence({"champion": 10_000, "challenger": known}, 0, 1, estimate)
    assert recommend(EXPERIMENT | {"direction": direction}, found)[0] == "wait"
