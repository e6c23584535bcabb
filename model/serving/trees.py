"""XGBoost's model.json as a graph, where XGBoost is not installed. Contributions count from the unknown customer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from frameworks.xgboost.graph import to_onnx

from serving.onnx import GraphScorer, scorer_of

FILES = ("model.json",)


def load(folder: Path, manifest: dict[str, Any]) -> GraphScorer:
    """Raises ValueError when the trees were grown on other inputs than the manifest names."""
    document = json.loads((folder / "model.json").read_text())
    if document["learner"]["feature_names"] != manifest["inputs"]:
        raise ValueError("model.json: found other inputs than manifest.json names; allowed: files of one training job")
    return scorer_of(to_onnx(document), np.full(len(manifest["inputs"]), np.nan), folder, manifest)
