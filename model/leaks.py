"""Whether the training set knows the future: checks of the data and of the job itself, each of which refuses a model.

What a feature may know is the business of the point-in-time join; these find what got past it, such as an attribute
that a source writes afterwards under an earlier time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from measures import Scored
from numpy.typing import NDArray
from training_data import Slice

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SAME_AS_LABEL = 0.999
"""Share of rows in which an input, or whether it is null, says the label."""
AUC_JUMP = 0.15
"""Between train and test: the same question a few weeks apart, so drift of honest inputs stays far below it."""
JUMP_ERRORS = 5.0
SHUFFLES = 8
SHUFFLED_AUC = 0.55
"""Of the worst of the models that learnt shuffled labels. One alone may point anywhere, as inputs are alike: eight that
all point the right way have seen the labels elsewhere."""


def leaks_of_inputs(train: Slice, test: Slice, max_auc: float) -> dict[str, Any]:
    """The part of the document `leaks` of metrics.json that needs no model: a leak may leave none that can be fitted.

    `max_auc`: above it an input alone has probably seen the future (model.gate.max_auc). `failed` has one entry a
    refusal.
    """
    inputs = [_input(train, test, i) for i in range(len(test.inputs))]
    failed = [
        *(_refusal("input_is_label", one, "same_as_label", SAME_AS_LABEL) for one in inputs if _is_label(one)),
        *(_refusal("single_input", one, "test_auc", max_auc) for one in inputs if strength(one) > max_auc),
        *(_refusal("auc_jump", one, "jump", AUC_JUMP) for one in inputs if _jumps(one)),
    ]
    return {
        "inputs": inputs,
        "allowed": {"single_input": max_auc, "auc_jump": AUC_JUMP, "input_is_label": SAME_AS_LABEL},
        "failed": failed,
    }


def with_shuffled(of_inputs: dict[str, Any], test: Slice, shuffled: Callable[[int], Floats]) -> dict[str, Any]:
    """The whole document `leaks`: `of_inputs` (see leaks_of_inputs), and whether the job itself knows the labels.

    `shuffled` fits a model on labels that were shuffled with the given seed, and answers its margins on the test slice.
    """
    blind = [_auc(test.label, shuffled(seed)) for seed in range(SHUFFLES)]
    refusal = {"check": "shuffled_labels", "input": None, "found": min(blind), "allowed": SHUFFLED_AUC}
    return {
        **of_inputs,
        "shuffled_labels": {"auc": blind, "allowed": SHUFFLED_AUC},
        "failed": [*of_inputs["failed"], *([refusal] if min(blind) > SHUFFLED_AUC else [])],
    }


def _input(train: Slice, test: Slice, i: int) -> dict[str, Any]:
    """How well one input alone tells the label in both slices; nulls count as the lowest values."""
    name = test.inputs[i]
    before, after = (_auc(part.label, _filled(part.x[:, i])) for part in (train, test))
    return {
        "input": name,
        "train_auc": before,
        "test_auc": after,
        "jump": abs(before - after),
        "error": float(np.hypot(_auc_error(train, before), _auc_error(test, after))),
        "same_as_label": max(_agreement(part, i) for part in (train, test)),
    }


def strength(one: dict[str, Any]) -> float:
    """The AUC of an input on test, whichever way it points."""
    return max(one["test_auc"], 1 - one["test_auc"])


def _is_label(one: dict[str, Any]) -> bool:
    return one["same_as_label"] >= SAME_AS_LABEL


def _jumps(one: dict[str, Any]) -> bool:
    return one["jump"] > max(AUC_JUMP, JUMP_ERRORS * one["error"])


def _refusal(check: str, one: dict[str, Any], key: str, allowed: float) -> dict[str, Any]:
    found = strength(one) if key == "test_auc" else one[key]
    return {"check": check, "input": one["input"], "found": found, "allowed": allowed}


def _filled(column: Floats) -> Floats:
    return np.where(np.isnan(column), -np.inf, column)


def _agreement(part: Slice, i: int) -> float:
    """Share of the rows in which the input, split at any one place, or whether it is null, says the label."""
    column, label = part.x[:, i], part.label
    values = np.unique(_filled(column))
    if len(values) != 2:
        return 0.0
    said = (_filled(column) == values[1]) == (label == 1)
    return float(max(said.mean(), 1 - said.mean()))


def _auc(label: Ints, score: Floats) -> float:
    value = Scored(label, score, 0.5).named()["auc"]
    return 0.5 if value is None else value


def _auc_error(part: Slice, auc: float) -> float:
    """Standard error by Hanley and McNeil 1982, with entities for rows: an entity's rows repeat each other."""
    entities = len(np.unique(part.entity_id))
    share = float(part.label.mean())
    positives, negatives = max(1.0, entities * share), max(1.0, entities * (1 - share))
    a = max(auc, 1 - auc)
    both, other = a / (2 - a), 2 * a * a / (1 + a)
    variance = a * (1 - a) + (positives - 1) * (both - a * a) + (negatives - 1) * (other - a * a)
    return float(np.sqrt(max(variance, 0.0) / (positives * negatives)))


def shuffle(part: Slice, seed: int) -> Slice:
    """The slice with the labels of each instant in another order."""
    random = np.random.default_rng(seed)
    label = part.label.copy()
    for t in np.unique(part.t):
        rows = np.flatnonzero(part.t == t)
        label[rows] = label[random.permutation(rows)]
    return replace(part, label=label)
