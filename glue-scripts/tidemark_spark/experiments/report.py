"""What is told of an experiment: counts, checks, the interval with its path over the days, and a recommendation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tidemark_spark.experiments import bayes, srm
from tidemark_spark.experiments.recommend import MULTIPLE_EXPOSURE, Evidence, recommend
from tidemark_spark.experiments.sequential import Estimate, Sample, difference, mixture_rho, relative_lift

DAY = 86_400_000
CHAMPION, CHALLENGER, HOLD_OUT = "champion", "challenger", "hold_out"
_LOOKS = 400
"""Days of the path at most; with more, each look is of several."""


@dataclass(frozen=True)
class Outcome:
    """Of the entities of one arm whose outcome became known on one day (days since 1970): how many, sum and squares.

    `empty`: how many of that day have no value; they are not in `n`.
    """

    variant: str
    day: int
    n: int
    total: float
    squares: float
    empty: int = 0


@dataclass(frozen=True)
class Findings:
    """What the job counted. `exposed`: entities by day (since 1970) and arm; `multiple`: of two arms, left out."""

    exposed: dict[tuple[int, str], int]
    outcomes: list[Outcome]
    multiple: int = 0
    snapshot_id: str = ""
    closed_until: int = 0
    binary: bool = False


def report(record: dict[str, Any], found: Findings) -> dict[str, Any]:
    """Object `experimentReport` of names/reports.ts. `record`: as names/experiments.ts has it."""
    experiment = record["experiment"]
    alpha, planned = experiment["alpha"], experiment["planned_sample"]
    rho = mixture_rho(planned, alpha)
    variants = [CHAMPION, CHALLENGER, *([HOLD_OUT] if experiment["hold_out"] > 0 else [])]
    samples = {variant: _sample(found, variant) for variant in variants}
    first, second = samples[CHAMPION], samples[CHALLENGER]
    estimate = difference(first, second, rho, alpha)
    mismatch = _mismatch(record, found)
    people = sum(found.exposed.values()) + found.multiple
    share = found.multiple / people if people else 0.0
    known = {variant: samples[variant].n for variant in (CHAMPION, CHALLENGER)}
    decision, reason = recommend(experiment, Evidence(known, share, mismatch["decides"], estimate))
    wanted = 1 if experiment["direction"] == "increase" else -1
    described = bayes.describe(first, second, wanted)
    return {
        "experiment": experiment["name"],
        "status": record["status"],
        "snapshot_id": found.snapshot_id,
        "closed_until": found.closed_until,
        "alpha": alpha,
        "minimum_sample": experiment["minimum_sample"],
        "planned_sample": planned,
        "direction": experiment["direction"],
        "binary": found.binary,
        "arms": [_arm(found, variant, samples[variant]) for variant in variants],
        "multiple_exposure": {"entities": found.multiple, "share": share, "limit": MULTIPLE_EXPOSURE},
        "sample_ratio": {name: mismatch[name] for name in ("final_p", "sequential_p", "threshold")},
        "difference": _told(estimate),
        "relative": _told(relative_lift(first, second, rho, alpha)),
        "looks": _looks(found, rho, alpha),
        "hold_out": _told(difference(samples[HOLD_OUT], first, rho, alpha)) if HOLD_OUT in samples else None,
        "description": asdict(described) if described else None,
        "recommendation": {"decision": decision, "reason": reason},
    }


def _told(estimate: Estimate | None) -> dict[str, float] | None:
    return asdict(estimate) if estimate else None


def _sample(found: Findings, variant: str, until: int | None = None) -> Sample:
    mine = [one for one in found.outcomes if one.variant == variant and (until is None or one.day <= until)]
    total, squares = sum(one.total for one in mine), sum(one.squares for one in mine)
    return Sample(sum(one.n for one in mine), total, squares, found.binary)


def _arm(found: Findings, variant: str, sample: Sample) -> dict[str, Any]:
    exposed = sum(count for (_, of), count in found.exposed.items() if of == variant)
    empty = sum(one.empty for one in found.outcomes if one.variant == variant)
    return {
        "variant": variant,
        "exposed": exposed,
        "known": sample.n,
        "empty": empty,
        "waiting": exposed - sample.n - empty,
        "mean": sample.mean if sample.n else None,
    }


def _mismatch(record: dict[str, Any], found: Findings) -> dict[str, float]:
    """The sequential test looks at each day; the plain one decides only when nobody is exposed any more."""
    shares = [variant["weight"] for variant in record["experiment"]["variants"]]
    running, by_look = [0, 0], []
    for day in sorted({day for day, _ in found.exposed}):
        for place, variant in enumerate((CHAMPION, CHALLENGER)):
            running[place] += found.exposed.get((day, variant), 0)
        by_look.append(list(running))
    final, sequential = srm.final_p(running, shares), srm.sequential_p(by_look, shares)
    decides = sequential if record["status"] == "running" else min(final, sequential)
    return {"final_p": final, "sequential_p": sequential, "threshold": srm.THRESHOLD, "decides": decides}


def _looks(found: Findings, rho: float, alpha: float) -> list[dict[str, Any]]:
    """The interval at the end of each day on which an outcome of a variant became known, where there is one."""
    days = sorted({one.day for one in found.outcomes if one.variant != HOLD_OUT})
    step = -(-len(days) // _LOOKS) or 1
    looks = []
    for day in sorted({*days[::step], *days[-1:]}):
        first, second = (_sample(found, variant, day) for variant in (CHAMPION, CHALLENGER))
        estimate = difference(first, second, rho, alpha)
        if estimate:
            at = {"at": (day + 1) * DAY, "outcomes": first.n + second.n}
            looks.append(at | {"value": estimate.value, "low": estimate.low, "high": estimate.high})
    return looks
