"""A seeded search for hyperparameters inside the one training job: the same trials on every machine.

Trials are judged by the log loss of their margins on the tuning part of the validation slice, which also stops the fit;
the other part calibrates what was chosen.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from training_data import TrainingDataError

MOST = 30
Parameters = dict[str, Any]
Model = TypeVar("Model")


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters and how it did: both on the tuning rows, the loss decides."""

    number: int
    changed: Parameters
    log_loss: float
    auc: float

    def json(self) -> dict[str, Any]:
        return {"trial": self.number, "changed": self.changed, "log_loss": self.log_loss, "auc": self.auc}


@dataclass(frozen=True)
class Found(Generic[Model]):
    """The best model with its hyperparameters, and all trials in their order."""

    model: Model
    parameters: Parameters
    best: int
    trials: list[Trial]


def search(
    hyperparameters: Parameters,
    wanted: dict[str, Any] | None,
    attempt: Callable[[Parameters], tuple[Model, float, float]],
) -> Found[Model]:
    """Tries what `wanted` (model.search) says; without it, the hyperparameters as they are.

    `attempt` fits with the given hyperparameters and answers model, log loss and AUC. The first trial is always what
    the use case declares, so a search never ends with less; of equal ones the first wins. Raises TrainingDataError when
    a trial has no finite loss.
    """
    best: tuple[Trial, Model] | None = None
    trials = []
    for number, changed in enumerate(trials_of(wanted)):
        model, loss, auc = attempt({**hyperparameters, **changed})
        if not math.isfinite(loss):
            raise TrainingDataError(
                f"model.search: trial {number} found no finite loss with {changed}; narrow the range of its parameters"
            )
        trial = Trial(number, changed, loss, auc)
        trials.append(trial)
        if best is None or trial.log_loss < best[0].log_loss:
            best = trial, model
    assert best is not None
    chosen, model = best
    return Found(model, {**hyperparameters, **chosen.changed}, chosen.number, trials)


def trials_of(wanted: dict[str, Any] | None) -> list[Parameters]:
    """What each trial changes: nothing in the first, then the points of the grid or seeded draws. Raises
    TrainingDataError for more than the use case allows."""
    if wanted is None:
        return [{}]
    ranges: dict[str, dict[str, Any]] = wanted["parameters"]
    if wanted["strategy"] == "grid":
        points = [
            dict(zip(ranges, values, strict=True))
            for values in itertools.product(*(one["values"] for one in ranges.values()))
        ]
    else:
        points = [
            {name: drawn(one, uniform(wanted["seed"], number, name)) for name, one in ranges.items()}
            for number in range(1, wanted["trials"])
        ]
    if len(points) + 1 > min(wanted["trials"], MOST):
        raise TrainingDataError(
            f"model.search: found {len(points)} points and the declared one; allowed: {wanted['trials']} trials in all"
        )
    return [{}, *points]


def uniform(seed: int, trial: int, name: str) -> float:
    """In [0, 1), of the first 53 bits of a sha256: no library's generator decides what is tried."""
    digest = hashlib.sha256(f"{seed}\0{trial}\0{name}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def drawn(one: dict[str, Any], u: float) -> Any:
    """A value of `{values}` or of `{min, max, scale, integer?}`, both ends included for integers."""
    if "values" in one:
        return one["values"][int(u * len(one["values"]))]
    low, high = one["min"], one["max"]
    if one.get("integer"):
        # As wide for the last as for the others.
        high += 1
    log = one["scale"] == "log"
    value = math.exp(math.log(low) + u * (math.log(high) - math.log(low))) if log else low + u * (high - low)
    return min(math.floor(value), one["max"]) if one.get("integer") else min(value, one["max"])
