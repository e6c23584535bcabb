"""Slices to choose a model on, which leave its test slice alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from training_data import Slice


def at(rows: Slice, name: str, keep: NDArray[np.bool_]) -> Slice:
    return replace(
        rows, name=name, entity_id=rows.entity_id[keep], t=rows.t[keep], label=rows.label[keep], x=rows.x[keep]
    )


def rolling(train: Slice, validation: Slice, gap_ms: int) -> list[tuple[Slice, Slice, Slice]]:
    """(train, validation, measured) at two origins, with known labels between them; none of it in the test slice.

    Of the training instants the later third, and then of the validation instants all that lie a gap after the first.
    """
    instants = np.unique(train.t)
    measured = instants[len(instants) * 2 // 3 :]
    stop = instants[instants + gap_ms <= measured[0]]
    early = stop[stop + gap_ms <= stop[-1]]
    folds = [
        (
            at(train, "train", np.isin(train.t, early)),
            at(train, "validation", train.t == stop[-1]),
            at(train, "measured", np.isin(train.t, measured)),
        )
    ]
    last = instants[instants + gap_ms <= instants[-1]]
    folds.append(
        (at(train, "train", np.isin(train.t, last)), at(train, "validation", train.t == instants[-1]), validation)
    )
    return folds
