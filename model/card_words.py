"""Sentences of a model card."""

from __future__ import annotations

from typing import Any

DAY_MS = 86_400_000
PASSED = (
    "None found: no input is the label, tells it alone or forgets it from train to test; shuffled labels teach nothing"
)

LEAKS = {
    "input_is_label": "input {input} is the label in {found:.2%} of the rows; allowed: below {allowed:.2%}",
    "single_input": "input {input} alone has an AUC of {found:.4f} on test; above {allowed:.4g} look for a leak first",
    "auc_jump": "the AUC of input {input} moves by {found:.4f} from train to test; allowed: up to {allowed:.4g}",
    "shuffled_labels": "models of shuffled labels all reach an AUC of {found:.4f}; allowed: up to {allowed:.4g}",
}


def leak_sentence(one: dict[str, Any]) -> str:
    """An entry of `leaks.failed` of metrics.json."""
    return LEAKS[one["check"]].format(**one)


def days(ms: float) -> str:
    """A duration in days, as short as it is exact."""
    return f"{ms / DAY_MS:g} days"


def purpose(use_case: dict[str, Any]) -> str:
    """What a score says."""
    label = use_case["label"]
    name, horizon = label.get("name", "the label"), days(label["horizon_ms"])
    return f"The probability of “{name}” within {horizon} of the instant asked about"
