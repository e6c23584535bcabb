"""The serving contract: what is answered, and what is refused with which status."""

import importlib.util
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import xgboost as xgb
from inference import RequestError, input_fn, model_fn, output_fn, predict_fn
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
    body = json.dumps({"instances": instances, "definition_hash": definition_hash})
    text, content_type = output_fn(predict_fn(input_fn(body, JSON), model), JSON)
    assert content_type == JSON
    return json.loads(text)


def test_contributions_and_bias_add_up_to_the_margin_and_calibrate_to_the_score(model, folder):
    instances = [[12.5, 1, 0.3], [0.1, 9, -1.0], [3, None, None]]
    answer = ask(model, instances)
    assert answer["definition_hash"] == HASH
    assert answer["model_version"] == json.loads((folder / "metadata.json").read_text())["model_version"]
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
    assert len(predict_fn(input_fn(body, "application/json; charset=utf-8"), model).scores) == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("{", 400, "found text that is no JSON"),
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
        (json.dumps({"instances": [[1, 2]], "definition_hash": HASH}), 400, "found 2 values a row; allowed: 3"),
        (f'{{"instances": [[1, 2, {"9" * 400}]], "definition_hash": "x"}}', 400, "found a number beyond"),
    ],
)
def test_refuses_with_status_and_one_sentence(model, body, status, message):
    with pytest.raises(RequestError) as refused:
        predict_fn(input_fn(body, JSON), model)
    assert refused.value.status_code == status
    assert message in refused.value.message == str(refused.value)


def test_refuses_other_content_types(model):
    with pytest.raises(RequestError) as refused:
        input_fn("1,2,3", "text/csv")
    assert refused.value.status_code == 415
    answer = predict_fn(input_fn(json.dumps({"instances": [[1, 2, 3]], "definition_hash": HASH}), JSON), model)
    with pytest.raises(RequestError) as refused:
        output_fn(answer, "text/csv")
    assert refused.value.status_code == 406


def test_files_of_two_jobs_are_refused(folder, tmp_path):
    for name in ("model.ubj", "calibration.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    metadata = json.loads((folder / "metadata.json").read_text())
    (tmp_path / "metadata.json").write_text(json.dumps({**metadata, "inputs": INPUTS[::-1]}))
    with pytest.raises(ValueError, match="found other inputs"):
        model_fn(str(tmp_path))


def test_the_error_is_the_containers_own_kind_where_there_is_one(monkeypatch):
    """The container answers with the status of its own exception class, and with 500 for any other."""
    import types

    class BaseInferenceToolkitError(Exception):
        def __init__(self, status_code, message, phrase):
            self.status_code, self.message, self.phrase = status_code, message, phrase

    package, errors = types.ModuleType("sagemaker_inference"), types.ModuleType("sagemaker_inference.errors")
    errors.BaseInferenceToolkitError = BaseInferenceToolkitError
    monkeypatch.setitem(sys.modules, "sagemaker_inference", package)
    monkeypatch.setitem(sys.modules, "sagemaker_inference.errors", errors)
    spec = importlib.util.spec_from_file_location("inference_in_container", ROOT / "model" / "inference.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "inference_in_container", module)
    spec.loader.exec_module(module)
    with pytest.raises(BaseInferenceToolkitError) as refused:
        module.input_fn("{", JSON)
    assert refused.value.status_code == 400


def test_one_row_is_answered_in_milliseconds(model):
    body = json.dumps({"instances": [[1, 2, 3]], "definition_hash": HASH})
    spent = []
    for _ in range(30):
        began = time.perf_counter()
        output_fn(predict_fn(input_fn(body, JSON), model), JSON)
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[len(spent) // 2] < 0.02
