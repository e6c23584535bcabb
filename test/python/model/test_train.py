"""train.py as the container runs it: a process with SM_* variables, files in, files out."""

import json
import os
import pickletools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from training_job import HASH, INPUTS, ROOT, USE_CASE, Job, make_job


def train(job: Job, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "model" / "train.py"), *(arguments or ("--training_set_id", "set-1"))],
        env={"PATH": os.environ["PATH"], **job.environment()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_containers_own_files_beside_the_sources_do_not_come_into_the_model(job, tmp_path):
    """The container makes a package of /opt/ml/code before it runs `python -m train` there."""
    assert train(job).returncode == 0
    here = files(job.model)
    code = tmp_path / "code"
    shutil.copytree(ROOT / "model", code, ignore=shutil.ignore_patterns("__pycache__"))
    (code / "setup.py").write_text("from setuptools import setup\nsetup(packages=[''])\n")
    shutil.rmtree(job.model)
    command = [sys.executable, "-m", "train", "--training_set_id", "set-1"]
    env = {"PATH": os.environ["PATH"], **job.environment()}
    subprocess.run(command, env=env, cwd=code, check=True, timeout=120, capture_output=True)
    assert files(job.model) == here


def test_writes_model_metrics_and_log_lines(job):
    done = train(job, "--training_set_id", "set-1", "--snapshot_id", "4711")
    assert done.returncode == 0, done.stderr
    written = set(files(job.model))
    code = {"code/inference.py", "code/train.py", "code/serving/xgboost.py", "code/frameworks/xgboost/train.py"}
    assert code <= written
    manifest = json.loads((job.model / "manifest.json").read_text())
    assert set(manifest["files"]) == {"model.ubj", "model.json", "calibration.json"}
    assert {name for name in written if not name.startswith("code/")} == {*manifest["files"], "manifest.json"}
    assert (manifest["format"], manifest["framework"]) == (1, "xgboost")
    assert manifest["definition_hash"] == HASH
    assert manifest["inputs"] == INPUTS
    assert (manifest["training_set_id"], manifest["snapshot_id"]) == ("set-1", "4711")
    assert re.fullmatch(r"tiny-[0-9a-f]{12}", manifest["model_version"])
    metrics = job.metrics
    assert metrics["test"]["rows"] == 600
    assert 0.75 < metrics["model"]["auc"]["low"] < metrics["model"]["auc"]["value"] < metrics["model"]["auc"]["high"]
    reported = dict(re.findall(r"metric (\w+)=([-+0-9.eE]+);", done.stdout))
    for name in ("auc", "average_precision", "brier", "calibration_error"):
        assert float(reported[name]) == pytest.approx(metrics["model"][name]["value"], rel=1e-5)
    assert float(reported["baseline_auc"]) == pytest.approx(metrics["baseline"]["auc"]["value"], rel=1e-5)


def test_a_use_case_without_alerts_is_measured_at_the_middle(job):
    document = job.channel("usecase") / "usecase.json"
    document.write_text(json.dumps({name: part for name, part in USE_CASE.items() if name != "alerts"}))
    done = train(job)
    assert done.returncode == 0, done.stderr
    assert job.metrics["threshold"] == 0.5


def test_same_data_gives_the_same_bytes_whatever_the_part_files(job, tmp_path):
    other = make_job(tmp_path / "other")
    whole = pq.read_table(other.channel("train") / "part-00000.parquet")
    shuffled = whole.take(pa.array(np.random.default_rng(5).permutation(len(whole))))
    other.replace("train", shuffled.slice(0, 500))
    pq.write_table(shuffled.slice(500), other.channel("train") / "part-00001.parquet")
    assert train(job).returncode == train(other).returncode == 0
    assert files(job.model) == files(other.model)
    # How long a row takes is of the machine, and nothing else.
    timeless = [{**of.metrics, "serving": of.metrics["serving"]["bytes"]} for of in (job, other)]
    assert timeless[0] == timeless[1]


def test_another_seed_is_another_model_of_the_same_rows(job, tmp_path):
    other, again = make_job(tmp_path / "other"), make_job(tmp_path / "again")
    assert train(job).returncode == 0
    for one in (other, again):
        assert train(one, "--training_set_id", "set-1", "--seed", "11").returncode == 0
    seeds = [json.loads((one.model / "manifest.json").read_text())["seed"] for one in (job, other, again)]
    assert seeds == [USE_CASE["model"]["seed"], 11, 11]
    assert (job.model / "model.ubj").read_bytes() != (other.model / "model.ubj").read_bytes()
    assert files(other.model) == files(again.model)
    assert other.metrics["seed"] == 11


def test_nothing_is_a_pickle(job):
    assert train(job).returncode == 0
    for name, content in files(job.root).items():
        if name.startswith("input"):
            continue
        with pytest.raises(ValueError):
            list(pickletools.genops(content))
    for source in (ROOT / "model").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) (pickle|joblib|cloudpickle|marshal|shelve)", source.read_text(), re.M)


def dropped(table: pa.Table) -> pa.Table:
    return table.drop_columns(["visits"])


def label_unknown(table: pa.Table) -> pa.Table:
    label = table["label"].cast(pa.float64()).to_numpy().copy()
    label[3] = np.nan
    return table.set_column(2, "label", pa.array(label))


def label_null(table: pa.Table) -> pa.Table:
    return table.set_column(2, "label", pa.array([None, *table["label"].to_pylist()[1:]], pa.int32()))


def text_input(table: pa.Table) -> pa.Table:
    return table.set_column(3, "silence", table["silence"].cast(pa.string()))


def infinite(table: pa.Table) -> pa.Table:
    return table.set_column(3, "silence", pa.array([float("inf"), *table["silence"].to_pylist()[1:]]))


def too_early(table: pa.Table) -> pa.Table:
    return table.set_column(1, "t", pa.array(np.full(len(table), 8 * 86_400_000), pa.int64()))


def twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(5, 2)])


def knows_its_instant(table: pa.Table) -> pa.Table:
    newest = [None, *table["t"].to_pylist()[1:3], *(t - 1 for t in table["t"].to_pylist()[3:])]
    return table.append_column("newest_event_time", pa.array(newest, pa.int64()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (twice, "channel validation: found 2 rows of an entity at an instant that has one already"),
        (knows_its_instant, "column newest_event_time: found an event at or after t in 2 rows"),
        (dropped, "channel validation: found no column visits"),
        (label_unknown, "channel validation: column label: found a value that is neither 0 nor 1"),
        (label_null, "channel validation: column label: found a value that is neither 0 nor 1"),
        (text_input, "channel validation: column silence: found string"),
        (infinite, "channel validation: column silence: found infinity"),
        (lambda table: table.slice(0, 0), "channel validation: found no rows"),
        (too_early, "channel validation: found an instant inside the label horizon of channel train"),
    ],
)
def test_refuses_what_cannot_be_trained_on(job, change, message):
    job.replace("validation", change(pq.read_table(job.channel("validation") / "part-00000.parquet")))
    done = train(job)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (job.model / "model.ubj").exists()


def with_label_as_noise(table: pa.Table) -> pa.Table:
    return table.set_column(5, "noise", table["label"].cast(pa.float64()))


def test_an_input_that_is_the_label_is_named_though_no_model_can_be_calibrated(job):
    for name in ("train", "validation", "test"):
        job.replace(name, with_label_as_noise(pq.read_table(job.channel(name) / "part-00000.parquet")))
    done = train(job)
    assert done.returncode != 0
    assert "no convergence" in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("training_data.TrainingDataError")]
    assert said == [
        "training_data.TrainingDataError: model.inputs: input noise is the label in 100.00% of the rows; allowed: "
        "below 99.90%; input noise alone has an AUC of 1.0000 on test; above 0.98 look for a leak first. "
        "Look for what knows the future."
    ]
    assert not (job.model / "model.ubj").exists()


def test_an_input_that_leaks_and_leaves_a_model_is_named_in_the_metrics(job):
    random = np.random.default_rng(9)
    for name in ("train", "validation", "test"):
        table = with_label_as_noise(pq.read_table(job.channel(name) / "part-00000.parquet"))
        nearly = table["noise"].to_numpy() + random.normal(0, 0.3, len(table))
        job.replace(name, table.set_column(5, "noise", pa.array(nearly)))
    done = train(job)
    assert done.returncode == 0, done.stderr
    assert [(one["check"], one["input"]) for one in job.metrics["leaks"]["failed"]] == [("single_input", "noise")]


@pytest.mark.parametrize(
    ("hyperparameters", "message"),
    [
        ({"max_dpeth": 3}, "model.hyperparameters: found max_dpeth; allowed: max_depth"),
        ({"increasing": "silence,nose"}, "model.hyperparameters.increasing: found nose"),
    ],
)
def test_refuses_unknown_hyperparameters(job, hyperparameters, message):
    use_case = {**USE_CASE, "model": {**USE_CASE["model"], "hyperparameters": hyperparameters}}
    (job.channel("usecase") / "usecase.json").write_text(json.dumps(use_case))
    done = train(job)
    assert done.returncode != 0
    assert message in done.stderr


def test_constraint_holds_and_calibration_helps(job):
    from inference import model_fn, predict, read_request
    from training_data import read_slice

    assert train(job).returncode == 0
    model = model_fn(str(job.model))
    sweep = [[silence / 4, 5, 0.0] for silence in range(120)]
    body = json.dumps({"instances": sweep, "definition_hash": HASH})
    scores = predict(read_request(body, "application/json"), model).scores
    assert (np.diff(scores) >= -1e-7).all()
    assert scores[-1] - scores[0] > 0.3
    test = read_slice("test", job.channel("test"), INPUTS)
    assert job.metrics["model"]["calibration_error"]["value"] < 0.06
    assert job.metrics["test"]["positives"] == test.label.sum()
