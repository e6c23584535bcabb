"""A small training job on disk, made from a known rule, and the folders the container would give the scripts."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[3]
DAY = 86_400_000
INPUTS = ["silence", "visits", "noise"]
HASH = "ab" * 32
USE_CASE = {
    "ir_version": 2,
    "views": [{"name": "shoppers", "version": f"shoppers@{HASH[:12]}", "definition_hash": HASH}],
    "label": {"name": "stays away", "horizon_ms": 7 * DAY},
    "model": {
        "name": "tiny",
        "view": "shoppers",
        "inputs": INPUTS,
        "baseline_inputs": ["silence", "visits"],
        "hyperparameters": {
            "max_depth": 3,
            "eta": 0.1,
            "subsample": 0.8,
            "num_boost_round": 200,
            "early_stopping_rounds": 10,
            "increasing": "silence",
        },
        "seed": 7,
    },
    "alerts": {"threshold": 0.8, "title": "A shopper will probably stay away"},
}


def rows(t_days: list[int], count: int, seed: int) -> pa.Table:
    """Labels by a logistic rule of silence and visits; every ninth `visits` is null."""
    random = np.random.default_rng(seed)
    n = count * len(t_days)
    silence, visits = random.exponential(5, n), random.poisson(6, n).astype(float)
    p = 1 / (1 + np.exp(-(0.5 * silence - 0.4 * visits)))
    columns = {
        "entity_id": pa.array([str(i % count) for i in range(n)]),
        "t": pa.array(np.repeat(t_days, count) * DAY, pa.int64()),
        "label": pa.array((random.random(n) < p).astype(np.int32)),
        "silence": pa.array(silence),
        "visits": pa.array(visits, mask=np.arange(n) % 9 == 0),
        "noise": pa.array(random.normal(size=n)),
    }
    return pa.table(columns)


@dataclass(frozen=True)
class Job:
    """The folders of one training job."""

    root: Path

    def channel(self, name: str) -> Path:
        return self.root / "input" / name

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def metrics(self) -> dict:
        return json.loads((self.root / "output" / "metrics.json").read_text())

    def replace(self, name: str, table: pa.Table) -> None:
        pq.write_table(table, self.channel(name) / "part-00000.parquet")

    def environment(self) -> dict[str, str]:
        channels = {f"SM_CHANNEL_{name.upper()}": str(self.channel(name)) for name in CHANNELS}
        return {**channels, "SM_MODEL_DIR": str(self.model), "SM_OUTPUT_DATA_DIR": str(self.root / "output")}


CHANNELS = ("train", "validation", "test", "usecase")


def make_job(root: Path) -> Job:
    job = Job(root)
    for name in CHANNELS:
        job.channel(name).mkdir(parents=True)
    (job.channel("usecase") / "usecase.json").write_text(json.dumps(USE_CASE))
    job.replace("train", rows([0, 7], 600, 1))
    job.replace("validation", rows([21], 600, 2))
    job.replace("test", rows([35], 600, 3))
    return job
