"""The rule in plain Python, event by event: what each row must be, to the bit."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq

MINUTE = 60_000
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
WINDOWS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}


def hop_of(window: int) -> int:
    if window >= 12 * DAY:
        return DAY
    return HOUR if window >= 12 * HOUR else 5 * MINUTE


def expected(folder: Path, asked: list[tuple[str, int]]) -> list[dict[str, int | None]]:
    """For each (entity_id, t) the eight values, from the Parquet files of events in `folder`."""
    wanted = sorted({entity for entity, _ in asked})
    columns = ["entity_id", "event_id", "event_time", "available_at", "properties"]
    events: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for event in pq.read_table(folder, columns=columns, filters=[("entity_id", "in", wanted)]).to_pylist():
        time, available = (int(event[name].timestamp() * 1000 + 0.5) for name in ("event_time", "available_at"))
        events[event["entity_id"]].append((time, available, json.loads(event["properties"])["amount"]))
    return [values(events[entity], t) for entity, t in asked]


def values(events: list[tuple[int, int, int]], t: int) -> dict[str, int | None]:
    out: dict[str, int | None] = {}
    for name, window in WINDOWS.items():
        hop = hop_of(window)
        left = (t - window) // hop * hop
        amounts = [amount for time, available, amount in events if left <= time < t and available < t]
        out[f"orders_{name}"] = len(amounts)
        out[f"spend_{name}"] = sum(amounts) if amounts else None
    return out
