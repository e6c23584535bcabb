"""Trains, calibrates and measures the model of a use case. The container of its framework, script mode.

Channels: train, validation, test (parquet: entity_id, t, label, one column a model input), usecase (the IR document).
Everything else comes from the use case: inputs, hyperparameters, seed, threshold. The validation slice, later than the
training slice, stops the fit and calibrates; the test slice, later again, only measures. A channel `champion`, where
there is one, has the archive of the model that serves: it is measured on the same rows.

Writes to the model folder: the files of the framework, calibration.json, manifest.json, code/; to the output folder:
metrics.json, trials.json, card.json, card.md, plots/. One log line `metric <name>=<value>;` a measure. Same data, same
bytes of the model.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from card import write_card
from card_words import leak_sentence
from champion import against_champion
from evaluation import input_leaks, leaks, log_lines, measure, served, threshold_of
from fitting import Trained, fit
from frameworks import framework, name_of
from identity import write_json, write_manifest
from training_data import (
    Slice,
    TrainingDataError,
    check_order,
    label_gap_ms,
    read_slice,
    read_use_case,
    view_of,
)


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


def fit_or_name_leaks(model: dict[str, Any], train: Slice, validation: Slice, failed: list[dict[str, Any]]) -> Trained:
    """As `fit`. Raises TrainingDataError where it finds no model and inputs leak: they are why, and what to mend."""
    try:
        return fit(model, train, validation)
    except ArithmeticError as error:
        if not failed:
            raise
        found = "; ".join(leak_sentence(one) for one in failed)
        raise TrainingDataError(f"model.inputs: {found}. Look for what knows the future.") from error


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trains the model of a use case")
    for channel in ("train", "validation", "test", "usecase", "champion"):
        default = os.environ.get(f"SM_CHANNEL_{channel.upper()}", f"/opt/ml/input/data/{channel}")
        parser.add_argument(f"--{channel}", type=Path, default=Path(default))
    parser.add_argument("--model_dir", type=Path, default=Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")))
    output = os.environ.get("SM_OUTPUT_DATA_DIR", "/opt/ml/output/data")
    parser.add_argument("--output_data_dir", type=Path, default=Path(output))
    parser.add_argument("--training_set_id", required=True)
    parser.add_argument("--seed", type=int, help="in place of the use case's: another model of the same rows")
    parser.add_argument("--snapshot_id", help="Iceberg snapshot that the training set was read from")
    return parser.parse_args()


def main() -> None:
    given = options()
    use_case = read_use_case(given.usecase)
    if given.seed is not None:
        use_case["model"]["seed"] = given.seed
    model, view = use_case["model"], view_of(use_case)
    train, validation, test = (
        read_slice(name, getattr(given, name), list(model["inputs"])) for name in ("train", "validation", "test")
    )
    check_order(train, validation, test, label_gap_ms(use_case["label"]))
    of_inputs = input_leaks(use_case, train, test)
    trained = fit_or_name_leaks(model, train, validation, of_inputs["failed"])
    name = name_of(model)
    about = {
        "framework": name,
        "model": model["name"],
        "view": view["version"],
        "definition_hash": view["definition_hash"],
        "inputs": list(model["inputs"]),
        "training_set_id": given.training_set_id,
        "snapshot_id": given.snapshot_id,
        "seed": model["seed"],
        "learnt_until": int(validation.t.max()),
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
    champion = against_champion(
        given.champion,
        view["definition_hash"],
        test,
        trained.scores(test),
        threshold_of(use_case),
        seed=model["seed"],
        gap_ms=label_gap_ms(use_case["label"]),
    )
    carried = ("definition_hash", "training_set_id", "snapshot_id", "inputs", "seed", "model_version", "model_sha256")
    metrics = {
        **measure(use_case, trained, test),
        **served(given.model_dir, manifest, test),
        "leaks": leaks(of_inputs, model, trained, train, test),
        "champion": champion,
        **{key: manifest[key] for key in carried},
    }
    write_json(given.output_data_dir / "metrics.json", metrics)
    write_json(given.output_data_dir / "trials.json", {"trials": [trial.json() for trial in trained.trials]})
    write_card(given.output_data_dir, use_case, manifest, metrics, trained.trials)
    for line in log_lines(metrics):
        print(line, flush=True)


if __name__ == "__main__":
    main()
