"""Serves model.onnx of whatever framework. Contributions are Shapley values against one row of background.json.

The graph's contract: input `inputs`, float32 [n, inputs] with NaN for null; output `margins`, float32 [n], log-odds.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FILES = ("model.onnx", "background.json")
RUNTIME = "onnxruntime"
PERMUTATIONS = 4
"""Each is walked from both ends: values of pairs of inputs that work together are exact after one pair."""
_ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class GraphScorer:
    """See `serving.Scorer`."""

    session: Any
    background: Floats
    """[inputs]"""
    orders: NDArray[np.int64]
    """[2 * PERMUTATIONS, inputs], each row a permutation; the second half is the first, backwards."""

    def margins(self, x: Floats) -> Floats:
        (found,) = self.session.run(["margins"], {"inputs": np.ascontiguousarray(x, dtype=np.float32)})
        return found.astype(np.float64)

    def contributions(self, x: Floats) -> Floats:
        """Along each permutation the inputs of the row take the place of the background's one after the other; what
        each step adds to the margin is the input's (Castro et al. 2009, doi:10.1016/j.cor.2008.04.004). The steps of a
        walk add up to the whole way, so the row adds up to its margin however few the permutations are."""
        parts = [self._walk(x[at : at + _ROWS_AT_ONCE]) for at in range(0, len(x), _ROWS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.background) + 1))

    def _walk(self, x: Floats) -> Floats:
        rows, inputs = x.shape
        walks = len(self.orders)
        # rank[w, i]: after how many steps of walk w input i is the row's own.
        rank = np.argsort(self.orders, axis=1)
        own = rank[:, None, :] < np.arange(inputs + 1)[None, :, None]
        mixed = np.where(own[None], x[:, None, None, :], self.background)
        margins = self.margins(mixed.reshape(-1, inputs)).reshape(rows, walks, inputs + 1)
        steps = np.take_along_axis(np.diff(margins, axis=2), np.broadcast_to(rank, (rows, walks, inputs)), axis=2)
        return np.column_stack([steps.mean(axis=1), margins[:, 0, 0]])


def load(folder: Path, manifest: dict[str, Any]) -> GraphScorer:
    """Raises ValueError when graph, background and manifest are not of the same inputs."""
    background = json.loads((folder / "background.json").read_text())
    if background["inputs"] != manifest["inputs"]:
        raise ValueError("background.json: found other inputs than manifest.json names; allowed: files of one job")
    row = np.array([np.nan if value is None else value for value in background["row"]], dtype=np.float64)
    return scorer_of((folder / "model.onnx").read_bytes(), row, folder, manifest)


def scorer_of(model: bytes, background: Floats, folder: Path, manifest: dict[str, Any]) -> GraphScorer:
    """Raises ValueError for a graph that does not keep the contract, or is of another number of inputs."""
    session = _session(_runtime(folder, manifest), model)
    found = [(node.name, node.type, len(node.shape)) for node in (*session.get_inputs(), *session.get_outputs())]
    if found != [("inputs", "tensor(float)", 2), ("margins", "tensor(float)", 1)]:
        raise ValueError(f"model.onnx: found {found}; allowed: float inputs [n, d] and float margins [n]")
    width = session.get_inputs()[0].shape[1]
    if width != len(background):
        raise ValueError(f"model.onnx: found {width} inputs; allowed: the {len(background)} of manifest.json")
    random = np.random.default_rng(0)
    orders = np.array([random.permutation(width) for _ in range(PERMUTATIONS)])
    return GraphScorer(session, background, np.concatenate([orders, orders[:, ::-1]]))


def _session(runtime: Any, model: bytes) -> Any:
    options = runtime.SessionOptions()
    # A request has one or a few hundred rows: waking threads for it costs more than they save.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _runtime(folder: Path, manifest: dict[str, Any]) -> Any:
    """onnxruntime of this machine, else of the wheel beside the model, whose sha256 the manifest holds, else of the
    wheel that came along with these sources.

    It is unpacked anew by each process, where nobody else writes. Raises ValueError when there is none.
    """
    if find_spec(RUNTIME) is None:
        own = [folder / name for name in manifest["files"] if name.startswith(f"{RUNTIME}-") and name.endswith(".whl")]
        wheels = own or sorted((Path(__file__).parents[1] / "wheels").glob(f"{RUNTIME}-*.whl"))
        if len(wheels) != 1:
            raise ValueError(f"manifest.json: found {len(wheels)} wheels of {RUNTIME}; allowed: one")
        site = tempfile.mkdtemp(prefix="tidemark-runtime-")
        with zipfile.ZipFile(wheels[0]) as wheel:
            wheel.extractall(site)
        sys.path.append(site)
        importlib.invalidate_caches()
    return importlib.import_module(RUNTIME)
