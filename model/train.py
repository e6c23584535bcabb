"""Trains, calibrates and measures the model of a use case. The container of its framework, script mode.

Channels: train, validation, test (parquet: entity_id, t, label, one column a model input), usecase (the IR document).
Everything else comes from the use case: inputs, hyperparameters, seed, threshold. The validation slice, later than the
training slice, stops the fit and calibrates; the test slice, later again, only measures.

Writes to the model folder: the files of the framework, calibration.json, manifest.json, code/; to the output folder:
metrics.json. One log line `metric <name>=<value>;` a measure. Same data, same bytes.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from calibration import Calibration
from frameworks import Fitted, framework, name_of
from identity import write_json, write_manifest
from logistic import Baseline
from measures import NAMES, Scored, compare
from numpy.typing import NDArray
from training_data import Slice, check_order, label_gap_ms, read_slice, read_use_case, view_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """A fitted model, its calibration, and the baseline."""

    fitted: Fitted
    calibration: Calibration
    baseline: Baseline

    def scores(self, rows: Slice) -> Floats:
        return self.calibration.apply(self.fitted.margins(rows.x))


def fit(model: dict[str, Any], train: Slice, validation: Slice) -> Trained:
    """Fits by the model's framework and calibrates on the validation slice; the baseline needs the training slice."""
    fitted = framework(name_of(model)).fit(model, train, validation, model["hyperparameters"])
    calibration = Calibration.fit(fitted.margins(validation.x), validation.label.astype(np.float64))
    names = list(model["baseline_inputs"])
    baseline = Baseline.fit(train.columns(names), train.label.astype(np.float64))
    return Trained(fitted, calibration, baseline)


def measure(use_case: dict[str, Any], trained: Trained, test: Slice) -> dict[str, Any]:
    """The metrics document: model, baseline and their paired difference on the test slice."""
    model = use_case["model"]
    # Without alerts no score has a consequence: the middle is as good as any to measure precision at.
    threshold = use_case["alerts"]["threshold"] if "alerts" in use_case else 0.5
    scores = trained.scores(test)
    of_baseline = trained.baseline.predict(test.columns(list(model["baseline_inputs"])))
    found = compare(test.entity_id, test.label, scores, of_baseline, threshold, seed=model["seed"])
    return {
        **{who: {name: estimate.json() for name, estimate in all_.items()} for who, all_ in found.items()},
        "reliability": Scored(test.label, scores, threshold).reliability(),
        "test": {
            "rows": len(test),
            "entities": len(np.unique(test.entity_id)),
            "positives": int(test.label.sum()),
            "base_rate": float(test.label.mean()),
        },
        "threshold": threshold,
        **trained.fitted.details,
    }


def log_lines(metrics: dict[str, Any]) -> list[str]:
    """One line a measure, as the metric definitions of the training job read them."""
    values = {name: metrics["model"][name]["value"] for name in NAMES}
    values |= {f"baseline_{name}": metrics["baseline"][name]["value"] for name in NAMES}
    values |= {f"{name}_gain_low": metrics["difference"][name]["low"] for name in ("auc", "average_precision")}
    return [f"metric {name}={value:.6g};" for name, value in values.items() if value is not None]


def write_model(folder: Path, trained: Trained, about: dict[str, Any]) -> dict[str, Any]:
    """The files of the model and the sources that serve it; returns the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.fitted.save(folder)
    if about["framework"] != "xgboost":
        # The container that serves has no onnxruntime, and no network: lib/training/serving-runtime.ts.
        for wheel in Path(__file__).parent.glob("wheels/*.whl"):
            shutil.copyfile(wheel, folder / wheel.name)
    trained.calibration.write(folder / "calibration.json")
    manifest = write_manifest(folder, about)
    # The model serves by its own code: SAGEMAKER_SUBMIT_DIRECTORY names this folder. The container leaves a setup.py of
    # its own making beside the sources, and a build/ with their copies, and would make both again.
    sources = Path(__file__).parent
    for source in sorted({*sources.glob("*.py"), *sources.glob("frameworks/**/*.py"), *sources.glob("serving/*.py")}):
        target = folder / "code" / source.relative_to(sources)
        if source != sources / "setup.py":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return manifest


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains the model of a use case")
    for channel in ("train", "validation", "test", "usecase"):
        default = os.environ.get(f"SM_CHANNEL_{channel.upper()}", f"/opt/ml/input/data/{channel}")
        parser.add_argument(f"--{channel}", type=Path, default=Path(default))
    parser.add_argument("--model_dir", type=Path, default=Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")))
    output = os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")
    parser.add_argument("--output_data_dir", type=Path, default=Path(output))
    parser.add_argument("--training_set_id", required=True)
    parser.add_argument("--snapshot_id", help="Iceberg snapshot that the training set was read from")
    return parser.parse_args()


def main() -> None:
    given = options()
    use_case = read_use_case(given.usecase)
    model, view = use_case["model"], view_of(use_case)
    train, validation, test = (
        read_slice(name, getattr(given, name), list(model["inputs"])) for name in ("train", "validation", "test")
    )
    check_order(train, validation, test, label_gap_ms(use_case["label"]))
    trained = fit(model, train, validation)
    metrics = measure(use_case, trained, test)
    name = name_of(model)
    about = {
        "framework": name,
        "model": model["name"],
        "view": view["version"],
        "definition_hash": view["definition_hash"],
        "inputs": list(model["inputs"]),
        "training_set_id": given.training_set_id,
        "snapshot_id": given.snapshot_id,
        "rows": {part.name: len(part) for part in (train, validation, test)},
        "versions": {
            **framework(name).versions(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "python": platform.python_version(),
        },
        **trained.fitted.details,
    }
    manifest = write_model(given.model_dir, trained, about)
    carried = ("definition_hash", "training_set_id", "snapshot_id", "inputs", "model_version", "model_sha256")
    write_json(given.output_data_dir / "metrics.json", {**metrics, **{key: manifest[key] for key in carried}})
    for line in log_lines(metrics):
        print(line, flush=True)


if __name__ == "__main__":
    main()
