"""What lets a training in, what starts one by itself, and MLflow that never holds one up.

The state machine and the functions are the app's own.
"""

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from deployment_support import output
from jobs_support import allow, running_cloud, until
from retraining_support import Retrained, bundle, events, labels, mlflow, prepare, retraining


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp
    return {name: bundle(f"{name}/handler.ts", folder(name)) for name in ("retraining", "mlflow")}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("retraining"), "--time-scale", "0.01") as cloud:
        prepare(cloud)
        yield cloud


@pytest.fixture(autouse=True)
def last_training(cloud):
    """Each test begins with nothing trained."""
    cloud.dynamodb.delete_item(TableName="features", Key={"entity_id": {"S": "#retraining"}, "view": {"S": "tiny"}})


@pytest.fixture(scope="module")
def app(cloud, code):
    return Retrained(cloud, "again", retraining(cloud, "retraining", code["retraining"]))


def test_the_same_inputs_are_trained_once_and_others_wait_for_the_cool_down(cloud, app):
    labels(cloud, "one")
    events(cloud, 8_842_614_083_517_000_001)
    assert "model_package_arn" in output(app.train(by="schedule"))
    again = output(app.train(by="schedule"))
    assert again["decision"] == "unchanged" and again["reason"].startswith("The training that was started by schedule")
    # The next number is the same to a reader of 53 bits.
    events(cloud, 8_842_614_083_517_000_002)
    assert output(app.train(by="schedule"))["decision"] == "cool-down"
    assert output(app.train())["reason"].endswith("; --force trains all the same.")
    assert output(app.train(by="schedule", force=True))["decision"] == "cool-down"
    assert "model_package_arn" in output(app.train(force=True))


def test_a_training_that_failed_before_it_made_a_model_is_no_reason_to_wait(cloud, app):
    events(cloud, 21)
    labels(cloud, "two", broken=True)
    assert app.train()["status"] == "FAILED"
    labels(cloud, "two", refused=["auc: found 0.5"])
    refused = app.train()
    assert (refused["error"], refused["cause"]) == ("ModelRejected", "auc: found 0.5")
    # Refused, it was learnt: the same again would be refused again.
    assert output(app.train())["decision"] == "unchanged"


def test_labels_that_are_old_or_few_are_not_trained_on(cloud, code):
    app = Retrained(cloud, "labels", retraining(cloud, "no-cool-down", code["retraining"], hours=0))
    events(cloud, 31)
    labels(cloud, "three", rate=0.02)
    few = output(app.train(by="schedule"))
    assert few["decision"] == "no matured labels" and "train has 2 of the rarer label" in few["reason"]
    for snapshot, expected in ((32, True), (33, False)):
        labels(cloud, "three")
        events(cloud, snapshot)
        assert ("model_package_arn" in output(app.train(by="schedule"))) == expected
    assert cloud.keys("models/tidemark-prod-labels") != []


def test_an_alarm_on_drift_that_rings_starts_one_training(cloud, app):
    labels(cloud, "four")
    events(cloud, 41)
    role = cloud.role("drifted", "events", allow("states:StartExecution", app.machine))
    detail = {"alarmName": [{"prefix": "prod/again/ModelDrift"}], "state": {"value": ["ALARM"]}}
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
    cloud.events.put_rule(Name="drifted", EventPattern=json.dumps(pattern))
    paths = {"InputPathsMap": {"alarm": "$.detail.alarmName"}, "InputTemplate": '{"by":"drift","alarm":<alarm>}'}
    target = {"Id": "machine", "Arn": app.machine, "RoleArn": role, "InputTransformer": paths}
    cloud.events.put_targets(Rule="drifted", Targets=[target])
    before = executions(app)
    for name in ("ModelDriftInputs", "ModelDriftScores", "Freshness"):
        cloud.cloudwatch.put_metric_alarm(
            **{"AlarmName": f"prod/again/{name}", "Namespace": "Test", "MetricName": name, "Statistic": "Sum"},
            **{"Period": 60, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"},
        )
        cloud.cloudwatch.set_alarm_state(AlarmName=f"prod/again/{name}", StateValue="ALARM", StateReason="drift")
    until(lambda: executions(app) - before, lambda new: len(new) == 2)
    ended = [app.ended(arn) for arn in executions(app) - before]
    told = sorted(json.loads(one["input"])["alarm"] for one in ended)
    assert told == ["prod/again/ModelDriftInputs", "prod/again/ModelDriftScores"]
    # One snapshot, one training: the other alarm's is unchanged.
    assert sorted("decision" in output(one) for one in ended) == [False, True]


def test_a_schedule_starts_one(cloud, app):
    labels(cloud, "five")
    events(cloud, 51)
    role = cloud.role("scheduled", "scheduler", allow("states:StartExecution", app.machine))
    before = executions(app)
    cloud.scheduler.create_schedule(
        Name="again",
        ScheduleExpression=f"at({datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S')})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": app.machine, "RoleArn": role, "Input": '{"by":"schedule"}'},
    )
    [new] = until(lambda: executions(app) - before, bool)
    assert "model_package_arn" in output(app.ended(new))


def executions(app) -> set[str]:
    listed = app.cloud.stepfunctions.list_executions(stateMachineArn=app.machine)["executions"]
    return {item["executionArn"] for item in listed}


class Hanging(BaseHTTPRequestHandler):
    """Answers every request with the status, or never."""

    status: ClassVar[int | None] = None
    release: ClassVar[threading.Event]

    def do_GET(self):
        if self.status is None:
            self.release.wait(60)
            return
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def server(status):
    handler = type("Handler", (Hanging,), {"status": status, "release": threading.Event()})
    serving = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    serving.daemon_threads = True
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}"
    finally:
        handler.release.set()
        serving.shutdown()
        serving.server_close()


@pytest.mark.parametrize("wrong", ["refused", "broken", "hanging"])
def test_no_training_fails_with_mlflow_or_waits_for_it(cloud, code, wrong):
    secret = cloud.secretsmanager.create_secret(Name=f"mlflow-{wrong}", SecretString='{"token": ""}')["ARN"]
    with server({"broken": 500}.get(wrong)) as url:
        address = "http://127.0.0.1:9" if wrong == "refused" else url
        # A function that is killed says nothing itself.
        seconds = 3 if wrong == "hanging" else 60
        tells = mlflow(cloud, f"mlflow-{wrong}", code["mlflow"], address, secret, seconds)
        lets = retraining(cloud, f"retraining-{wrong}", code["retraining"])
        deployed = wrong == "refused"
        app = Retrained(cloud, wrong, lets, tells, approval="automatic" if deployed else "manual")
        labels(cloud, wrong)
        events(cloud, 61)
        before = failures(cloud)
        assert output(app.train())["model_package_arn"].endswith(f"/tidemark-prod-{wrong}/1")
        entered = states(cloud, app)
        told = entered.index("RecordRun")
        assert entered[told - 1 : told + 2] == [
            "RegisterModel",
            "RecordRun",
            "FindEndpoint" if deployed else "AwaitsApproval",
        ]
        if deployed:
            assert entered[-2:] == ["TellServing", "Deployed"]
            assert app.endpoint()["EndpointStatus"] == "InService" and app.ask() == "trained"
        if wrong != "hanging":
            assert until(lambda: failures(cloud) - before, lambda found: found >= 1 + deployed) == 1 + deployed


def states(cloud, app) -> list[str]:
    [execution] = executions(app)
    pages = cloud.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [
        event["stateEnteredEventDetails"]["name"]
        for page in pages
        for event in page["events"]
        if "stateEnteredEventDetails" in event
    ]


def failures(cloud) -> float:
    """How often MLflow was not told."""
    found = cloud.cloudwatch.get_metric_statistics(
        Namespace="Tidemark",
        MetricName="MlflowFailed",
        Dimensions=[
            {"Name": name, "Value": value}
            for name, value in (("service", "mlflow"), ("stage", "prod"), ("usecase", "quiet"))
        ],
        StartTime=datetime.fromtimestamp(0, UTC),
        EndTime=datetime(2100, 1, 1, tzinfo=UTC),
        Period=86_400,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
