"""Bad models are rolled back by themselves, each by the alarm that is for it, and nobody is left unscored meanwhile.

The requests are those of the functions (lambdas/aws/endpoint.ts, asked by ask_endpoint.ts), and so are the metrics of
scores that two of the alarms look at. Waits are a hundredth of AWS's.
"""

import json
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from deployment_support import App, output
from jobs_support import LOGS, NODE, ROOT, allow, running_cloud, until

ASK = Path(__file__).with_name("ask_endpoint.ts")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("bad-models"), "--time-scale", "0.01") as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.hosting = cloud.role("hosting", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        cloud.logs.create_log_group(logGroupName="scorer")
        yield cloud


class Asked:
    """Requests as the functions make them; what they log is in CloudWatch a moment later."""

    def __init__(self, cloud, app):
        self.cloud, self.answered, self.unscored, self.other = cloud, [], [], []
        key, secret = cloud.root
        self.process = subprocess.Popen(
            [NODE, "--no-warnings", ASK, app.name, app.use_case],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                **{"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1"},
                **{"AWS_ENDPOINT_URL": cloud.endpoint, "POWERTOOLS_SERVICE_NAME": "scorer"},
            },
        )
        self.stream, self.lines = app.use_case, []
        cloud.logs.create_log_stream(logGroupName="scorer", logStreamName=self.stream)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.writer = threading.Thread(target=self._write, daemon=True)
        for thread in (self.reader, self.writer):
            thread.start()

    def _read(self):
        assert self.process.stdout
        for line in self.process.stdout:
            document = json.loads(line)
            if "_aws" in document:
                self.lines.append({"timestamp": document["_aws"]["Timestamp"], "message": line.strip()})
            else:
                kind = next(iter(document))
                {"answered": self.answered, "unscored": self.unscored}.get(kind, self.other).append(document.get(kind))

    def _write(self):
        while self.reader.is_alive():
            time.sleep(0.1)
            lines, self.lines = self.lines, []
            for start in range(0, len(lines), 500):
                self.cloud.logs.put_log_events(
                    logGroupName="scorer", logStreamName=self.stream, logEvents=lines[start : start + 500]
                )

    def stop(self):
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)
        self.reader.join(10)
        self.writer.join(10)


@contextmanager
def asked(cloud, app):
    asking = Asked(cloud, app)
    try:
        yield asking
    finally:
        asking.stop()


@pytest.mark.parametrize(
    ("bad", "alarm"),
    [
        ({"broken": True}, "CanaryErrors"),
        ({"sleep": 0.6}, "CanaryLatency"),
        ({"hash": "other"}, "CanaryRefusals"),
        ({"nan": True}, "CanaryScores"),
        ({"shift": 0.3}, "CanaryShift"),
    ],
    ids=["5xx", "slow", "wrong-hash", "nan", "shifted"],
)
def test_a_bad_model_is_rolled_back_and_nobody_is_left_unscored(cloud, bad, alarm):
    app = App(cloud, f"bad-{alarm.lower()}", canaryWaitSeconds=3000)  # ends when the alarm rings
    output(app.deploy(app.package(name="good")))
    with asked(cloud, app) as asking:
        until(lambda: len(asking.answered) > 100, bool)
        execution = app.start(app.package(name="bad", **bad))
        rung = until(lambda: ringing(app), bool, 60)
        found = app.ended(execution)
        before = len(asking.answered)
        until(lambda: len(asking.answered) > before + 100, bool)
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert "the new model does not serve: The deployment was rolled back: the alarm prod/" in found["cause"]
    # A shift is also one of decisions: a mean of a half is at the threshold.
    assert alarm in rung or (alarm == "CanaryShift" and "CanaryDecisions" in rung), rung
    assert asking.unscored == []
    # A slow model, and one that is shifted, gave their answers until then; the others never one that was taken.
    assert ("bad" in asking.answered) == (alarm in ("CanaryLatency", "CanaryShift"))
    assert set(asking.answered[before:]) == {"good"}
    assert app.endpoint()["EndpointStatus"] == "InService" and app.alarm_names() == []
    assert app.serving()["packages"]["champion"]["model_version"] == "good"


def ringing(app):
    found = app.cloud.cloudwatch.describe_alarms(AlarmNamePrefix=f"prod/{app.use_case}/Canary", StateValue="ALARM")
    return {item["AlarmName"].split("/")[-1].rpartition("-")[0] for item in found["MetricAlarms"]}


def test_a_good_model_is_not_rolled_back_by_chance(cloud):
    # Both fleets give the same scores; only their requests differ.
    app = App(cloud, "good", canaryWaitSeconds=1500)
    output(app.deploy(app.package(name="old")))
    with asked(cloud, app) as asking:
        until(lambda: len(asking.answered) > 100, bool)
        started = time.monotonic()
        output(app.deploy(app.package(name="new")))
        took = time.monotonic() - started
    assert asking.unscored == [] and asking.answered[-1] == "new"
    metrics = app.cloud.cloudwatch.list_metrics(Namespace="Tidemark", MetricName="ModelScore")["Metrics"]
    versions = {item["Value"] for metric in metrics for item in metric["Dimensions"] if item["Name"] == "model_version"}
    assert {"old", "new"} <= versions
    # From approval to full: the waits that were asked for, 1,500 and 300 s, and what all the rest takes.
    print(f"from approval to full: {took:.1f} s, of which {18.0} s are waits")
    assert took >= 18.0
