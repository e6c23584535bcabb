"""Hyperparameters as a use case gives them: texts and numbers by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from training_data import TrainingDataError


def check_names(parameters: dict[str, Any], allowed: Iterable[str]) -> None:
    """Raises TrainingDataError for a name that is not allowed."""
    known = list(allowed)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise TrainingDataError(f"model.hyperparameters: found {', '.join(unknown)}; allowed: {', '.join(known)}")


def directions(model: dict[str, Any], parameters: dict[str, Any]) -> list[int]:
    """By input: 1 where the score may only rise with it (`increasing`, names with commas), -1 for `decreasing`, else 0.
    Raises TrainingDataError for a name that is no input."""
    found = dict.fromkeys(model["inputs"], 0)
    for key, sign in (("increasing", 1), ("decreasing", -1)):
        names = [name.strip() for name in str(parameters.get(key, "")).split(",") if name.strip()]
        unknown = sorted(set(names) - set(found))
        if unknown:
            raise TrainingDataError(f"model.hyperparameters.{key}: found {', '.join(unknown)}; allowed: model inputs")
        found |= dict.fromkeys(names, sign)
    return list(found.values())
