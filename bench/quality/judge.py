"""Fits one model and measures it on rows that are later than all it has learnt from.

    python bench/quality/judge.py FOLDER

As a program it reads FOLDER/usecase.json and a file of arrays a slice, and writes FOLDER/metrics.json: a framework is
imported by a process that has its libraries and no others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "model")]

from evaluation import measure  # noqa: E402
from fitting import Trained, fit  # noqa: E402
from logistic import sigmoid  # noqa: E402
from measures import compare  # noqa: E402
from training_data import Slice  # noqa: E402

MONOTONE = ("increasing", "decreasing")
SLICES = ("train", "validation", "test")


def judged(use_case: dict[str, Any], train: Slice, validation: Slice, test: Slice) -> dict[str, Any]:
    """The metrics document, with `calibrated` (see `calibration`) and the seconds that it took."""
    began = time.monotonic()
    trained = fit(use_case["model"], train, validation)
    metrics = measure(use_case, trained, test)
    metrics["calibrated"] = calibration(trained, test, metrics["threshold"], use_case["model"]["seed"])
    return metrics | {"seconds": time.monotonic() - began}


def calibration(trained: Trained, test: Slice, threshold: float, seed: int) -> dict[str, dict[str, Any]]:
    """Brier score and calibration error of the model's own probabilities, of what is served, and their difference."""
    raw = sigmoid(trained.fitted.margins(test.x))
    found = compare(test.entity_id, test.label, trained.scores(test), raw, threshold, seed=seed)
    said = {"before": found["baseline"], "after": found["model"], "difference": found["difference"]}
    return {who: {name: all_[name].json() for name in ("brier", "calibration_error")} for who, all_ in said.items()}


def judged_apart(
    framework: str, use_case: dict[str, Any], train: Slice, validation: Slice, test: Slice
) -> dict[str, Any]:
    """As `judged`, of another framework with its own defaults, in a process of its own.

    Hyperparameters are a framework's own; of those of the use case only the directions mean something to another, and
    only to trees. Raises FileNotFoundError where the framework was not set up.
    """
    prepared = ROOT / ".cache" / "frameworks" / framework / "environment.json"
    if not prepared.exists():
        raise FileNotFoundError(f"{framework}: not set up. Run `npm run setup -- --frameworks` once.")
    model = use_case["model"]
    kept = MONOTONE if framework == "sklearn" else ()
    hyperparameters = {name: model["hyperparameters"][name] for name in kept if name in model["hyperparameters"]}
    asked = use_case | {"model": model | {"framework": framework, "hyperparameters": hyperparameters}}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "usecase.json").write_text(json.dumps(asked))
        for rows in (train, validation, test):
            name = {id(train): "train", id(validation): "validation"}.get(id(rows), "test")
            np.savez(Path(folder) / f"{name}.npz", entity_id=rows.entity_id, t=rows.t, label=rows.label, x=rows.x)
        environment = os.environ | json.loads(prepared.read_text())
        subprocess.run([sys.executable, __file__, folder], env=environment, check=True)
        return json.loads((Path(folder) / "metrics.json").read_text())


def main(folder: Path) -> None:
    use_case = json.loads((folder / "usecase.json").read_text())
    found = []
    for name in SLICES:
        with np.load(folder / f"{name}.npz") as held:
            columns = (held[one] for one in ("entity_id", "t", "label", "x"))
            found.append(Slice(name, *columns, inputs=tuple(use_case["model"]["inputs"])))
    (folder / "metrics.json").write_text(json.dumps(judged(use_case, *found)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
