"""What a real MLflow server is told: the app's state machine in the local cloud, its functions as they are shipped.

The server is a set-up of its own, made once: local/servers/mlflow.mjs.
"""

import base64
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from deployment_support import output
from jobs_support import NODE, ROOT, Cloud, running_cloud
from retraining_support import Retrained, bundle, events, labels, mlflow, prepare, retraining

NAME = "tidemark-prod-told"


@contextmanager
def running_mlflow(*options: str) -> Iterator[str]:
    """A server that ends with this process; its address."""
    script = ROOT / "local" / "servers" / "mlflow.mjs"
    with subprocess.Popen([str(NODE), str(script), *options], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdin and process.stdout
        try:
            line = process.stdout.readline()
            assert line, "MLflow did not start"
            yield json.loads(line)["url"]
        finally:
            process.stdin.close()


class Mlflow:
    """What the server says, asked by its own API."""

    def __init__(self, url: str):
        self.url = url

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/2.0/mlflow/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as got:
            return json.loads(got.read())

    def runs(self) -> list[dict]:
        experiment = self.ask("GET", f"experiments/get-by-name?experiment_name={NAME}")["experiment"]
        return self.ask("POST", "runs/search", {"experiment_ids": [experiment["experiment_id"]]}).get("runs", [])

    def version(self, alias: str) -> dict:
        return self.ask("GET", f"registered-models/alias?name={NAME}&alias={alias}")["model_version"]

    def files(self, run: dict, folder: str = "") -> list[str]:
        found = self.ask("GET", f"artifacts/list?run_id={run['info']['run_id']}&path={folder}").get("files", [])
        return [
            path for item in found for path in (self.files(run, item["path"]) if item.get("is_dir") else [item["path"]])
        ]


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp
    return {name: bundle(f"{name}/handler.ts", folder(name)) for name in ("retraining", "mlflow")}


@pytest.fixture(scope="module")
def server() -> Iterator[Mlflow]:
    with running_mlflow() as url:
        yield Mlflow(url)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Iterator[Cloud]:
    with running_cloud(tmp_path_factory.mktemp("mlflow"), "--time-scale", "0.01") as cloud:
        prepare(cloud)
        cloud.server = cloud.secretsmanager.create_secret(Name="mlflow", SecretString='{"token": ""}')["ARN"]
        yield cloud


@pytest.fixture(scope="module")
def app(cloud, code, server):
    tells = mlflow(cloud, NAME, code["mlflow"], server.url, cloud.server)
    return Retrained(cloud, "told", retraining(cloud, "lets", code["retraining"]), tells, approval="automatic")


def pairs(items: list[dict]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in items}


def test_a_training_is_a_run_and_what_serves_is_the_champion(cloud, app, server):
    labels(cloud, "one")
    events(cloud, 4711)
    package = output(app.train(training_set_id="set-one"))["model_package_arn"]
    [run] = server.runs()
    assert (run["info"]["status"], run["info"]["run_name"]) == ("FINISHED", "set-one")
    metrics = pairs(run["data"]["metrics"])
    assert metrics == {"auc": 0.85, "auc_low": 0.84, "auc_high": 0.86, "test.rows": 100.0}
    assert pairs(run["data"]["params"])["eta"] == "0.05"
    tags = pairs(run["data"]["tags"])
    assert {key: value for key, value in tags.items() if key.startswith("tidemark.")} == {
        "tidemark.training_job": package_job(cloud, package),
        "tidemark.training_set_id": "set-one",
        "tidemark.snapshot_id": "4711",
        "tidemark.definition_hash": "d" * 64,
        "tidemark.model_sha256": "a" * 64,
        "tidemark.model_package_arn": package,
        "tidemark.gate": "passed",
    }
    assert server.files(run) == ["card.md", "metrics.json", "plots/calibration.svg"]
    champion = server.version("champion")
    assert (champion["version"], champion["run_id"]) == ("1", run["info"]["run_id"])
    assert champion["source"] == archive_of(cloud, package)
    assert pairs(champion["tags"])["tidemark.model_package_arn"] == package


def test_told_again_nothing_is_made_twice(cloud, app, server):
    [run] = server.runs()
    function, tags = f"{NAME}", pairs(run["data"]["tags"])
    asked = {
        "step": "run",
        "training_job_name": tags["tidemark.training_job"],
        "training_set_id": "set-one",
        "model_package_arn": tags["tidemark.model_package_arn"],
        "model_data_url": archive_of(cloud, tags["tidemark.model_package_arn"]),
        "output_data_url": cloud.uri(f"models/{tags['tidemark.training_job']}/output/output.tar.gz"),
        "gate": {"passed": True, "reasons": [], "metadata": {}},
    }
    for _ in range(2):
        invoke(cloud, function, asked)
    # As if the function had died before it was finished.
    server.ask("POST", "runs/update", {"run_id": run["info"]["run_id"], "status": "RUNNING"})
    invoke(cloud, function, asked)
    [again] = server.runs()
    assert again["info"]["run_id"] == run["info"]["run_id"] and again["info"]["status"] == "FINISHED"
    assert pairs(again["data"]["metrics"]) == pairs(run["data"]["metrics"])
    found = server.ask("GET", f"model-versions/search?filter=name%3D%27{NAME}%27")["model_versions"]
    assert [version["version"] for version in found] == ["1"]


def test_a_refused_model_is_a_run_without_a_version(cloud, app, server):
    labels(cloud, "two", refused=["auc: found 0.5; allowed: at least 0.8"])
    assert app.train(by="hand", force=True)["error"] == "ModelRejected"
    [refused] = [run for run in server.runs() if pairs(run["data"]["tags"])["tidemark.gate"] == "refused"]
    assert pairs(refused["data"]["tags"])["tidemark.gate_reasons"] == "auc: found 0.5; allowed: at least 0.8"
    assert server.version("champion")["version"] == "1"


def test_the_aliases_follow_what_serves(cloud, app, server):
    first = pairs(server.version("champion")["tags"])["tidemark.model_package_arn"]
    labels(cloud, "three")
    second = output(app.train(by="hand", force=True))["model_package_arn"]
    assert pairs(server.version("champion")["tags"])["tidemark.model_package_arn"] == second
    output(app.deploy(first))
    assert pairs(server.version("champion")["tags"])["tidemark.model_package_arn"] == first
    packages = {
        role: {"package_arn": arn, "model_data_url": archive_of(cloud, arn), "model_sha256": None}
        for role, arn in (("champion", first), ("challenger", second))
    }
    invoke(cloud, NAME, {"step": "serving", "packages": packages})
    assert pairs(server.version("challenger")["tags"])["tidemark.model_package_arn"] == second
    # Of a package that MLflow was never told of.
    unknown = packages["champion"] | {"package_arn": second[:-1] + "99"}
    invoke(cloud, NAME, {"step": "serving", "packages": {"champion": unknown}})
    assert pairs(server.version("champion")["tags"]) == {"tidemark.model_package_arn": unknown["package_arn"]}
    model = server.ask("GET", f"registered-models/get?name={NAME}")["registered_model"]
    assert [alias["alias"] for alias in model["aliases"]] == ["champion"]


def test_files_go_into_the_store_of_a_server_that_takes_none(cloud, code):
    with running_mlflow("--artifacts", cloud.uri("mlflow")) as url:
        function = "past-the-server"
        mlflow(cloud, function, code["mlflow"], url, cloud.server)
        document = {"Version": "2012-10-17", "Statement": [PUT | {"Resource": f"arn:aws:s3:::{cloud.bucket}/mlflow/*"}]}
        cloud.iam.put_role_policy(RoleName=function, PolicyName="store", PolicyDocument=json.dumps(document))
        job = next(key.split("/")[1] for key in cloud.keys("models/") if key.endswith("/output.tar.gz"))
        asked = {
            **{"step": "run", "training_job_name": job, "training_set_id": "s", "model_package_arn": None},
            **{"model_data_url": "", "output_data_url": cloud.uri(f"models/{job}/output/output.tar.gz")},
            "gate": {"passed": False, "reasons": ["no"], "metadata": {}},
        }
        invoke(cloud, function, asked)
        stored = [key.partition("/artifacts/")[2] for key in cloud.keys("mlflow/")]
        assert sorted(stored) == ["card.md", "metrics.json", "plots/calibration.svg"]


PUT = {"Effect": "Allow", "Action": "s3:PutObject"}


def invoke(cloud: Cloud, function: str, asked: dict) -> None:
    got = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(asked), LogType="Tail")
    said = got["Payload"].read()
    assert json.loads(said) == {"recorded": True}, (said, base64.b64decode(got.get("LogResult", "")))


def archive_of(cloud: Cloud, package: str) -> str:
    found = cloud.sagemaker.describe_model_package(ModelPackageName=package)
    return found["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]


def package_job(cloud: Cloud, package: str) -> str:
    """The training job whose archive it is."""
    return archive_of(cloud, package).removeprefix(cloud.uri("models/")).split("/")[0]
