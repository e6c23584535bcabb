"""What a training with search, segments and capacity leaves behind: trials, measures, card, plots; the champion."""

import json
import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from card import card_json
from card_markdown import markdown
from champion import against_champion
from search import Trial
from tidemark_local.sagemaker.errors import SageMakerError
from tidemark_local.sagemaker.model_card import check_model_card
from training_data import read_slice
from training_job import DAY, HASH, INPUTS, ROOT, USE_CASE, Job, make_job

RANGES = {"max_depth": {"values": [2, 3]}, "eta": {"min": 0.05, "max": 0.3, "scale": "log"}}
MODEL = {
    **USE_CASE["model"],
    "search": {"strategy": "random", "trials": 4, "seed": 5, "parameters": RANGES},
    "segments": ["visits", "silence"],
}
DOCUMENT = {**USE_CASE, "model": MODEL, "alerts": {**USE_CASE["alerts"], "capacity_per_day": 50}}


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Job:
    job = make_job(tmp_path_factory.mktemp("card") / "job")
    (job.channel("usecase") / "usecase.json").write_text(json.dumps(DOCUMENT))
    command = [sys.executable, str(ROOT / "model" / "train.py"), "--training_set_id", "set-1"]
    environment = {"PATH": os.environ["PATH"], **job.environment()}
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    return job


def output(job: Job, name: str) -> str:
    return (job.root / "output" / name).read_text()


def parts(job: Job) -> tuple[dict, dict, list[Trial]]:
    trials = [Trial(*one.values()) for one in json.loads(output(job, "trials.json"))["trials"]]
    return json.loads((job.model / "manifest.json").read_text()), job.metrics, trials


def test_the_search_is_recorded_and_its_best_trial_is_the_model(job):
    trials = json.loads(output(job, "trials.json"))["trials"]
    assert [one["trial"] for one in trials] == [0, 1, 2, 3] and trials[0]["changed"] == {}
    best = min(trials, key=lambda one: one["log_loss"])
    search = job.metrics["search"]
    assert (search["best"], search["trials"], search["strategy"]) == (best["trial"], 4, "random")
    assert search["parameters"] == {**MODEL["hyperparameters"], **best["changed"]}
    assert len({one["log_loss"] for one in trials}) == 4


def test_measures_stand_beside_their_segments_and_the_capacity(job):
    metrics = job.metrics
    assert {one["segment"] for one in metrics["segments"]} == {"visits", "silence"}
    nulls = next(one for one in metrics["segments"] if one["value"] == "null")
    assert nulls["rows"] == 67
    assert sum(one["rows"] for one in metrics["segments"] if one["segment"] == "visits") == 600
    assert metrics["capacity"]["per_day"] == 50
    assert metrics["capacity"]["precision"]["value"] > metrics["test"]["base_rate"] + 0.2
    assert [one["input"] for one in metrics["importance"]][-1] == "noise"
    assert metrics["serving"]["bytes"] == sum(
        (job.model / name).stat().st_size for name in ("calibration.json", "model.json", "model.ubj")
    )
    assert 0 < metrics["serving"]["latency_ms"]["p50"] <= metrics["serving"]["latency_ms"]["p99"]
    assert metrics["leaks"]["failed"] == []
    assert metrics["calibration"]["rows"] < 600 and not metrics["calibration"]["shared_with_tuning"]
    assert metrics["champion"] is None


def test_the_registry_takes_the_card(job):
    content = output(job, "card.json")
    check_model_card({"ModelCardContent": content, "ModelCardStatus": "PendingReview"})
    card = json.loads(content)
    groups = {group["name"] for one in card["evaluation_details"] for group in one.get("metric_groups", [])}
    assert {"Model", "Calibration", "Lift", "Precision", "Inputs", "Segments", "The 50 a day"} <= groups
    assert card["additional_information"]["custom_details"]["definition_hash"] == HASH


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("invented", 1, "#/invented"),
        ("intended_uses.risk_rating", "Unclear", "#/intended_uses/risk_rating"),
        ("model_overview.model_creator", "x" * 1025, "#/model_overview/model_creator"),
        ("evaluation_details.0.name", "x" * 64, "#/evaluation_details/0/name"),
        ("evaluation_details.0.metric_groups.0.metric_data.0.value", None, "metric_data/0/value"),
        ("evaluation_details.0.metric_groups.0.metric_data.0.type", "gauge", "metric_data/0/type"),
        ("additional_information.custom_details.view", 7, "#/additional_information/custom_details/view"),
        ("training_details.training_job_details.hyper_parameters.0.value", 3, "hyper_parameters/0/value"),
    ],
)
def test_the_registry_refuses_what_the_schema_does(job, path, value, place):
    card = json.loads(output(job, "card.json"))
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    at = card
    for step in way:
        at = at[step]
    at[last] = value
    with pytest.raises(SageMakerError, match=f"schema: .*{place}: expected"):
        check_model_card({"ModelCardContent": json.dumps(card)})


def test_the_registry_refuses_a_card_of_more_than_its_characters():
    with pytest.raises(SageMakerError, match="length less than or equal to 100000"):
        check_model_card({"ModelCardContent": " " * 100_001})


GATE = """
import { completeCard } from './engine/model-card.ts';
import { decideGate } from './engine/model-gate.ts';
import { manifestSchema, metricsSchema } from './engine/model-metrics.ts';
const { metrics, manifest, card, gate } = JSON.parse(process.argv[1]);
const { definition_hash } = manifest;
const decision = decideGate(gate, definition_hash, metricsSchema.parse(metrics), manifestSchema.parse(manifest), '"e"');
const from = { model_data_url: 's3://lake/model.tar.gz', manifest_uri: 's3://lake/manifest.json', decision };
process.stdout.write(JSON.stringify({ decision, card: completeCard(card, from) }));
"""


def test_the_gate_reads_what_the_job_writes(job):
    manifest = {"training_set_id": "set-1", "definition_hash": HASH, "snapshot_id": "1", "spine_hash": "s"}
    gate = {"min_auc": 0.5, "max_auc": 0.95, "min_auc_gain_over_baseline": -0.1, "max_calibration_error": 0.3}
    strict = {"margin_over_champion": 0, "max_calibration_slope_error": 0.01, "max_latency_ms": 1e-6, "max_bytes": 1}
    given = {
        "metrics": job.metrics,
        "manifest": manifest,
        "card": json.loads(output(job, "card.json")),
        "gate": gate | strict,
    }
    command = ["node", "--import", "tsx", "--input-type=module", "-e", GATE, json.dumps(given)]
    answer = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120).stdout)
    # Nothing serves yet, so the champion is not asked.
    assert [re.split(r"[: ]", reason)[0] for reason in answer["decision"]["reasons"]] == [
        "calibration",
        "latency",
        "size",
    ]
    assert answer["decision"]["metadata"]["model_version"] == job.metrics["model_version"]
    check_model_card({"ModelCardContent": json.dumps(answer["card"])})


def test_a_card_of_long_names_is_still_taken(job):
    """A feature's name may be longer than an axis of the schema."""
    manifest, metrics, _ = parts(job)
    long = [{"input": "x" * 200, "mean_abs_contribution": 0.1}]
    title = {**DOCUMENT, "alerts": {**DOCUMENT["alerts"], "title": "t" * 5000}}
    card = card_json(title, manifest, {**metrics, "importance": long})
    check_model_card({"ModelCardContent": json.dumps(card)})


def test_the_text_names_what_one_has_to_know(job):
    text = output(job, "card.md")
    metrics = job.metrics
    assert f"# Model card: {metrics['model_version']}" in text
    assert f"{metrics['model']['auc']['value']:.4g}" in text
    for heading in ("On the test slice", "Calibration", "Segments", "Hyperparameters", "Leak checks", "Serving"):
        assert f"## {heading}" in text
    assert "No model serves yet." in text and "of 4 (random)" in text
    linked = {name for name in (job.root / "output" / "plots").iterdir() if f"(plots/{name.name})" in text}
    assert len(linked) == 6


def test_a_leak_and_a_champion_are_said_in_the_text(job):
    manifest, metrics, trials = parts(job)
    leak = {"check": "single_input", "input": "silence", "found": 0.97, "allowed": 0.93}
    told = {
        **metrics,
        "leaks": {**metrics["leaks"], "failed": [leak]},
        "champion": {"comparable": False, "reason": "it was trained on another definition"},
    }
    text = markdown(DOCUMENT, manifest, told, trials, [])
    assert "input silence alone has an AUC of 0.9700 on test; above 0.93 look for a leak first" in text
    assert "The champion was not compared: it was trained on another definition." in text
    content = json.dumps(card_json(DOCUMENT, manifest, told))
    check_model_card({"ModelCardContent": content})
    assert "look for a leak first" in content and "Not comparable" in content


def test_plots_are_drawings_without_scripts_in_both_themes(job):
    plots = sorted((job.root / "output" / "plots").iterdir())
    assert [plot.stem for plot in plots] == [
        "importance",
        "lift",
        "precision-recall",
        "reliability",
        "scores",
        "segments",
    ]
    for plot in plots:
        drawn = ET.fromstring(plot.read_text())
        _, _, width, height = (float(v) for v in drawn.attrib["viewBox"].split())
        assert width == 360 and "prefers-color-scheme: dark" in plot.read_text() and drawn.attrib["aria-label"]
        assert not [one for one in drawn.iter() if one.tag.endswith("script")]
        for one in drawn.iter("{http://www.w3.org/2000/svg}text"):
            assert 0 <= float(one.attrib["x"]) <= width and 0 <= float(one.attrib["y"]) <= height
    bars = ET.fromstring((job.root / "output" / "plots" / "lift.svg").read_text())
    assert len([one for one in bars.iter() if one.attrib.get("class") == "first"]) == 10


def archive(job: Job, folder: Path, manifest: dict | None = None, name: str = "model.tar.gz") -> Path:
    """A channel with the model of the job, its manifest changed."""
    folder.mkdir()
    with tarfile.open(folder / name, "w:gz") as packed:
        for path in sorted(job.model.iterdir()):
            if path.name == "manifest.json" and manifest is not None:
                changed = folder / "manifest.json"
                changed.write_text(json.dumps(json.loads(path.read_text()) | manifest))
                path = changed
            packed.add(path, path.name)
    return folder


def against(job: Job, channel: Path, definition_hash: str = HASH, inputs=tuple(INPUTS), shift: float = 0.0):
    test = read_slice("test", job.channel("test"), list(inputs))
    score = np.clip(test.x[:, 0] / 30 + shift, 0, 1)
    return against_champion(channel, definition_hash, test, score, 0.8, seed=7, gap_ms=7 * DAY)


def test_a_champion_is_measured_on_the_same_rows(job, tmp_path):
    found = against(job, archive(job, tmp_path / "champion"))
    assert found is not None and found["comparable"], found
    assert found["model"]["auc"] == job.metrics["model"]["auc"]
    assert found["model_version"] == job.metrics["model_version"]
    # One input alone is worse than the model.
    assert found["difference"]["auc"]["low"] < found["difference"]["auc"]["value"] < 0
    assert against(job, tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("manifest", "definition_hash", "reason"),
    [
        (None, "cd" * 32, "another definition"),
        ({"learnt_until": 29 * DAY}, HASH, "learnt from instants whose labels close in this test slice"),
        ({"inputs": [*INPUTS, "former"]}, HASH, "inputs that this model does not: former"),
        ({"framework": "pytorch"}, HASH, "can't be loaded"),
        ({"format": 9}, HASH, "can't be read: .*format 9"),
        ({"files": {}}, HASH, "can't be read: .*other bytes"),
    ],
)
def test_a_champion_that_cannot_be_asked_says_why(job, tmp_path, manifest, definition_hash, reason):
    found = against(job, archive(job, tmp_path / "champion", manifest), definition_hash)
    assert found is not None and not found["comparable"]
    assert re.search(reason, found["reason"])


def test_what_lies_in_folders_of_the_archive_is_not_unpacked(job, tmp_path):
    channel = archive(job, tmp_path / "champion")
    with tarfile.open(channel / "model.tar.gz", "r:gz") as packed:
        assert "code/train.py" in packed.getnames()
    (tmp_path / "outside").mkdir()
    hostile = tmp_path / "outside" / "model.tar.gz"
    with tarfile.open(hostile, "w:gz") as packed:
        packed.add(job.model / "manifest.json", "../escaped.json")
    found = against(job, tmp_path / "outside")
    assert found == {"comparable": False, "reason": "its archive has no manifest.json"}
    assert not list(tmp_path.rglob("escaped.json"))
