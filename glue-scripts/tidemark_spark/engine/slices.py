"""When the slices of a training set lie: fixed instants of a definition, or the last ones whose labels are known."""

from __future__ import annotations

from typing import Any

SPLITS = ("train", "validation", "test")
_DAY = 86_400_000


def slices_of_model(use_case: dict[str, Any], closed_until: int) -> dict[str, dict[str, int]]:
    """`from`, `to` and `every_ms` (ms UTC, both ends included) of each split, with the labels known by `closed_until`.

    A split of `last_ms` and `every_ms` moves: the test ends at the last midnight (UTC) whose label is known, each
    earlier split one horizon, and what labels mature in, before the next one begins. It holds its end and what lies a
    whole number of steps before it, `last_ms` back at most.
    """
    model, label = use_case["model"], use_case["label"]
    found: dict[str, dict[str, int]] = {}
    gap = label["horizon_ms"] + label.get("maturity_ms", 0)
    known = closed_until - gap
    to = known - known % _DAY
    for split in reversed(SPLITS):
        span = model[split]
        if "last_ms" in span:
            step = span["every_ms"]
            span = {"from": to - span["last_ms"] // step * step, "to": to, "every_ms": step}
        found[split] = span
        to = span["from"] - gap
    return {split: found[split] for split in SPLITS}
