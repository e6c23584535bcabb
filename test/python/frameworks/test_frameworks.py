"""Each framework as on AWS: trained in the job of its image, exported as ONNX, served by XGBoost's container.

What its library says to the same rows comes from a process of its own; one that is not set up is skipped, and said.
"""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "test" / "python" / name) for name in ("model", "local")]

from endpoint_support import invoke, make_config, make_endpoint, make_model  # noqa: E402
from jobs_support import LOGS, allow, running_cloud, until  # noqa: E402
from training_job import CHANNELS, HASH, INPUTS, USE_CASE, make_job  # noqa: E402

IMAGES = {
    "pytorch": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch:2.13-cpu-amzn2023-sagemaker",
    "sklearn": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0",
    "tensorflow": "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-cpu-py312-sagemaker",
}
PARAMETERS = {
    "pytorch": {"hidden": "8,4", "learning_rate": 0.01},
    "sklearn": {"max_leaf_nodes": 6, "learning_rate": 0.1, "increasing": "silence"},
    "tensorflow": {"hidden": "8,4", "learning_rate": 0.01},
}
# Fits again in a process of its own, and says what the library makes of the rows.
FIT = """
import json, sys
from pathlib import Path
import numpy as np
sys.path[:0] = [{root!r} + "/model"]
from fitting import fit
from training_data import read_slice, read_use_case
job, name, saved = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
model = read_use_case(job / "usecase")["model"]
train, validation, test = (read_slice(part, job / part, model["inputs"]) for part in ("train", "validation", "test"))
fitted = fit(model, train, validation).fitted
saved.mkdir()
fitted.save(saved)
found = {{"margins": fitted.margins(test.x).tolist()}}
if name == "tensorflow":
    import tensorflow as tf
    serve = tf.saved_model.load(str(saved / "saved_model" / "1")).signatures["serving_default"]
    found["served"] = serve(inputs=tf.constant(test.x, tf.float32))["margins"].numpy().tolist()
print(json.dumps(found))
"""


def library(framework: str) -> dict[str, str]:
    """The environment that has it. Skips the test where it is not set up."""
    described = ROOT / ".cache" / "frameworks" / framework / "environment.json"
    if not described.is_file():
        pytest.skip(f"{framework} is not set up on this machine")
    return json.loads(described.read_text())


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("frameworks")) as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        data = allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/*")
        cloud.trainer = cloud.role("trainer", "sagemaker", data, allow("s3:ListBucket", bucket), allow(LOGS))
        cloud.server = cloud.role("server", "sagemaker", allow("s3:GetObject", f"{bucket}/models/*"), allow(LOGS))
        cloud.put("source.tar.gz", sources())
        yield cloud


def sources() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        archive.add(ROOT / "model", "", filter=lambda member: None if "__pycache__" in member.name else member)
    return target.getvalue()


@pytest.fixture(scope="module", params=sorted(IMAGES))
def trained(request, cloud, tmp_path_factory):
    """One training job, its archive unpacked, and what the library itself says."""
    framework, folder = request.param, tmp_path_factory.mktemp(request.param)
    environment = library(framework)
    job = make_job(folder / "job")
    model = {**USE_CASE["model"], "framework": framework, "hyperparameters": PARAMETERS[framework]}
    (job.channel("usecase") / "usecase.json").write_text(json.dumps({**USE_CASE, "model": model}))
    described = run_job(cloud, framework, job)
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    key = described["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(cloud.uri(""))
    archive = cloud.s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder / "model", filter="data")
    command = [sys.executable, "-c", FIT.format(root=str(ROOT)), str(job.root / "input"), framework]
    done = subprocess.run(
        [*command, str(folder / "again")],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return framework, folder, archive, json.loads(done.stdout.splitlines()[-1])


def run_job(cloud, framework: str, job) -> dict:
    for channel in CHANNELS:
        for file in job.channel(channel).iterdir():
            cloud.put(f"data/{framework}/{channel}/{file.name}", file.read_bytes())
    name = f"trains-{framework}"
    cloud.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=cloud.trainer,
        AlgorithmSpecification={"TrainingImage": IMAGES[framework], "TrainingInputMode": "File"},
        HyperParameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": cloud.uri("source.tar.gz"),
            "training_set_id": "set-1",
        },
        InputDataConfig=[
            {
                "ChannelName": channel,
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": cloud.uri(f"data/{framework}/{channel}/")}
                },
            }
            for channel in CHANNELS
        ],
        OutputDataConfig={"S3OutputPath": cloud.uri("models")},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    return until(
        lambda: cloud.sagemaker.describe_training_job(TrainingJobName=name),
        lambda found: found["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"),
        600,
    )


def rows_of(folder: Path) -> np.ndarray:
    sys.path.insert(0, str(ROOT / "model"))
    from training_data import read_slice

    return read_slice("test", folder / "job" / "input" / "test", INPUTS).x


def test_the_same_data_gives_the_same_bytes(trained):
    _, folder, _, _ = trained
    for name in ("model.onnx", "background.json"):
        assert (folder / "model" / name).read_bytes() == (folder / "again" / name).read_bytes()


def test_the_graph_scores_as_the_framework(trained):
    framework, folder, _, found = trained
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model" / "model.onnx", providers=["CPUExecutionProvider"])
    margins = np.asarray(session.run(["margins"], {"inputs": rows_of(folder).astype(np.float32)})[0])
    assert np.std(margins) > 0.5
    assert np.abs(margins - found["margins"]).max() <= 1e-5
    if framework == "tensorflow":
        assert np.abs(np.array(found["served"]) - found["margins"]).max() <= 1e-5


def test_the_manifest_says_what_it_was_made_with(trained):
    framework, folder, _, _ = trained
    manifest = json.loads((folder / "model" / "manifest.json").read_text())
    assert manifest["framework"] == framework
    assert {"pytorch": "torch", "sklearn": "scikit-learn"}.get(framework, framework) in manifest["versions"]


def test_the_container_of_xgboost_serves_it_with_reasons(trained, cloud):
    framework, folder, archive, found = trained
    key = f"models/serves-{framework}.tar.gz"
    cloud.put(key, archive)
    make_model(cloud, framework, key, SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code")
    make_config(cloud, framework, **{framework: 1.0})
    assert make_endpoint(cloud, framework, framework)["EndpointStatus"] == "InService"
    rows = [[None if np.isnan(value) else value for value in row] for row in rows_of(folder)[:50].tolist()]
    answer = invoke(cloud, {"instances": rows, "definition_hash": HASH}, framework)[0]
    totals = [sum(row["contributions"]) + row["bias"] for row in answer["predictions"]]
    assert np.abs(np.array(totals) - found["margins"][:50]).max() <= 1e-5
    cloud.sagemaker.delete_endpoint(EndpointName=framework)
