"""Measures the churn model out of time on the real events: the figures of docs/measurements.md.

    python bench/quality/out_of_time.py [--usecase usecase.json] [--json FILE] [--rolling]

The same definition, point-in-time join and training code as in production, without Spark and SageMaker around them.
With --rolling, the model is chosen, not judged: it is trained on the first training instants and measured on the
later ones and on the validation instants. The test slice is then not even built.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("glue-scripts", "model", "usecases/churn")]

import load_events  # noqa: E402
from measures import NAMES, Estimate  # noqa: E402
from train import fit, measure  # noqa: E402
from training_data import Slice, check_order, read_slice  # noqa: E402

from tidemark_spark.engine.admission.contracts import AdmitOptions, Position, admit, compile_contracts  # noqa: E402
from tidemark_spark.engine.event_log import EVENT_SCHEMA  # noqa: E402
from tidemark_spark.engine.ir import parse_use_case  # noqa: E402
from tidemark_spark.engine.training import plan_training, training_rows  # noqa: E402

MAX_BYTES = 1 << 20


def compiled() -> bytes:
    """The IR document of usecases/churn. Needs Node on the PATH and the npm packages."""
    program = "process.stdout.write(JSON.stringify((await import('./usecases/churn/index.ts')).default))"
    command = ["node", "--import", "tsx", "--input-type=module", "-e", program]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout


def canonical_events(use_case: dict[str, Any]) -> pa.Table:
    """Every wire event of the data, through the contracts; a rejected one ends the run."""
    contracts = compile_contracts(use_case["contracts"])
    options = AdmitOptions(True, use_case["replay"]["available_lag_ms"], MAX_BYTES)
    lines = load_events.all_events().line
    admitted = [
        admit(line.encode(), Position("history", str(number), 0), contracts, options)
        for number, line in enumerate(lines, 1)
    ]
    columns = {name: [event[name] for event in admitted] for name in EVENT_SCHEMA.names if name != "properties"}
    columns["properties"] = [json.dumps(event["properties"]) for event in admitted]
    return pa.table(columns, schema=EVENT_SCHEMA)


def slices(use_case: dict[str, Any], events: pa.Table) -> dict[str, Slice]:
    """The channels of a training job, through the parquet files that it would read."""
    newest = int(np.max(events["event_time"].to_numpy()))
    plan = plan_training(use_case, newest)
    rows = training_rows(plan, events)
    values = rows["values"].combine_chunks()
    flat, width = values.flatten(), len(plan.inputs)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for split in ("train", "validation", "test"):
            chosen = np.flatnonzero((rows["split"].to_numpy() == split) & rows["label"].is_valid().to_numpy())
            if not len(chosen):
                continue
            table = rows.select(["entity_id", "t", "label"]).take(pa.array(chosen))
            for i, name in enumerate(plan.inputs):
                table = table.append_column(name, flat.take(pa.array(chosen * width + i)))
            (Path(folder) / split).mkdir()
            pq.write_table(table, Path(folder) / split / "part-0.parquet")
            found[split] = read_slice(split, Path(folder) / split, plan.inputs)
    return found


def at(rows: Slice, name: str, keep: np.ndarray) -> Slice:
    return replace(
        rows, name=name, entity_id=rows.entity_id[keep], t=rows.t[keep], label=rows.label[keep], x=rows.x[keep]
    )


def joined(a: Slice, b: Slice, name: str) -> Slice:
    return replace(
        a,
        name=name,
        entity_id=np.concatenate([a.entity_id, b.entity_id]),
        t=np.concatenate([a.t, b.t]),
        label=np.concatenate([a.label, b.label]),
        x=np.concatenate([a.x, b.x]),
    )


def rolling(found: dict[str, Slice]) -> list[tuple[Slice, Slice, Slice]]:
    """(train, validation, measured) with closed labels between them: two origins, none of them in the test slice."""
    train, validation = found["train"], found["validation"]
    instants, later = np.unique(train.t), np.unique(validation.t)
    return [
        (
            at(train, "train", train.t <= instants[-5]),
            at(train, "validation", train.t == instants[-4]),
            joined(at(train, "measured", train.t >= instants[-3]), validation, "measured"),
        ),
        (
            train,
            at(validation, "validation", validation.t == later[0]),
            at(validation, "measured", validation.t >= later[2]),
        ),
    ]


def show(metrics: dict[str, Any]) -> str:
    """A Markdown table of the measures."""
    lines = ["| measure | model | baseline | difference |", "| --- | --- | --- | --- |"]
    for name in NAMES:
        cells = [as_text(Estimate(**metrics[who][name])) for who in ("model", "baseline", "difference")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    test = metrics["test"]
    lines.append(f"\n{test['rows']:,} rows of {test['entities']:,} entities, base rate {test['base_rate']:.3f}")
    return "\n".join(lines)


def as_text(estimate: Estimate) -> str:
    """`0.853 (0.836 to 0.869)`, or a dash where there is no value."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "—"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Out-of-time quality of the churn model")
    parser.add_argument("--usecase", type=Path, help="a compiled use case; else usecases/churn is compiled")
    parser.add_argument("--json", type=Path, help="writes the figures here, too")
    parser.add_argument("--rolling", action="store_true", help="compare on earlier slices; leave the test slice alone")
    given = parser.parse_args()
    use_case = parse_use_case(given.usecase.read_bytes() if given.usecase else compiled())
    began = time.monotonic()
    events = canonical_events(use_case)
    if given.rolling:
        model, horizon = use_case["model"], use_case["label"]["horizon_ms"]
        use_case = {**use_case, "model": {**model, "test": {**model["test"], "to": model["test"]["from"] - 1}}}
        folds = rolling(slices(use_case, events))
    else:
        found = slices(use_case, events)
        horizon, folds = use_case["label"]["horizon_ms"], [(found["train"], found["validation"], found["test"])]
    results = []
    for train, validation, test in folds:
        check_order(train, validation, test, horizon)
        results.append(measure(use_case, fit(use_case["model"], train, validation), test))
        print(show(results[-1]), f"rounds {results[-1]['rounds']}", sep="\n", end="\n\n")
    print(f"{time.monotonic() - began:.0f} s")
    if given.json:
        given.json.write_text(json.dumps(results if given.rolling else results[0], indent=2) + "\n")


if __name__ == "__main__":
    main()
