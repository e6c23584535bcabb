"""The row that contributions of an ONNX model are counted from: the median customer of the training slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from identity import write_json
from numpy.typing import NDArray
from training_data import Slice

FILE = "background.json"


def medians(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the known values of each column, [inputs]; NaN for a column without any."""
    known = (column[~np.isnan(column)] for column in x.T)
    return np.array([np.median(column) if len(column) else np.nan for column in known])


def write_background(folder: Path, train: Slice) -> None:
    """background.json: `inputs`, and one value for each; null where the training slice knew none."""
    row = [None if np.isnan(value) else float(value) for value in medians(train.x)]
    write_json(folder / FILE, {"inputs": list(train.inputs), "row": row})
