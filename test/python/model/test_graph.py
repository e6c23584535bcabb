"""What the writer of graphs writes: onnxruntime reads it, and it scores as what it was made of."""

import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import xgboost as xgb
from frameworks import trees
from frameworks.graph import Graph
from frameworks.network import FittedNetwork, Preparation, Settings, fit_network
from frameworks.xgboost.graph import to_onnx
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training_data import Slice, TrainingDataError
from training_job import INPUTS, ROOT, USE_CASE


def margins(model: bytes, x) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["margins"], {"inputs": np.asarray(x, dtype=np.float32)})[0])


def rows(seed: int, count: int = 400) -> Slice:
    random = np.random.default_rng(seed)
    x = random.normal(0, 30, (count, 3))
    x[random.random((count, 3)) < 0.2] = np.nan
    label = (np.nan_to_num(x[:, 0]) + random.normal(0, 10, count) > 5).astype(np.int64)
    return Slice("train", np.arange(count).astype(str), np.zeros(count, np.int64), label, x, tuple(INPUTS))


class NumpyNetwork:
    """What a framework gives `frameworks.network`: here plain gradient descent on the last layer."""

    def __init__(self, weights, settings: Settings) -> None:
        self._weights, self._rate = [array.copy() for array in weights], settings.learning_rate

    def _hidden(self, x):
        for at in range(0, len(self._weights) - 2, 2):
            x = np.maximum(x @ self._weights[at] + self._weights[at + 1], 0)
        return x

    def margins(self, x):
        return (self._hidden(x) @ self._weights[-2] + self._weights[-1])[:, 0]

    def step(self, x, label):
        error = 1 / (1 + np.exp(-self.margins(x))) - label
        self._weights[-2] -= self._rate * (self._hidden(x).T @ error)[:, None] / len(x)
        self._weights[-1] -= self._rate * error.mean(keepdims=True)

    def weights(self):
        return [array.copy() for array in self._weights]

    def restore(self, weights):
        self._weights = [array.copy() for array in weights]


def fitted(**parameters) -> FittedNetwork:
    given = {"learning_rate": 0.5, "epochs": 5, "hidden": "8,4", **parameters}
    return fit_network(NumpyNetwork, USE_CASE["model"], rows(1), rows(2), given)


def test_a_network_scores_alike_in_its_graph_nulls_and_outliers_too(tmp_path):
    model = fitted()
    model.save(tmp_path)
    x = rows(3).x
    x[0], x[1] = [1e30, -1e30, 0], [np.nan] * 3
    found = margins((tmp_path / "model.onnx").read_bytes(), x)
    assert np.abs(found - model.margins(x)).max() <= 1e-5
    assert found.std() > 0.1


def test_the_same_fit_writes_the_same_bytes_and_stops_where_it_was_best(tmp_path):
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = fitted(epochs=40, patience=2, learning_rate=30)
        model.save(tmp_path / name)
        written.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"model.onnx", "background.json"}
    assert 1 <= model.epochs < 38


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hiden": "8"}, "model.hyperparameters: found hiden; allowed: hidden, "),
        ({"hidden": "8,-1"}, "model.hyperparameters.hidden: found '8,-1'"),
        ({"epochs": 0}, "model.hyperparameters.epochs: found 0; allowed: above 0"),
    ],
)
def test_a_network_refuses_parameters(parameters, message):
    with pytest.raises(TrainingDataError, match=message):
        fitted(**parameters)


def test_a_column_without_values_is_a_flag_and_no_number():
    x = rows(1).x
    x[:, 1] = np.nan
    prepared = Preparation.fit(x).apply(x)
    assert np.isfinite(prepared).all() and (prepared[:, 1] == 0).all() and (prepared[:, 4] == 1).all()


def grown(seed: int = 0) -> xgb.Booster:
    data = rows(seed)
    given = {"objective": "binary:logistic", "max_depth": 4, "seed": seed, "nthread": 1}
    return xgb.train(given, xgb.DMatrix(data.x, label=data.label, feature_names=INPUTS), num_boost_round=30)


@pytest.fixture(scope="module")
def boosted():
    booster = grown()
    return booster, to_onnx(json.loads(bytes(booster.save_raw("json"))))


def test_trees_score_alike_in_their_graph_on_thresholds_and_nulls(boosted):
    booster, graph = boosted
    nodes = booster.trees_to_dataframe()
    splits = nodes[nodes.Feature != "Leaf"]
    # Rows on the thresholds themselves, and a step of float32 to each side.
    exact = np.array([[split] * 3 for split in splits.Split], dtype=np.float32)
    x = np.concatenate([rows(7).x.astype(np.float32), exact, np.nextafter(exact, np.float32(-np.inf)), [[np.nan] * 3]])
    expected = booster.predict(xgb.DMatrix(x, feature_names=INPUTS), output_margin=True)
    assert np.abs(margins(graph, x) - expected).max() <= 1e-5
    assert len(splits) > 50


def test_the_trees_of_a_file_are_made_a_graph_by_a_command(tmp_path, boosted):
    booster, graph = boosted
    booster.save_model(tmp_path / "model.json")
    command = [sys.executable, "-m", "frameworks.xgboost.graph", "model.json", "model.onnx"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "model")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60)
    assert (tmp_path / "model.onnx").read_bytes() == graph


def test_another_booster_is_refused(boosted):
    document = json.loads(bytes(boosted[0].save_raw("json")))
    document["learner"]["objective"]["name"] = "reg:squarederror"
    with pytest.raises(ValueError, match="found gbtree of reg:squarederror; allowed: gbtree of binary:logistic"):
        to_onnx(document)


@given(arrays(np.float64, 20, elements=st.floats(-1e30, 1e30)), arrays(np.float32, 20, elements=st.floats(width=32)))
def test_a_float32_is_below_a_threshold_when_it_is_below_its_float32(thresholds, x):
    cut = trees.below(thresholds)
    for value in (x, cut, np.nextafter(cut, np.float32(np.inf))):
        assert ((value.astype(np.float64) <= thresholds) == (value <= cut)).all()


@given(
    arrays(
        np.float32, (5, 2), elements=st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
    )
)
def test_numbers_and_lists_are_read_as_they_were_written_negative_ones_too(x):
    graph = Graph(2)
    kept = graph.add("ReduceMax", graph.add("Concat", "inputs", "inputs", axis=-1), axes=[1], keepdims=0)
    assert np.array_equal(margins(graph.finish(kept), x), x.max(axis=1))
