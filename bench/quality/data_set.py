"""A data set to measure on: a use case in a folder, and the wire events that its `load_events.py` makes of a package.

The same definition, contracts and point-in-time join as in production, without Spark and SageMaker around them.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
from training_data import Slice, read_slice

from tidemark_spark.engine.admission.contracts import AdmitOptions, Position, admit, compile_contracts
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.engine.slices import SPLITS
from tidemark_spark.engine.training import plan_training, training_rows
from tidemark_spark.lake.training_files import parquet_bytes

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class DataSet:
    """`goals`: measure → the value to reach at least, of the Brier score at most, with its decimals."""

    name: str
    folder: Path
    loader: Path
    goals: dict[str, str]

    def use_case(self) -> dict[str, Any]:
        """Compiled. Needs Node on the PATH and the npm packages."""
        program = f"process.stdout.write(JSON.stringify((await import('./{self.folder}/index.ts')).default))"
        command = ["node", "--import", "tsx", "--input-type=module", "-e", program]
        return parse_use_case(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)

    def wire_events(self) -> Iterable[str]:
        """A line of JSON each: what `all_events()` of the loader gives, or has as its `line`."""
        found = self.load_events().all_events()
        return getattr(found, "line", found)

    def load_events(self) -> ModuleType:
        """The module of the loader."""
        spec = importlib.util.spec_from_file_location(f"load_events_{self.name}", ROOT / self.loader)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module


def _here(name: str) -> Path:
    return Path("bench", "quality", name)


_CHURN = Path("usecases", "churn")
_CHURN_LOADER = _CHURN / "load_events.py"
DATA_SETS = {
    one.name: one
    for one in (
        DataSet("churn", _CHURN, _CHURN_LOADER, {"auc": "0.851", "average_precision": "0.682", "brier": "0.140"}),
        DataSet("churn28", _here("churn28"), _CHURN_LOADER, {"auc": "0.854"}),
        DataSet("cdnow", _here("cdnow"), _here("cdnow") / "load_events.py", {"auc": "0.7275"}),
        DataSet("flights", _here("flights"), _here("flights") / "load_events.py", {}),
    )
}


def canonical_events(use_case: dict[str, Any], lines: Iterable[str]) -> pa.Table:
    """Every wire event of the data, through the contracts; a rejected one ends the run."""
    contracts = compile_contracts(use_case["contracts"])
    options = AdmitOptions(True, use_case["replay"]["available_lag_ms"], MAX_BYTES)
    admitted = [
        admit(line.encode(), Position("history", str(number), 0), contracts, options)
        for number, line in enumerate(lines, 1)
    ]
    columns = {name: [event[name] for event in admitted] for name in EVENT_SCHEMA.names if name != "properties"}
    columns["properties"] = [json.dumps(event["properties"]) for event in admitted]
    return pa.table(columns, schema=EVENT_SCHEMA)


@dataclass(frozen=True)
class Channels:
    """The slices of a training job by their names, and how many rows were left out, by the reason."""

    slices: dict[str, Slice]
    dropped: dict[str, int]


def channels(use_case: dict[str, Any], events: pa.Table) -> Channels:
    """Through the parquet files that a training job would read."""
    newest = int(np.max(events["event_time"].to_numpy()))
    plan = plan_training(use_case, newest)
    made = training_rows(plan, events)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for split in SPLITS:
            rows = made.rows.filter(pa.array(made.rows["split"].to_numpy(zero_copy_only=False) == split))
            if not len(rows):
                continue
            file = Path(folder) / split / "part-00000.parquet"
            file.parent.mkdir()
            file.write_bytes(parquet_bytes(rows.combine_chunks(), plan.inputs))
            found[split] = read_slice(split, file.parent, plan.inputs)
    return Channels(found, made.dropped)
