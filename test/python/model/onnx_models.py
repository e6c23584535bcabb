"""Small models of each framework (test/fixtures/models, made by make.py there), in the folder a container has."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from training_job import ROOT

MODELS = ROOT / "test" / "fixtures" / "models"
FRAMEWORKS = ("pytorch", "sklearn", "tensorflow")


def expected(framework: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and what the framework itself made of them: log-odds before calibration."""
    found = json.loads((MODELS / framework / "expected.json").read_text())
    rows = [[np.nan if value is None else value for value in row] for row in found["rows"]]
    return np.array(rows), np.array(found["margins"])


def model_folder(framework: str, folder: Path) -> Path:
    """/opt/ml/model: the model's files and the sources that serve it, without what only the tests know."""
    shutil.copytree(MODELS / framework, folder, ignore=shutil.ignore_patterns("expected.json"))
    ignored = shutil.ignore_patterns("__pycache__", "*.txt", "wheels")
    shutil.copytree(ROOT / "model", folder / "code", ignore=ignored)
    return folder


def manifest(framework: str) -> dict[str, Any]:
    return json.loads((MODELS / framework / "manifest.json").read_text())
