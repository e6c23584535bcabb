"""Which calibration: chosen by cross-fitting, so that neither is judged by rows it was fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from calibration import Calibration, Isotonic, Platt
from folds import folds
from logistic import sigmoid
from measures import log_losses, standard_error
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
METHODS: dict[str, type[Platt] | type[Isotonic]] = {"platt": Platt, "isotonic": Isotonic}
FOLDS = 5


@dataclass(frozen=True)
class Chosen:
    """A calibration, and why this one."""

    calibration: Calibration
    report: dict[str, Any]


def choose(margin: Floats, label: Ints, entity: NDArray[np.str_], *, wanted: str, seed: int) -> Chosen:
    """The calibration of the validation rows: `wanted` is platt, isotonic or auto.

    Auto takes Platt's unless the isotonic one has the lower log loss on held-out folds of entities by more than a
    standard error: its scores are more often equal, which costs in the order of alerts. Raises ArithmeticError when the
    model ranks the rows backwards.
    """
    truth = label.astype(np.float64)
    losses = {name: _held_out(method, margin, label, entity, seed) for name, method in METHODS.items()}
    known = {name: found for name, found in losses.items() if found is not None}
    gain = known["platt"] - known["isotonic"] if len(known) == len(METHODS) else None
    error = None if gain is None else standard_error(gain, entity)
    better = gain is not None and error is not None and float(gain.mean()) > error
    method = wanted if wanted != "auto" else "isotonic" if better else "platt"
    report = {
        "method": method,
        "wanted": wanted,
        "rows": len(label),
        "folds": FOLDS,
        "log_loss": {"none": float(log_losses(label, sigmoid(margin)).mean())}
        | {name: None if found is None else float(found.mean()) for name, found in losses.items()},
        "isotonic_gain": None if gain is None else {"value": float(gain.mean()), "standard_error": error},
    }
    return Chosen(METHODS[method].fit(margin, truth), report)


def _held_out(
    method: type[Platt] | type[Isotonic], margin: Floats, label: Ints, entity: NDArray[np.str_], seed: int
) -> Floats | None:
    """The loss of each row by a calibration of the other folds; None when one of them can't be fitted."""
    fold = folds(entity, FOLDS, f"calibration {seed}")
    loss = np.zeros(len(label))
    for held in range(FOLDS):
        mine = fold == held
        kept = label[~mine]
        if not len(kept) or kept.min() == kept.max():
            return None
        try:
            fitted = method.fit(margin[~mine], kept.astype(np.float64))
        except ArithmeticError:
            return None
        loss[mine] = log_losses(label[mine], fitted.apply(margin[mine]))
    return loss
