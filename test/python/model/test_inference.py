"""The serving contract: what is answered, and what is refused with which status."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import serving
import xgboost as xgb
from identity import model_sha256, read_manifest
from inference import model_fn, transform_fn
from training_job import HASH, INPUTS, ROOT, make_job

JSON = "application/json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    job = make_job(tmp_path_factory.mktemp("serving") / "job")
    environment = {"PATH": os.environ["PATH"], **job.environment()}
    command = [sys.executable, str(ROOT / "model" / "train.py"), "--training_set_id", "set-1"]
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    return job.model


@pytest.fixture(scope="module")
def model(folder):
    return model_fn(str(folder))


def ask(model, instances, definition_hash=HASH):
    response = answer(model, json.dumps({"instances": instances, "definition_hash": definition_hash}))
    assert (response.status_code, response.mimetype) == (200, JSON)
    return response.get_json()


def answer(model, body, content_type=JSON, accept=JSON):
    return transform_fn(model, body, content_type, accept)


def test_contributions_and_bias_add_up_to_the_margin_and_calibrate_to_the_score(model, folder):
    instances = [[12.5, 1, 0.3], [0.1, 9, -1.0], [3, None, None]]
    answer = ask(model, instances)
    assert answer["definition_hash"] == HASH
    assert answer["model_version"] == json.loads((folder / "manifest.json").read_text())["model_version"]
    booster = xgb.Booster(model_file=folder / "model.ubj")
    data = xgb.DMatrix(np.array(instances, dtype=float), feature_names=INPUTS)
    calibration = json.loads((folder / "calibration.json").read_text())
    margins = booster.predict(data, output_margin=True)
    for prediction, margin in zip(answer["predictions"], margins, strict=True):
        assert len(prediction["contributions"]) == len(INPUTS)
        total = sum(prediction["contributions"]) + prediction["bias"]
        assert total == pytest.approx(float(margin), abs=1e-5)
        expected = 1 / (1 + np.exp(-(calibration["intercept"] + calibration["slope"] * total)))
        assert prediction["score"] == pytest.approx(expected)
    assert answer["predictions"][0]["score"] > answer["predictions"][1]["score"]


def test_null_is_missing_and_not_zero(model):
    null, zero = ask(model, [[2, None, 0], [2, 0, 0]])["predictions"]
    assert null["score"] != zero["score"]


def test_bytes_and_charset_are_read_too(model):
    body = json.dumps({"instances": [[1, 2, 3]], "definition_hash": HASH}).encode()
    response = answer(model, body, "application/json; charset=utf-8")
    assert len(response.get_json()["predictions"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("{", 400, "found text that is not valid JSON"),
        ("[" * 100_000, 400, "found text that is not valid JSON"),
        ("[]", 400, "body: found list"),
        ('{"instances": [[1, 2, 3]]}', 400, "definition_hash: found NoneType"),
        ('{"instances": [[1, 2, NaN]], "definition_hash": "x"}', 400, "the constant NaN"),
        ('{"instances": [[1, 2, -Infinity]], "definition_hash": "x"}', 400, "the constant -Infinity"),
        ('{"instances": [[1, 2, 1e400]], "definition_hash": "x"}', 400, "found a number beyond"),
        ('{"instances": [[1, 2, 1e39]], "definition_hash": "x"}', 400, "found a number beyond"),
        ('{"instances": [], "definition_hash": "x"}', 400, "found no list of lists"),
        ('{"instances": [1, 2], "definition_hash": "x"}', 400, "found no list of lists"),
        ('{"instances": [[1, 2, 3], [1]], "definition_hash": "x"}', 400, "rows of different lengths"),
        ('{"instances": [[1, "2", true]], "definition_hash": "x"}', 400, "found bool, str"),
        (json.dumps({"instances": [[1, 2, 3]], "definition_hash": "cd" * 32}), 409, "the model was trained on 'abab"),
        (json.dumps({"instances": [[1, 2]], "definition_hash": HASH}), 400, "found 2 values per row; allowed: 3"),
        (f'{{"instances": [[1, 2, {"9" * 400}]], "definition_hash": "x"}}', 400, "found a number beyond"),
    ],
)
def test_refuses_with_status_and_one_sentence(model, body, status, message):
    refused = answer(model, body)
    assert (refused.status_code, refused.mimetype) == (status, JSON)
    document = refused.get_json()
    assert message in document["error"]
    assert (document["definition_hash"], document["model_version"]) == (HASH, model.model_version)


def test_refuses_other_content_types(model):
    body = json.dumps({"instances": [[1, 2, 3]], "definition_hash": HASH})
    assert answer(model, "1,2,3", "text/csv").status_code == 415
    assert answer(model, body, accept="text/csv").status_code == 406
    assert answer(model, body, accept="text/csv, */*;q=0.1").status_code == 200


def test_a_fault_of_ours_is_raised_and_not_answered(model, monkeypatch):
    """The container makes a 500 of it, and the endpoint's alarm counts it."""

    def broken(*_):
        raise MemoryError

    monkeypatch.setattr("inference.predict", broken)
    with pytest.raises(MemoryError):
        ask(model, [[1, 2, 3]])


def test_files_of_two_jobs_are_refused(folder, tmp_path):
    for name in ("model.ubj", "model.json", "calibration.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "inputs": INPUTS[::-1]}))
    with pytest.raises(ValueError, match="found other inputs"):
        model_fn(str(tmp_path))


def test_a_file_that_the_manifest_has_no_hash_of_is_not_loaded(folder, tmp_path):
    model = copied(folder, tmp_path / "model")
    manifest = json.loads((model / "manifest.json").read_text())
    files = {name: sha256 for name, sha256 in manifest["files"].items() if name != "model.ubj"}
    shortened = manifest | {"files": files, "model_sha256": model_sha256(files, HASH)}
    (model / "manifest.json").write_text(json.dumps(shortened))
    with pytest.raises(ValueError, match=r"found no sha256 of model\.ubj"):
        model_fn(str(model))


def test_one_row_is_answered_in_milliseconds(model):
    body = json.dumps({"instances": [[1, 2, 3]], "definition_hash": HASH})
    spent = []
    for _ in range(30):
        began = time.perf_counter()
        answer(model, body)
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[len(spent) // 2] < 0.02


def test_the_trees_score_alike_where_xgboost_is_not_installed(folder, monkeypatch):
    manifest = read_manifest(folder)
    rows = np.array([[12.5, 1, 0.3], [0.1, np.nan, -1.0], [np.nan] * 3])
    trees = serving.load(folder, manifest)
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    graph = serving.load(folder, manifest)
    assert type(graph) is not type(trees)
    assert np.abs(graph.margins(rows) - trees.margins(rows)).max() <= 1e-5
    with pytest.raises(ValueError, match=r"model\.json: found other inputs"):
        serving.load(folder, manifest | {"inputs": INPUTS[::-1]})


def copied(folder, to):
    shutil.copytree(folder, to)
    return to


def test_only_the_approved_bytes_are_loaded(folder, tmp_path, monkeypatch):
    sha256 = json.loads((folder / "manifest.json").read_text())["model_sha256"]
    monkeypatch.setenv("TIDEMARK_MODEL_SHA256", sha256)
    assert model_fn(str(folder)).definition_hash == HASH
    monkeypatch.setenv("TIDEMARK_MODEL_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="other bytes than TIDEMARK_MODEL_SHA256 says"):
        model_fn(str(folder))


@pytest.mark.parametrize("name", ["model.ubj", "calibration.json", "manifest.json"])
def test_a_file_that_was_changed_is_not_loaded(folder, tmp_path, name):
    changed = copied(folder, tmp_path / "model") / name
    if name == "manifest.json":
        changed.write_text(json.dumps(json.loads(changed.read_text()) | {"definition_hash": "1" * 64}))
    elif name == "calibration.json":
        changed.write_text(changed.read_text().replace("}", " }"))
    else:
        changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(ValueError, match=r"other bytes than manifest\.json says"):
        model_fn(str(tmp_path / "model"))
