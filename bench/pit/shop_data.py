"""Orders of a shop as the Iceberg table `events` holds them, and a spine; the same arguments give the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DAY = 86_400_000
FROM = 1_767_225_600_000
"""2026-01-01T00:00:00Z in ms."""
SPAN = 90 * DAY
PART_ROWS = 500_000
_MS = pa.timestamp("ms", "UTC")
_US = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Sizes:
    events: int
    spine: int
    entities: int


def write_events(folder: Path, sizes: Sizes, piece: int, pieces: int) -> None:
    """One of `pieces` equal parts of the events, as Parquet files with the columns of `events`, and the amount beside.

    Most events are known within seconds, one in a hundred within a day.
    """
    folder.mkdir(parents=True)
    begin, end = (sizes.events * edge // pieces for edge in (piece, piece + 1))
    for part, first in enumerate(range(begin, end, PART_ROWS)):
        rows = min(PART_ROWS, end - first)
        random = np.random.default_rng([1, piece, part])
        time = FROM + random.integers(0, SPAN, rows)
        late = random.random(rows) < 0.01
        available = time + np.where(late, random.integers(0, DAY, rows), random.integers(1, 5_000, rows))
        number = _digits(np.arange(first, first + rows))
        amount, items = random.integers(0, 100_000, rows), _digits(random.integers(1, 9, rows))
        channel = pa.array(["web", "app", "store"]).take(pa.array(random.integers(0, 3, rows)))
        texts = ['{"amount":', _digits(amount), ',"channel":"', channel, '","items":', items, "}", ""]
        table = pa.table(
            {
                "event_id": pc.binary_join_element_wise("00000000-0000-7000-8000-", number, ""),
                "entity_id": _customers(random.integers(0, sizes.entities, rows)),
                "event_type": _same("order", rows),
                "event_time": _instants(time),
                "source_time": _instants(time),
                "source": _same("shop", rows),
                "schema_version": pa.array(np.ones(rows, np.int32)),
                "properties": pc.binary_join_element_wise(*texts),
                "available_at": _instants(available),
                "shard_id": _same("shardId-000000000000", rows),
                "sequence_number": pc.binary_join_element_wise("4959", number, ""),
                "amount": pa.array(amount),
            }
        )
        pq.write_table(table, folder / f"part-{part:05d}.parquet", compression="zstd")


def write_spine(folder: Path, sizes: Sizes) -> None:
    """Rows (row, entity_id, t): instants anywhere after the first ten days, on the millisecond."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(2)
    asked = {
        "row": np.arange(sizes.spine),
        "entity_id": _customers(random.integers(0, sizes.entities, sizes.spine)),
        "t": FROM + 10 * DAY + random.integers(0, SPAN - 10 * DAY, sizes.spine),
    }
    table = pa.table(asked)
    for part, rows in enumerate((table.slice(0, sizes.spine // 2), table.slice(sizes.spine // 2))):
        pq.write_table(rows, folder / f"part-{part:05d}.parquet", compression="zstd")


def _digits(values: np.ndarray) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _customers(numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise("customer-", _digits(numbers), "")


def _same(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), rows)


def _instants(ms: np.ndarray) -> pa.Array:
    return pa.array(ms, pa.int64()).cast(_MS).cast(_US)
