"""What to do with an experiment, in one word and one sentence. Never promote or keep before the minimum sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidemark_spark.experiments.sequential import Estimate
from tidemark_spark.experiments.srm import THRESHOLD

MULTIPLE_EXPOSURE = 0.01
"""The share of entities that may have seen both variants; more says that something assigns otherwise than it should."""


@dataclass(frozen=True)
class Evidence:
    """`known`: entities with a known outcome, by variant. `srm_p`: the one that is valid at this look."""

    known: dict[str, int]
    multiple_share: float
    srm_p: float
    estimate: Estimate | None


def recommend(experiment: dict[str, Any], found: Evidence) -> tuple[str, str]:
    """The decision (`invalid`, `wait`, `promote` or `keep`) and why. `experiment`: as the document has it."""
    if found.srm_p < THRESHOLD:
        return "invalid", f"The variants did not get the shares they were assigned (p = {found.srm_p:.2g})."
    if found.multiple_share > MULTIPLE_EXPOSURE:
        return "invalid", f"{found.multiple_share:.1%} of the entities were exposed to both variants."
    least, minimum = min(found.known.values()), experiment["minimum_sample"]
    if least < minimum:
        return "wait", f"{least} outcomes are known in the smaller variant; the minimum is {minimum}."
    total, planned = sum(found.known.values()), experiment["planned_sample"]
    if experiment["stop"] == "planned_sample" and total < planned:
        return "wait", f"{total} of {planned} planned outcomes are known, and it stops there and not before."
    if found.estimate is None:
        return "wait", "All outcomes are the same so far: there is nothing to judge a difference by."
    return _by_interval(experiment, found.estimate, total)


def _by_interval(experiment: dict[str, Any], estimate: Estimate, total: int) -> tuple[str, str]:
    interval = f"{estimate.value:+.4g} [{estimate.low:+.4g}, {estimate.high:+.4g}]"
    wanted = 1 if experiment["direction"] == "increase" else -1
    if min(wanted * estimate.low, wanted * estimate.high) > 0:
        return "promote", f"The challenger is better: {interval}."
    if max(wanted * estimate.low, wanted * estimate.high) < 0:
        return "keep", f"The challenger is worse: {interval}."
    if total >= experiment["planned_sample"]:
        return "keep", f"The planned sample is reached and no difference is proven: {interval}."
    return "wait", f"No difference is proven yet: {interval}."
