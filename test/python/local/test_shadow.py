"""A model that only listens, compared by the function that is shipped, and what becomes of it.

Waits are a hundredth of AWS's.
"""

import gzip
import hashlib
import io
import json
import subprocess
import time
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deployment_support import App, hosting_cloud, output
from jobs_support import LOGS, NODE, ROOT, allow, until

SHADOW = {
    **{"seconds": 600, "minimumPairs": 50, "maxDecisionShare": 0.05},
    **{"maxScoreDistance": 0.1, "maxErrorShare": 0.01, "maxLatencyMs": 500},
}
ROWS = [[round(0.01 * number, 2)] for number in range(60)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with hosting_cloud(tmp_path_factory.mktemp("topologies")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def function(cloud, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shadow-comparison")
    argv = [NODE, "--no-warnings", Path(__file__).with_name("bundle_function.ts")]
    use_case = "test/fixtures/usecases/tiny"
    subprocess.run([*argv, "shadow-comparison/handler.ts", use_case, folder], cwd=ROOT, check=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("index.mjs", "usecase.json"):
            file.write(folder / name, name)
    objects = f"arn:aws:s3:::{cloud.bucket}"
    role = cloud.role(
        "compares",
        "lambda",
        allow("s3:ListBucket", objects),
        allow("s3:GetObject", [f"{objects}/captured/*", f"{objects}/archive/predictions/*"]),
        allow("s3:PutObject", f"{objects}/reports/shadow/*"),
        allow("cloudwatch:GetMetricData"),
        allow(LOGS),
    )

    def make(name, bounds):
        return cloud.client("lambda").create_function(
            FunctionName=f"shadow-{name}",
            Runtime="nodejs24.x",
            Role=role,
            Handler="index.handler",
            Timeout=60,
            Code={"ZipFile": archive.getvalue()},
            Environment={
                "Variables": {
                    **{"LAKE_BUCKET": cloud.bucket, "ENDPOINT_NAME": f"tidemark-prod-{name}"},
                    **{"SHADOW_BOUNDS": json.dumps(SHADOW | bounds), "TIDEMARK_STAGE": "prod"},
                    **{"TIDEMARK_USE_CASE": name, "TIDEMARK_CLOCK": "wall", "POWERTOOLS_SERVICE_NAME": "shadow"},
                    "POWERTOOLS_LOG_LEVEL": "INFO",
                }
            },
        )["FunctionArn"]

    return make


def predict(app):
    """What the scorer does with its rows: asks the endpoint, and writes down what it was told."""
    body = json.dumps({"instances": ROWS, "definition_hash": "known"})
    answer = app.cloud.runtime.invoke_endpoint(EndpointName=app.name, ContentType="application/json", Body=body)
    found = json.loads(answer["Body"].read())
    assert (answer["InvokedProductionVariant"], found["model_version"]) == ("champion", "old")
    now = datetime.now(UTC)
    lines = [
        json.dumps({"inputs": row, "score": one["score"], "scored_at": int(now.timestamp() * 1000)})
        for row, one in zip(ROWS, found["predictions"], strict=True)
    ]
    key = f"archive/predictions/dt={now:%Y-%m-%d}/{uuid.uuid4().hex}.ndjson.gz"
    app.cloud.s3.put_object(Bucket=app.cloud.bucket, Key=key, Body=gzip.compress("\n".join(lines).encode()))


def shadows(app):
    return [item["VariantName"] for item in app.endpoint().get("ShadowProductionVariants", [])]


def entered(app, execution):
    found = app.cloud.stepfunctions.get_execution_history(executionArn=execution, maxResults=1000)["events"]
    return [event["stateEnteredEventDetails"]["name"] for event in found if "stateEnteredEventDetails" in event]


def observed(app, package):
    """The deployment of a package, with requests while it listens; its end, and the report."""
    execution = app.start(package)
    until(lambda: entered(app, execution), lambda states: "ShadowListens" in states)
    assert shadows(app) == ["challenger"]
    started = time.monotonic()
    for _ in range(10):
        predict(app)
    assert time.monotonic() - started < 5, "a shadow that sleeps slows answers"
    found = app.ended(execution)
    run = hashlib.sha256(execution.rsplit(":", 1)[-1].encode()).hexdigest()[:12]
    key = f"reports/shadow/{run}.json"
    return found, json.loads(app.cloud.s3.get_object(Bucket=app.cloud.bucket, Key=key)["Body"].read()), run


def test_a_shadow_that_answers_alike_is_deployed(cloud, function):
    app = App(
        cloud,
        "shadowed",
        {"shadow": {"functionArn": function("shadowed", {}), "captureUri": cloud.uri("captured/")}},
        experiments=False,
        shadow=SHADOW,
    )
    output(app.deploy(app.package(name="old")))  # a first deployment has nobody to listen to
    found, report, run = observed(app, app.package(name="new", shift=0.01))
    output(found)
    assert (report["passed"], report["reasons"], report["invalid"]) == (True, [], 0)
    assert report["predictions"] == report["pairs"] == 600
    assert report["distance"]["mean"] == pytest.approx(0.01) and report["decision_share"] == 0
    assert report["shadow"]["invocations"] == report["champion"]["invocations"] == 10
    assert shadows(app) == [] and app.asked(None) == "new" and app.alarm_names() == []
    # As AWS writes them: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    prefix = f"captured/{run}/{app.name}/challenger/{datetime.now(UTC):%Y/%m/%d}/"
    key = next(key for key in cloud.keys(prefix) if key.endswith(".jsonl"))
    line = json.loads(cloud.s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read().splitlines()[0])
    assert set(line) == {"captureData", "eventMetadata", "eventVersion"} and line["eventVersion"] == "0"
    assert {side: (one["mode"], one["encoding"]) for side, one in line["captureData"].items()} == {
        "endpointInput": ("INPUT", "JSON"),
        "endpointOutput": ("OUTPUT", "JSON"),
    }
    assert json.loads(line["captureData"]["endpointInput"]["data"])["instances"] == ROWS
    assert set(line["eventMetadata"]) == {"eventId", "inferenceTime"}


@pytest.mark.parametrize(
    ("name", "model", "words"),
    [
        (
            "shifted",
            {"shift": 0.3, "sleep": 0.7},
            ["mean distance of scores: found 0.3", "99th percentile of its latency: found "],
        ),
        ("invalid", {"nan": True}, ["scores that are no probabilities: found 600; allowed: none"]),
    ],
)
def test_a_shadow_that_does_not_do_never_answers_anybody(cloud, function, name, model, words):
    app = App(
        cloud,
        name,
        {"shadow": {"functionArn": function(name, {}), "captureUri": cloud.uri("captured/")}},
        experiments=False,
        shadow=SHADOW,
    )
    output(app.deploy(app.package(name="old")))
    config = app.endpoint()["EndpointConfigName"]
    found, report, _ = observed(app, app.package(name="bad", **model))
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert "As a shadow it did not do: " in found["cause"]
    for word in words:
        assert word in found["cause"] and any(word in reason for reason in report["reasons"]), found["cause"]
    after = app.endpoint()
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", config)
    assert shadows(app) == [] and app.asked(None) == "old"


def test_a_shadow_that_was_left_behind_goes_before_the_next_deployment(cloud, function):
    app = App(
        cloud,
        "left",
        {"shadow": {"functionArn": function("left", {}), "captureUri": cloud.uri("captured/")}},
        experiments=False,
        shadow=SHADOW | {"seconds": 60},
    )
    output(app.deploy(app.package(name="old")))
    execution = app.start(app.package(name="stopped"))
    until(lambda: shadows(app), lambda found: found == ["challenger"])
    cloud.stepfunctions.stop_execution(executionArn=execution)
    assert "predictions that both answered: found 0" in app.refused(model_package_arn=app.package(name="next"))
    assert shadows(app) == [] and app.asked(None) == "old"
