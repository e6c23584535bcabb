"""Feast: one entity's fifty features from its online stores, and its point-in-time join on DuckDB.

    python feast_figures.py online|pit FOLDER

The folder gets its registry and data. AWS_ENDPOINT_URL and the other AWS_* name the local cloud, for `online`.
Prints {"name": value, ...} as its last line: µs, or rows a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

# In an environment of its own.
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # pyright: ignore[reportMissingImports]
from feast.types import Float64  # pyright: ignore[reportMissingImports]

FEATURES = 50
ENTITIES = 2_000
READS = 5_000
PIT_EVENTS, PIT_SPINE, PIT_ENTITIES, PIT_ROUNDS = 1_000_000, 100_000, 50_000, 3
START = datetime(2026, 6, 1, tzinfo=UTC)
CUSTOMER = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def store_in(folder: Path, online_store: dict[str, str] | None = None) -> FeatureStore:
    return FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(folder / "registry.db"),
            online_store=online_store or {"type": "sqlite", "path": str(folder / "online.db")},
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )


def view_of(frame: pd.DataFrame, folder: Path) -> FeatureView:
    """A view over the frame's columns beside key and time; the frame becomes its file."""
    path = folder / "events.parquet"
    frame.to_parquet(path)
    names = [name for name in frame.columns if name not in ("customer_id", "event_timestamp")]
    return FeatureView(
        name="orders",
        entities=[CUSTOMER],
        ttl=timedelta(days=3650),
        schema=[Field(name=name, dtype=Float64) for name in names],
        source=FileSource(path=str(path), timestamp_field="event_timestamp"),
    )


def reads(name: str, store: FeatureStore, view: FeatureView, frame: pd.DataFrame) -> dict[str, float]:
    random = np.random.default_rng(1)
    say(f"Feast: writing {name}")
    store.apply([CUSTOMER, view])
    store.write_to_online_store("orders", frame)
    names = [f"orders:feature_{i}" for i in range(FEATURES)]
    took = []
    for number in range(READS + 500):
        if number % 1000 == 0:
            say(f"Feast: read {number} of {READS} from {name}")
        rows = [{"customer_id": f"c-{int(random.integers(ENTITIES))}"}]
        start = time.perf_counter_ns()
        found = store.get_online_features(features=names, entity_rows=rows).to_dict()
        took.append((time.perf_counter_ns() - start) / 1000)
        if found["feature_0"][0] is None:
            raise ValueError("feature_0: found no value; allowed: the one that was written")
    p50, p99 = np.percentile(took[500:], [50, 99])
    return {f"Feast 0.67 {name}, fetched, p50": float(p50), f"Feast 0.67 {name}, fetched, p99": float(p99)}


def online(folder: Path) -> dict[str, float]:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({f"feature_{i}": random.random(ENTITIES) for i in range(FEATURES)})
    frame["customer_id"] = [f"c-{i}" for i in range(ENTITIES)]
    frame["event_timestamp"] = pd.Timestamp(START)
    view = view_of(frame, folder)
    sqlite = reads("SQLite", store_in(folder), view, frame)
    (folder / "registry.db").unlink()
    remote = {"type": "dynamodb", "region": os.environ["AWS_REGION"], "endpoint_url": os.environ["AWS_ENDPOINT_URL"]}
    return sqlite | reads("DynamoDB on MiniStack", store_in(folder, remote), view, frame)


def pit(folder: Path) -> dict[str, float]:
    random = np.random.default_rng(1)

    def moments(n: int) -> pd.Series:
        return pd.Series(pd.Timestamp(START) + pd.to_timedelta(random.integers(0, 60 * 86_400, n), unit="s"))

    def customers(n: int) -> list[str]:
        return [f"c-{i}" for i in random.integers(0, PIT_ENTITIES, n)]

    events = pd.DataFrame({"customer_id": customers(PIT_EVENTS), "event_timestamp": moments(PIT_EVENTS)})
    events["amount"] = random.random(PIT_EVENTS)
    spine = pd.DataFrame({"customer_id": customers(PIT_SPINE), "event_timestamp": moments(PIT_SPINE)})
    store, view = store_in(folder), view_of(events, folder)
    store.apply([CUSTOMER, view])
    took = []
    for done in range(PIT_ROUNDS + 1):
        say(f"Feast: point-in-time join, {'warm-up' if done == 0 else f'round {done} of {PIT_ROUNDS}'}")
        start = time.perf_counter()
        rows = len(store.get_historical_features(entity_df=spine, features=["orders:amount"]).to_df())
        if done > 0:
            took.append(time.perf_counter() - start)
        if rows == 0:
            raise ValueError("rows: found none; allowed: one a spine row")
    rate = (PIT_EVENTS + PIT_SPINE) / float(np.median(took))
    return {"Feast 0.67 on DuckDB, latest value only, 1 M x 100 k": rate}


def main() -> None:
    part, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps({"online": online, "pit": pit}[part](folder)))


if __name__ == "__main__":
    main()
