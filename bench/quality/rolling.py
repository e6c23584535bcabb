"""Slices to choose a model on, which leave its test slice alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from training_data import Slice

Ints = NDArray[np.int64]


def at(rows: Slice, name: str, keep: NDArray[np.bool_]) -> Slice:
    return replace(
        rows, name=name, entity_id=rows.entity_id[keep], t=rows.t[keep], label=rows.label[keep], x=rows.x[keep]
    )


def rolling(train: Slice, validation: Slice, gap_ms: int) -> list[tuple[Slice, Slice, Slice]]:
    """(train, validation, measured) with known labels between them; none of it in the test slice.

    Measured are the last third of the training instants, where the history is long enough, and the validation slice.
    """
    instants = np.unique(train.t)
    measured = instants[len(instants) * 2 // 3 :]
    found = [(_known(train, instants, int(measured[0]), gap_ms), at(train, "measured", np.isin(train.t, measured)))]
    found.append((_known(train, instants, int(validation.t.min()), gap_ms), replace(validation, name="measured")))
    return [(*parts, rows) for parts, rows in found if parts]


def _known(train: Slice, instants: Ints, before: int, gap_ms: int) -> tuple[Slice, Slice] | None:
    """A training slice and a later instant to stop and calibrate on, both with labels known by `before`."""
    closed = instants[instants + gap_ms <= before]
    early = closed[closed + gap_ms <= closed[-1]] if len(closed) else closed
    if not len(early):
        return None
    return at(train, "train", np.isin(train.t, early)), at(train, "validation", train.t == closed[-1])
