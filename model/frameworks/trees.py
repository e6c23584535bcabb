"""Regression trees as an ONNX graph: operator TreeEnsembleRegressor of ai.onnx.ml 3."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from frameworks.graph import INPUT, Graph


@dataclass(frozen=True)
class Tree:
    """One tree, a row a node, its root first. A leaf has no children; its `value` is what it adds to the margin.

    Another node goes left where its feature is below the value, or is null and `null_left` says so.
    """

    feature: NDArray[np.int64]
    value: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    null_left: NDArray[np.bool_]
    leaf: NDArray[np.bool_]


def to_onnx(trees: Iterable[Tree], width: int, base: float, mode: str) -> bytes:
    """`mode`: BRANCH_LT goes left below the value, BRANCH_LEQ at it too. `base`: log-odds before the first tree."""
    trees = list(trees)
    numbers = [np.full(len(tree.value), at) for at, tree in enumerate(trees)]
    own = [np.arange(len(tree.value)) for tree in trees]
    tree_of, node_of = np.concatenate(numbers), np.concatenate(own)
    leaf, value = (np.concatenate([getattr(tree, name) for tree in trees]) for name in ("leaf", "value"))
    left, right, feature, null_left = (
        np.where(leaf, 0, np.concatenate([getattr(tree, name) for tree in trees])).astype(int).tolist()
        for name in ("left", "right", "feature", "null_left")
    )
    graph = Graph(width)
    margins = graph.add(
        "TreeEnsembleRegressor",
        INPUT,
        domain="ai.onnx.ml",
        aggregate_function="SUM",
        post_transform="NONE",
        n_targets=1,
        base_values=[float(base)],
        nodes_treeids=tree_of.tolist(),
        nodes_nodeids=node_of.tolist(),
        nodes_modes=["LEAF" if is_leaf else mode for is_leaf in leaf],
        nodes_featureids=feature,
        nodes_values=np.where(leaf, 0, value).astype(float).tolist(),
        nodes_truenodeids=left,
        nodes_falsenodeids=right,
        nodes_missing_value_tracks_true=null_left,
        target_ids=[0] * int(leaf.sum()),
        target_treeids=tree_of[leaf].tolist(),
        target_nodeids=node_of[leaf].tolist(),
        target_weights=value[leaf].astype(float).tolist(),
    )
    return graph.finish(margins)


def below(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The greatest float32 at or below each: for a float32 `x`, `x <= threshold` is `x <= below(threshold)`."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded).astype(np.float32)
