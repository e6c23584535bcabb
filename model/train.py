"""Trains, calibrates and measures the model of a use case. SageMaker XGBoost container, script mode.

Channels: train, validation, test (parquet: entity_id, t, label, one column a model input), usecase (the IR document).
Everything else comes from the use case: inputs, hyperparameters, seed, threshold. The validation slice, later than the
training slice, stops the boosting and calibrates; the test slice, later again, only measures.

Writes to the model folder: model.ubj, calibration.json, metadata.json, code/; to the output folder: metrics.json. One
log line `metric <name>=<value>;` a measure. Same data, same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb
from calibration import Calibration
from identity import model_sha256
from logistic import Baseline
from measures import NAMES, Scored, compare
from numpy.typing import NDArray
from training_data import Slice, TrainingDataError, check_order, label_gap_ms, read_slice, read_use_case, view_of

Floats = NDArray[np.float64]

_BOOSTER_PARAMETERS = (
    "max_depth",
    "eta",
    "subsample",
    "colsample_bytree",
    "min_child_weight",
    "reg_lambda",
    "reg_alpha",
    "gamma",
    "max_bin",
)
_OTHER = ("num_boost_round", "early_stopping_rounds", "increasing", "decreasing", "nthread")


@dataclass(frozen=True)
class Trained:
    """The booster up to its best round, its calibration, and the baseline."""

    booster: xgb.Booster
    calibration: Calibration
    baseline: Baseline
    rounds: int

    def scores(self, rows: Slice) -> Floats:
        return self.calibration.apply(margins(self.booster, rows))


def margins(booster: xgb.Booster, rows: Slice) -> Floats:
    """Log-odds before calibration."""
    data = xgb.DMatrix(rows.x, feature_names=list(rows.inputs))
    return booster.predict(data, output_margin=True).astype(np.float64)


def booster_parameters(model: dict[str, Any]) -> dict[str, Any]:
    """XGBoost's parameters from the use case. Raises TrainingDataError for one it doesn't know."""
    given: dict[str, Any] = model["hyperparameters"]
    unknown = sorted(set(given) - set(_BOOSTER_PARAMETERS) - set(_OTHER))
    if unknown:
        allowed = ", ".join((*_BOOSTER_PARAMETERS, *_OTHER))
        raise TrainingDataError(f"model.hyperparameters: found {', '.join(unknown)}; allowed: {allowed}")
    direction = dict.fromkeys(_names(model, "increasing"), 1) | dict.fromkeys(_names(model, "decreasing"), -1)
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "seed": model["seed"],
        # Threads add gradients in another order, and other bytes come out: one, unless the use case asks for speed.
        "nthread": given.get("nthread", 1),
        "monotone_constraints": tuple(direction.get(name, 0) for name in model["inputs"]),
        **{name: given[name] for name in _BOOSTER_PARAMETERS if name in given},
    }


def _names(model: dict[str, Any], key: str) -> list[str]:
    names = [name.strip() for name in str(model["hyperparameters"].get(key, "")).split(",") if name.strip()]
    unknown = sorted(set(names) - set(model["inputs"]))
    if unknown:
        raise TrainingDataError(f"model.hyperparameters.{key}: found {', '.join(unknown)}; allowed: model inputs")
    return names


def fit(model: dict[str, Any], train: Slice, validation: Slice) -> Trained:
    """Boosts until the validation slice stops improving, calibrates on it; the baseline needs the training slice."""
    inputs, hyper = list(model["inputs"]), model["hyperparameters"]
    grown = xgb.train(
        booster_parameters(model),
        xgb.DMatrix(train.x, label=train.label, feature_names=inputs),
        num_boost_round=int(hyper.get("num_boost_round", 1000)),
        evals=[(xgb.DMatrix(validation.x, label=validation.label, feature_names=inputs), "validation")],
        early_stopping_rounds=int(hyper.get("early_stopping_rounds", 50)),
        verbose_eval=False,
    )
    rounds = grown.best_iteration + 1
    booster = grown[:rounds]
    calibration = Calibration.fit(margins(booster, validation), validation.label.astype(np.float64))
    names = list(model["baseline_inputs"])
    baseline = Baseline.fit(train.columns(names), train.label.astype(np.float64))
    return Trained(booster, calibration, baseline, rounds)


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
        "rounds": trained.rounds,
    }


def log_lines(metrics: dict[str, Any]) -> list[str]:
    """One line a measure, as the metric definitions of the training job read them."""
    values = {name: metrics["model"][name]["value"] for name in NAMES}
    values |= {f"baseline_{name}": metrics["baseline"][name]["value"] for name in NAMES}
    values |= {f"{name}_gain_low": metrics["difference"][name]["low"] for name in ("auc", "average_precision")}
    return [f"metric {name}={value:.6g};" for name, value in values.items() if value is not None]


def write_model(folder: Path, trained: Trained, metadata: dict[str, Any]) -> dict[str, Any]:
    """The files of the model; returns the metadata with `model_version`, the hash of what decides a score."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.booster.save_model(folder / "model.ubj")
    trained.calibration.write(folder / "calibration.json")
    sha256 = model_sha256(folder, metadata["definition_hash"])
    metadata = {**metadata, "model_version": f"{metadata['model']}-{sha256[:12]}", "model_sha256": sha256}
    write_json(folder / "metadata.json", metadata)
    # The model serves by its own code: SAGEMAKER_SUBMIT_DIRECTORY names this folder. The container leaves a setup.py of
    # its own making beside the sources, and would make it again.
    code = folder / "code"
    code.mkdir(exist_ok=True)
    for source in sorted(set(Path(__file__).parent.glob("*.py")) - {Path(__file__).with_name("setup.py")}):
        shutil.copyfile(source, code / source.name)
    return metadata


def write_json(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n")


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
    metadata = {
        "model": model["name"],
        "view": view["version"],
        "definition_hash": view["definition_hash"],
        "inputs": list(model["inputs"]),
        "training_set_id": given.training_set_id,
        "snapshot_id": given.snapshot_id,
        "rounds": trained.rounds,
        "rows": {part.name: len(part) for part in (train, validation, test)},
        "versions": {
            "xgboost": xgb.__version__,
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
            "python": platform.python_version(),
        },
    }
    metadata = write_model(given.model_dir, trained, metadata)
    identity = {key: metadata[key] for key in ("definition_hash", "training_set_id", "snapshot_id", "inputs")}
    write_json(
        given.output_data_dir / "metrics.json",
        {**metrics, **identity, "model_version": metadata["model_version"], "model_sha256": metadata["model_sha256"]},
    )
    for line in log_lines(metrics):
        print(line, flush=True)


if __name__ == "__main__":
    main()
