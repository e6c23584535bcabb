"""model.json of XGBoost as ONNX, without XGBoost: `python -m frameworks.xgboost.graph <model.json> <model.onnx>`.

The format is that of https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from frameworks import trees


def to_onnx(document: dict[str, Any]) -> bytes:
    """Raises ValueError for another kind of booster than `train.py` of this folder grows."""
    learner = document["learner"]
    kind = (learner["gradient_booster"]["name"], learner["objective"]["name"])
    if kind != ("gbtree", "binary:logistic"):
        raise ValueError(f"model.json: found {' of '.join(kind)}; allowed: gbtree of binary:logistic")
    about = learner["learner_model_param"]
    base = float(np.ravel(json.loads(about["base_score"]))[0])
    grown = [_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
    # base_score is a probability; a row is a float32 there as here, and goes left below the threshold.
    return trees.to_onnx(grown, int(about["num_feature"]), math.log(base / (1 - base)), "BRANCH_LT")


def _tree(tree: dict[str, Any]) -> trees.Tree:
    left = np.array(tree["left_children"], dtype=np.int64)
    return trees.Tree(
        feature=np.array(tree["split_indices"], dtype=np.int64),
        value=np.array(tree["split_conditions"], dtype=np.float32),
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        null_left=np.array(tree["default_left"], dtype=bool),
        leaf=left == -1,
    )


def main() -> None:
    source, target = sys.argv[1:]
    Path(target).write_bytes(to_onnx(json.loads(Path(source).read_text())))


if __name__ == "__main__":
    main()
