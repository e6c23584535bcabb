"""Reads what a training job is given: the use case document and the parquet files of a channel.

Runs in SageMaker's XGBoost container: numpy and pyarrow only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

IR_VERSIONS = (1, 2)
"""They differ in the plans of views, which nothing here reads."""
NEWEST = "newest_event_time"
"""The column that says when the newest event happened that a row knows, ms; sets made by hand may have none."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class TrainingDataError(ValueError):
    """The job's input can't be trained on; the message names channel and column, what was found and what is allowed."""


@dataclass(frozen=True)
class Slice:
    """The rows of one channel by (t, entity_id): `t` in ms UTC, labels 0 or 1, `x` [rows, inputs] with NaN for null."""

    name: str
    entity_id: NDArray[np.str_]
    t: Ints
    label: Ints
    x: Floats
    inputs: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.t)

    def columns(self, names: list[str]) -> Floats:
        """The named inputs, [rows, names]."""
        return self.x[:, [self.inputs.index(name) for name in names]]


def read_use_case(folder: Path) -> dict[str, Any]:
    """The IR document of the channel `usecase`, whatever its file is called. Raises TrainingDataError."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if len(files) != 1:
        raise TrainingDataError(f"channel usecase: found {len(files)} files; allowed: one, the compiled use case")
    try:
        document = json.loads(files[0].read_bytes())
    except ValueError as error:
        raise TrainingDataError(
            f"channel usecase: found a file that is not valid JSON ({error}). Compile it again."
        ) from error
    version = document.get("ir_version") if isinstance(document, dict) else None
    if version not in IR_VERSIONS:
        raise TrainingDataError(
            f"channel usecase: found ir_version {version!r}; allowed: {IR_VERSIONS[0]} to {IR_VERSIONS[-1]}"
        )
    return document


def view_of(use_case: dict[str, Any]) -> dict[str, Any]:
    """The feature view of the model. Raises TrainingDataError when there is none."""
    name = use_case["model"]["view"]
    for view in use_case["views"]:
        if view["name"] == name:
            return view
    raise TrainingDataError(f"channel usecase: model.view names {name!r}, which is not a view of it")


def read_slice(name: str, folder: Path, inputs: list[str]) -> Slice:
    """All parquet files of a channel, sorted: how many there are doesn't matter. Raises TrainingDataError."""
    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    if not files:
        raise TrainingDataError(f"channel {name}: found no parquet file; build the training set first")
    data = pa.concat_tables([pq.ParquetFile(file).read() for file in files], promote_options="default")
    missing = [column for column in ("entity_id", "t", "label", *inputs) if column not in data.column_names]
    if missing:
        raise TrainingDataError(
            f"channel {name}: found no column {', '.join(missing)}; allowed: entity_id, t, label, every model input. "
            "Build the training set from the same definition."
        )
    if not len(data):
        raise TrainingDataError(f"channel {name}: found no rows; are there events before its instants?")
    entity_id = np.array(data["entity_id"].cast(pa.string()).to_pylist(), dtype=np.str_)
    t = _instants(name, data["t"])
    order = np.lexsort((entity_id, t))
    _check_once(name, entity_id[order], t[order])
    if NEWEST in data.column_names:
        _check_past(name, data[NEWEST], t)
    x = np.column_stack([_numbers(name, column, data[column]) for column in inputs])
    return Slice(name, entity_id[order], t[order], _labels(name, data["label"])[order], x[order], tuple(inputs))


def _check_once(channel: str, entity_id: NDArray[np.str_], t: Ints) -> None:
    again = int(np.count_nonzero((t[1:] == t[:-1]) & (entity_id[1:] == entity_id[:-1])))
    if again:
        raise TrainingDataError(
            f"channel {channel}: found {again} rows of an entity at an instant that has one already; "
            "allowed: one row each. Build the training set again."
        )


def _check_past(channel: str, column: pa.ChunkedArray, t: Ints) -> None:
    """What the builder says of its knowledge cut-off must hold, or the inputs may know the label."""
    known = column.is_valid().to_numpy()
    late = int(np.count_nonzero(known & (column.fill_null(0).cast(pa.int64()).to_numpy() >= t)))
    if late:
        raise TrainingDataError(
            f"channel {channel}: column {NEWEST}: found an event at or after t in {late} rows; "
            "allowed: events before t. Build the training set again."
        )


def _instants(channel: str, column: pa.ChunkedArray) -> Ints:
    if column.null_count:
        raise TrainingDataError(f"channel {channel}: column t: found nulls; allowed: an instant in every row")
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("ms", column.type.tz)).cast(pa.int64()).to_numpy()
    if not pa.types.is_integer(column.type):
        raise TrainingDataError(f"channel {channel}: column t: found {column.type}; allowed: int64 ms or a timestamp")
    return column.cast(pa.int64()).to_numpy()


def _labels(channel: str, column: pa.ChunkedArray) -> Ints:
    values = column.cast(pa.float64()).to_numpy()
    if column.null_count or not np.isin(values, (0.0, 1.0)).all():
        raise TrainingDataError(
            f"channel {channel}: column label: found a value that is neither 0 nor 1; allowed: closed horizons"
        )
    return values.astype(np.int64)


def _numbers(channel: str, name: str, column: pa.ChunkedArray) -> Floats:
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)):
        raise TrainingDataError(f"channel {channel}: column {name}: found {column.type}; allowed: numbers and nulls")
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    values = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    if np.isinf(values).any():
        raise TrainingDataError(f"channel {channel}: column {name}: found infinity; allowed: finite numbers and nulls")
    return values


def label_gap_ms(label: dict[str, Any]) -> int:
    """How long after an instant its label is known: the horizon, and the wait for late facts."""
    return label["horizon_ms"] + label.get("maturity_ms", 0)


def check_order(train: Slice, validation: Slice, test: Slice, gap_ms: int) -> None:
    """Labels of a slice are known before the next begins, or training sees the future. Raises TrainingDataError."""
    for earlier, later in ((train, validation), (validation, test)):
        if int(earlier.t.max()) + gap_ms > int(later.t.min()):
            raise TrainingDataError(
                f"channel {later.name}: found an instant inside the label horizon of channel {earlier.name}; "
                f"allowed: at least {gap_ms} ms after its last instant"
            )
    for part in (train, validation, test):
        if part.label.min() == part.label.max():
            raise TrainingDataError(f"channel {part.name}: found one kind of label only; allowed: both 0 and 1")
