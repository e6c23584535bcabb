"""Models of other frameworks, served as ONNX: equal to the framework, explained to the last bit, complete."""

import itertools
import json
import math
import shutil
import sys
import time
import zipfile

import numpy as np
import pytest
import serving
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from identity import read_manifest
from inference import model_fn, transform_fn
from onnx_models import FRAMEWORKS, MODELS, expected, manifest, model_folder
from serving import onnx
from training_job import HASH, INPUTS

NUMBERS = st.floats(-1e6, 1e6, width=32) | st.just(float("nan"))
SCORERS = {name: onnx.load(MODELS / name, manifest(name)) for name in FRAMEWORKS}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_scores_are_those_of_the_framework(name):
    rows, margins = expected(name)
    assert np.isnan(rows).any() and len(rows) == 40 and margins.std() > 0.5
    assert np.abs(SCORERS[name].margins(rows) - margins).max() <= 1e-5


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_container_answers_with_scores_and_reasons(name, tmp_path):
    model = model_fn(str(model_folder(name, tmp_path / "model")))
    rows, margins = expected(name)
    instances = [[None if math.isnan(value) else value for value in row] for row in rows.tolist()]
    body = json.dumps({"instances": instances, "definition_hash": HASH})
    answer = transform_fn(model, body, "application/json", "application/json").get_json()
    calibration = json.loads((MODELS / name / "calibration.json").read_text())
    probabilities = 1 / (1 + np.exp(-(calibration["intercept"] + calibration["slope"] * margins)))
    found = answer["predictions"]
    assert np.abs([row["score"] for row in found] - probabilities).max() <= 1e-5
    totals = [sum(row["contributions"]) + row["bias"] for row in found]
    assert np.abs(totals - margins).max() <= 1e-5
    assert answer["model_version"] == manifest(name)["model_version"]


@pytest.mark.parametrize("name", FRAMEWORKS)
@given(x=arrays(np.float32, (3, len(INPUTS)), elements=NUMBERS))
def test_contributions_add_up_to_the_margin(name, x):
    """But for what float32 makes of the same row among others: products of matrices add in another order there."""
    scorer = SCORERS[name]
    contributions = scorer.contributions(x.astype(np.float64))
    assert contributions.shape == (3, len(INPUTS) + 1)
    assert np.abs(contributions.sum(axis=1) - scorer.margins(x)).max() <= 5e-6


class RowByRow:
    """A session whose answer for a row depends on nothing else."""

    def run(self, _, given):
        x = np.nan_to_num(given["inputs"].astype(np.float64))
        return [np.tanh(x[:, 0] * x[:, 1]) + np.abs(x[:, 2] - x[:, 0]) * 1e-3]


@given(x=arrays(np.float32, (40, len(INPUTS)), elements=NUMBERS))
def test_steps_of_a_walk_add_up_exactly(x):
    scorer = onnx.GraphScorer(RowByRow(), SCORERS["sklearn"].background, SCORERS["sklearn"].orders)
    contributions = scorer.contributions(x.astype(np.float64))
    assert np.allclose(contributions.sum(axis=1), scorer.margins(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_contributions_are_shapley_values(name):
    """Of two inputs that work together: each walk and its reverse give both orders, so the mean is exact."""
    scorer = SCORERS[name]
    rows, _ = expected(name)
    for row in rows[:10]:
        changed = np.where([True, True, False], row, scorer.background)
        (found,) = scorer.contributions(changed[None])
        for at in (0, 1):
            other = 1 - at
            gains = []
            for before in ((), (other,)):
                mixed = scorer.background.copy()
                mixed[list(before)] = row[list(before)]
                added = mixed.copy()
                added[at] = row[at]
                gains.append(float(np.diff(scorer.margins(np.array([mixed, added])))[0]))
            assert found[at] == pytest.approx(np.mean(gains), abs=1e-6)
        assert found[2] == pytest.approx(0, abs=1e-6)
        assert found[3] == pytest.approx(scorer.margins(scorer.background[None])[0], abs=1e-6)


def test_all_orders_are_close_to_few_of_them():
    scorer = SCORERS["sklearn"]
    rows, _ = expected("sklearn")
    every = np.array(list(itertools.permutations(range(len(INPUTS)))))
    exact = onnx.GraphScorer(scorer.session, scorer.background, every).contributions(rows)
    assert np.abs(scorer.contributions(rows) - exact).max() < 0.25
    assert np.abs(exact[:, :-1]).max() > 1


@pytest.mark.parametrize(("rows", "milliseconds"), [(1, 20), (200, 200)])
def test_reasons_are_had_in_milliseconds(rows, milliseconds):
    scorer, x = SCORERS["sklearn"], np.tile(expected("sklearn")[0], (5, 1))[:rows]
    spent = []
    for _ in range(15):
        began = time.perf_counter()
        scorer.contributions(x)
        spent.append(1000 * (time.perf_counter() - began))
    assert sorted(spent)[len(spent) // 2] < milliseconds


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_the_folder_of_a_container_holds_what_the_manifest_names(name, tmp_path):
    folder = model_folder(name, tmp_path / "model")
    assert {path.name for path in folder.iterdir()} == {*read_manifest(folder)["files"], "manifest.json", "code"}
    code = folder / "code"
    assert {"inference.py", "serving/onnx.py", "identity.py", "calibration.py"} <= {
        str(path.relative_to(code)) for path in code.rglob("*.py")
    }
    # /opt/ml/code comes before the packages: a folder of a library's name would hide it.
    libraries = {"flask", "numpy", "onnxruntime", "pyarrow", "sklearn", "tensorflow", "torch", "xgboost"}
    assert not libraries & {path.stem for path in code.iterdir()}
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": INPUTS[::-1]}, r"background\.json: found other inputs"),
        ({"files": {"model.onnx": "", "calibration.json": ""}}, r"found no sha256 of background\.json"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        serving.load(MODELS / "sklearn", manifest("sklearn") | change)


def test_a_graph_of_another_shape_is_refused(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(MODELS / "sklearn", folder)
    inputs = [*INPUTS, "more"]
    (folder / "background.json").write_text(json.dumps({"inputs": inputs, "row": [0, 0, 0, 0]}))
    with pytest.raises(ValueError, match=r"model\.onnx: found 3 inputs; allowed: the 4 of manifest\.json"):
        serving.load(folder, manifest("sklearn") | {"inputs": inputs})


def test_the_runtime_comes_out_of_the_wheel_where_none_is_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "RUNTIME", "standin_runtime")
    monkeypatch.setattr(sys, "path", [*sys.path])
    name = "standin_runtime-1-cp312-cp312-manylinux_2_28_x86_64.whl"
    with pytest.raises(ValueError, match=r"found 0 wheels of standin_runtime; allowed: one"):
        onnx._runtime(tmp_path, {"files": {}})
    with zipfile.ZipFile(tmp_path / name, "w") as wheel:
        wheel.writestr("standin_runtime/__init__.py", "VERSION = 1\n")
    assert onnx._runtime(tmp_path, {"files": {name: "…"}}).VERSION == 1
