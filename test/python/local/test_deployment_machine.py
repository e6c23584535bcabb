"""The app's own state machine in the local cloud: from an approved package to the endpoint, and back when it is bad.

The definition is the one that is deployed (lib/training), with the grants of lib/training/training-machine.ts. Waits
are a hundredth of AWS's.
"""

import json
import re
import subprocess
import threading
import time
import uuid
from contextlib import contextmanager

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from jobs_support import LOGS, ROOT, allow, running_cloud, tar, until

ACCOUNT = "arn:aws:{}:us-east-1:000000000000:"
SAGEMAKER, ALARMS = ACCOUNT.format("sagemaker"), ACCOUNT.format("cloudwatch") + "alarm:prod/{}/Canary*"
SCRIPT = """
import json, os, time
def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)
def predict_fn(data, model):
    if model.get("broken"):
        raise ValueError("no such column")
    time.sleep(model.get("sleep", 0))
    return model["name"]
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("deployments"), "--time-scale", "0.01") as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.hosting = cloud.role("hosting", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        cloud.endpoints = 0
        yield cloud


class App:
    """One use case's registry and machine: `deploy` runs the machine with a package as its approval does."""

    def __init__(self, cloud, use_case, **endpoint):
        self.cloud, self.use_case, self.name = cloud, use_case, f"tidemark-prod-{use_case}"
        self.alarms = ALARMS.format(use_case)
        settings = {"instanceType": "ml.m5.large", "instances": 2, "canaryPercent": 10} | endpoint
        self.definition = definition(
            name=self.name,
            alarmPrefix=f"prod/{use_case}/",
            hostingRoleArn=cloud.hosting,
            endpoint={"variant": "champion", "canaryWaitSeconds": 480, "terminationWaitSeconds": 300} | settings,
        )
        role = cloud.role(f"machine-{use_case}", "states", *self.grants())
        grant = allow("cloudwatch:DescribeAlarms", self.alarms)
        document = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        cloud.iam.put_role_policy(RoleName="hosting", PolicyName=f"alarms-{use_case}", PolicyDocument=document)
        cloud.sagemaker.create_model_package_group(ModelPackageGroupName=self.name)
        self.machine = cloud.stepfunctions.create_state_machine(
            name=use_case, definition=json.dumps(self.definition), roleArn=role
        )["stateMachineArn"]

    def grants(self):
        model, config = f"{SAGEMAKER}model/{self.name}-*", f"{SAGEMAKER}endpoint-config/{self.name}-*"
        endpoint, packages = f"{SAGEMAKER}endpoint/{self.name}", f"{SAGEMAKER}model-package/{self.name}/*"
        return [
            allow("sagemaker:CreateModel", [model, packages]),
            allow(["sagemaker:DescribeModel", "sagemaker:DeleteModel"], model),
            allow([f"sagemaker:{word}EndpointConfig" for word in ("Create", "Describe", "Delete")], config),
            allow(["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"]),
            allow(["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [endpoint, config]),
            allow(["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], endpoint),
            allow(["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"], self.alarms),
            allow("iam:PassRole", self.cloud.hosting),
        ]

    def package(self, **model):
        """Registers an approved model of this content; its ARN."""
        number = uuid.uuid4().hex
        url = self.cloud.put(f"{number}.tar.gz", tar({"model.json": json.dumps(model), "code/inference.py": SCRIPT}))
        return self.cloud.sagemaker.create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": "sagemaker-xgboost:3.2-0", "ModelDataUrl": url}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]

    def start(self, package):
        """Starts the machine under a name such as EventBridge gives."""
        name = f"{uuid.uuid4()}_{uuid.uuid4()}"
        assert re.fullmatch(answer("eventbridge.execution-name"), name)
        return self.cloud.stepfunctions.start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps({"model_package_arn": package})
        )["executionArn"]

    def ended(self, execution):
        read = self.cloud.stepfunctions.describe_execution
        return until(lambda: read(executionArn=execution), lambda found: found["status"] != "RUNNING", 120)

    def deploy(self, package):
        return self.ended(self.start(package))

    def endpoint(self):
        return self.cloud.sagemaker.describe_endpoint(EndpointName=self.name)

    def ask(self):
        """The name of the model that answers, or the status of its refusal."""
        try:
            got = self.cloud.runtime.invoke_endpoint(
                EndpointName=self.name, ContentType="application/json", Body=b"[1]"
            )
        except self.cloud.runtime.exceptions.ModelError as error:
            return error.response["OriginalStatusCode"]
        return json.loads(got["Body"].read())

    def alarm_names(self):
        found = self.cloud.cloudwatch.describe_alarms(AlarmNamePrefix=f"prod/{self.use_case}/Canary")
        return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]

    @contextmanager
    def traffic(self):
        """Asks all the time, three requests at once; what was answered, in order."""
        answers, stop = [], threading.Event()

        def ask():
            while not stop.wait(0.02):
                answers.append(self.ask())

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)


def definition(**props):
    script = (
        f"import {{ trainingDefinition }} from '{ROOT}/lib/training/training-definition.ts';"
        "console.log(JSON.stringify(trainingDefinition(JSON.parse(process.argv[1]))));"
    )
    defaults = {"training": {}, "trainingMetrics": [], "approval": "manual", "pollSeconds": 30}
    argv = [ROOT / "node_modules/node/bin/node", "--no-warnings", "--input-type=module", "-e", script]
    return json.loads(subprocess.check_output([*argv, json.dumps({**defaults, **props})]))


def output(execution):
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    return json.loads(execution["output"])


def test_an_approved_package_is_deployed_under_names_that_sagemaker_takes(cloud):
    app = App(cloud, "a" * 32)
    package = app.package(name="first")
    made = output(app.deploy(package))
    assert made["model_package_arn"] == package and made["endpoint_name"] == app.name
    assert re.fullmatch(answer("sagemaker.model-name"), made["model_name"]) and len(made["model_name"]) <= 63
    assert app.endpoint()["EndpointConfigName"] == made["model_name"]
    assert app.ask() == "first"


def test_a_canary_takes_its_part_of_the_traffic_and_then_all(cloud):
    app = App(cloud, "canary", canaryWaitSeconds=1500)
    output(app.deploy(app.package(name="old")))
    with app.traffic() as answers:
        execution = app.start(app.package(name="new"))
        until(lambda: "new" in answers, bool)
        begun = len(answers)
        until(lambda: len(answers) > begun + 60, bool)
        share = answers[begun : begun + 60].count("new") / 60
        found = app.endpoint()
        assert (found["EndpointStatus"], len(app.alarm_names())) == ("Updating", 2)
        made = output(app.ended(execution))
    # One of two instances: 30 of 60 expected, standard deviation 3.9; five of them on each side.
    assert 0.18 < share < 0.82, share
    assert set(answers) == {"old", "new"} and answers[-1] == "new"
    assert app.endpoint()["EndpointConfigName"] == made["model_name"]
    assert app.alarm_names() == []


@pytest.mark.parametrize("bad", [{"broken": True}, {"sleep": 0.6}])
def test_a_bad_model_is_rolled_back_by_its_own_alarm(cloud, bad):
    app = App(cloud, f"bad-{next(iter(bad))}", canaryWaitSeconds=3000)  # ends when the alarm rings
    output(app.deploy(app.package(name="good")))
    seen = set()
    with app.traffic() as answers:
        execution = app.start(app.package(name="bad", **bad))
        until(lambda: seen.add(app.endpoint()["EndpointStatus"]) or "RollingBack" in seen, bool)
        found = app.ended(execution)
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert "the new model does not serve" in found["cause"]
    assert app.endpoint()["EndpointStatus"] == "InService"
    assert "good" in answers and [app.ask() for _ in range(20)] == ["good"] * 20
    assert app.alarm_names() == []


def test_a_bad_model_that_serves_does_not_block_its_successor(cloud):
    app = App(cloud, "successor")
    output(app.deploy(app.package(name="bad", broken=True)))  # a first deployment has no canary
    with app.traffic() as answers:
        output(app.deploy(app.package(name="good")))
    assert 500 in answers and app.ask() == "good"


def test_going_back_deploys_the_version_before(cloud):
    app = App(cloud, "back", canaryPercent=0)
    first, second = app.package(name="first"), app.package(name="second")
    for package in (first, second, first):
        output(app.deploy(package))
    assert app.ask() == "first"
    # The same package again, as SageMaker may tell an approval twice, is not deployed again.
    before = app.endpoint()["LastModifiedTime"]
    assert output(app.deploy(first))["model_name"] == app.endpoint()["EndpointConfigName"]
    assert app.endpoint()["LastModifiedTime"] == before


def test_two_executions_for_one_approval_both_end_well(cloud):
    # "SageMaker AI may send multiple events to EventBridge for each state change."
    app = App(cloud, "twice")
    output(app.deploy(app.package(name="old")))
    package = app.package(name="new")
    for execution in [app.start(package), app.start(package)]:
        output(app.ended(execution))
    assert app.ask() == "new" and app.alarm_names() == []


def test_a_failed_endpoint_is_replaced(cloud):
    app = App(cloud, "failed")
    url = cloud.put("nothing.tar.gz", tar({"readme": ""}))
    cloud.sagemaker.create_model(
        ModelName="nothing", PrimaryContainer={"Image": "x", "ModelDataUrl": url}, ExecutionRoleArn=cloud.hosting
    )
    variant = {"VariantName": "champion", "ModelName": "nothing", "InstanceType": "ml.m5.large"}
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="nothing", ProductionVariants=[variant])
    cloud.sagemaker.create_endpoint(EndpointName=app.name, EndpointConfigName="nothing")
    until(app.endpoint, lambda found: found["EndpointStatus"] == "Failed")
    output(app.deploy(app.package(name="good")))
    assert app.ask() == "good"


def test_older_models_and_configurations_go_and_what_serves_stays(cloud):
    app = App(cloud, "many", canaryPercent=0)
    other = App(cloud, "many-more", canaryPercent=0)
    kept = output(other.deploy(other.package(name="other")))["model_name"]
    made = [output(app.deploy(app.package(name=str(number))))["model_name"] for number in range(5)]
    assert sorted(configurations(app)) == sorted([*made[-3:], kept])
    assert sorted(models(app)) == sorted([*made[-3:], kept])
    assert app.ask() == "4"


def configurations(app):
    listed = app.cloud.sagemaker.list_endpoint_configs(NameContains=app.name, MaxResults=100)["EndpointConfigs"]
    return [item["EndpointConfigName"] for item in listed]


def models(app):
    listed = app.cloud.sagemaker.list_models(NameContains=app.name, MaxResults=100)["Models"]
    return [item["ModelName"] for item in listed]


def test_instances_that_somebody_added_stay(cloud):
    app = App(cloud, "scaled")
    output(app.deploy(app.package(name="first")))
    for name, by_hand, after in (("second", 5, 5), ("third", 1, 2)):
        count = [{"VariantName": "champion", "DesiredInstanceCount": by_hand}]
        cloud.sagemaker.update_endpoint_weights_and_capacities(EndpointName=app.name, DesiredWeightsAndCapacities=count)
        until(app.endpoint, lambda found: found["EndpointStatus"] == "InService")
        output(app.deploy(app.package(name=name)))
        assert app.endpoint()["ProductionVariants"][0]["DesiredInstanceCount"] == after


def test_an_endpoint_that_cannot_be_updated_says_why(cloud):
    app = App(cloud, "refused")
    output(app.deploy(app.package(name="good")))
    cloud.iam.delete_role_policy(RoleName="hosting", PolicyName="alarms-refused")
    found = app.deploy(app.package(name="new"))
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert answer("sagemaker.rollback-alarms-role") in found["cause"] and app.alarm_names() == []
    with pytest.raises(ClientError, match="Could not find the CloudWatch alarm"):
        cloud.sagemaker.update_endpoint(
            EndpointName=app.name,
            EndpointConfigName=app.endpoint()["EndpointConfigName"],
            DeploymentConfig={"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "none"}]}},
        )


def test_the_time_scale_shortens_what_aws_waits(cloud):
    states = {"Wait": {"Type": "Wait", "Seconds": 100, "End": True}}
    role = cloud.role("waits", "states")
    machine = cloud.stepfunctions.create_state_machine(
        name="waits", definition=json.dumps({"StartAt": "Wait", "States": states}), roleArn=role
    )["stateMachineArn"]
    started = time.monotonic()
    execution = cloud.stepfunctions.start_execution(stateMachineArn=machine)["executionArn"]
    read = cloud.stepfunctions.describe_execution
    until(lambda: read(executionArn=execution), lambda found: found["status"] == "SUCCEEDED")
    assert 1 <= time.monotonic() - started < 20
