"""A model of the size of churn's, packed as a training job packs it: what both scorers of the benchmark load."""

from __future__ import annotations

import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np
import xgboost as xgb

MODEL = Path(__file__).resolve().parents[2] / "model"
sys.path.insert(0, str(MODEL))

from calibration import Platt  # noqa: E402
from identity import write_manifest  # noqa: E402

INPUTS = [f"input_{i}" for i in range(30)]
ROUNDS = 200


def main() -> None:
    archive, definition_hash = Path(sys.argv[1]), sys.argv[2]
    folder = archive.parent / "model"
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    x = random.exponential(1.0, (20_000, len(INPUTS)))
    x[random.random(x.shape) < 0.1] = np.nan
    y = (np.nan_to_num(x[:, 0]) + np.nan_to_num(x[:, 1]) + random.normal(size=len(x)) > 2).astype(int)
    parameters = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.05, "nthread": 1}
    booster = xgb.train(parameters, xgb.DMatrix(x, label=y, feature_names=INPUTS), num_boost_round=ROUNDS)
    for name in ("model.ubj", "model.json"):
        booster.save_model(folder / name)
    Platt(0.0, 1.0).write(folder / "calibration.json")
    about = {"framework": "xgboost", "model": "bench", "definition_hash": definition_hash, "inputs": INPUTS}
    manifest = write_manifest(folder, {**about, "versions": {}})
    shutil.copytree(MODEL, folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    with tarfile.open(archive, "w:gz") as file:
        for path in sorted(folder.iterdir()):
            file.add(path, path.name)
    print(manifest["model_sha256"])


if __name__ == "__main__":
    main()
