"""Serves model.ubj. Contributions are TreeSHAP values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FILES = ("model.ubj",)


@dataclass(frozen=True)
class TreeScorer:
    """See `serving.Scorer`."""

    booster: xgb.Booster

    def margins(self, x: Floats) -> Floats:
        return self.booster.predict(self._data(x), output_margin=True).astype(np.float64)

    def contributions(self, x: Floats) -> Floats:
        return self.booster.predict(self._data(x), pred_contribs=True).astype(np.float64)

    def _data(self, x: Floats) -> xgb.DMatrix:
        return xgb.DMatrix(x, feature_names=self.booster.feature_names, nthread=1)


def load(folder: Path, manifest: dict[str, Any]) -> TreeScorer:
    """Raises ValueError when the trees were grown on other inputs than the manifest names."""
    booster = xgb.Booster(model_file=folder / "model.ubj")
    if booster.feature_names != manifest["inputs"]:
        raise ValueError("model.ubj: found other inputs than manifest.json names; allowed: files of one training job")
    # A request has one or a few hundred rows: waking threads for it costs more than they save.
    booster.set_param({"nthread": 1})
    return TreeScorer(booster)
