"""The app's own state machine in the local cloud: from an approved package to the endpoint, and back when it is bad.

Waits are a hundredth of AWS's.
"""

import json
import re
import time

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from delivery_support import Function
from deployment_support import SCRIPT, App, output
from jobs_support import LOGS, allow, running_cloud, tar, until

IMAGE = "sagemaker-xgboost:3.2-0"
GATE = """
import boto3

def handler(event, context):
    bucket, key = event["model_data_url"].removeprefix("s3://").split("/", 1)
    etag = boto3.client("s3").head_object(Bucket=bucket, Key=key)["ETag"]
    passed = f"/{event['training_job_name']}/output/" in event["output_data_url"]
    card = '{"model_overview": {"model_creator": "Tidemark"}}'
    metadata = {**METADATA, "model_etag": etag.strip('"')}
    return {"passed": passed, "reasons": ["another place"], "metadata": metadata, "card": card}
"""
ADMIT = "def handler(event, context): return {'decision': 'train', 'reason': event['step']}"
PYTHON = {"file": "index.py", "Runtime": "python3.12"}
TRAIN = """
import json, os, shutil
model = os.environ["SM_MODEL_DIR"]
json.dump({"name": "trained"}, open(model + "/model.json", "w"))
os.mkdir(model + "/code")
shutil.copy("inference.py", model + "/code")
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("deployments"), "--time-scale", "0.01") as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.hosting = cloud.role("hosting", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        yield cloud


def test_an_approved_package_is_deployed_under_names_that_sagemaker_takes(cloud):
    app = App(cloud, "a" * 32)
    package = app.package(name="first")
    made = output(app.deploy(package))
    assert made["model_package_arn"] == package and made["endpoint_name"] == app.name
    assert re.fullmatch(answer("sagemaker.model-name"), made["model_name"]) and len(made["model_name"]) <= 63
    assert app.endpoint()["EndpointConfigName"] == made["model_name"]
    assert app.ask() == "first"


def test_a_training_registers_and_deploys_under_the_same_names(cloud):
    cloud.put("train.tar.gz", tar({"train.py": TRAIN, "inference.py": SCRIPT}))
    cloud.put("sets/rows.txt", "1")
    data = [allow("s3:*", [f"arn:aws:s3:::{cloud.bucket}/*", f"arn:aws:s3:::{cloud.bucket}"]), allow(LOGS)]
    command = {"Name": "glueetl", "ScriptLocation": cloud.put("glue/build.py", "import sys; print(sys.argv)")}
    cloud.glue.create_job(Name="build", Role=cloud.role("builder", "glue", *data), GlueVersion="5.1", Command=command)
    metadata = json.dumps({"auc": "0.8513", "auc_low": "0.8362", "model_sha256": "0" * 64})
    may = allow("s3:GetObject", data[0]["Resource"])
    gate = Function(cloud, "gate", may, allow(LOGS), source=GATE.replace("METADATA", metadata), **PYTHON).arn
    admit = Function(cloud, "admit", allow(LOGS), source=ADMIT, **PYTHON).arn
    app = App(
        cloud,
        "trained",
        machine={
            **{"approval": "automatic", "buildTrainingSetJob": "build", "gateFunctionArn": gate},
            "retrainingFunctionArn": admit,
            **{
                "trainingSetsUri": cloud.uri("sets/"),
                "modelsUri": cloud.uri("models/"),
                "useCaseUri": cloud.uri("sets/"),
            },
            **{"sourceUri": cloud.uri("train.tar.gz"), "trainingImageUri": IMAGE, "servingImageUri": IMAGE},
            "trainingRoleArn": cloud.role("trainer", "sagemaker", *data),
            "modelPackageGroup": "tidemark-prod-trained",
            "training": {"instanceType": "ml.m5.xlarge", "volumeGiB": 30, "maxRuntimeSeconds": 600},
        },
        canaryPercent=0,
    )
    for split in ("train", "validation", "test"):
        cloud.put(f"sets/one/{split}/rows.txt", "1")
    made = output(app.ended(app.start(None, training_set_id="one")))
    found = cloud.sagemaker.describe_model_package(ModelPackageName=made["model_package_arn"])
    etag = app.etag(app.archive(made["model_package_arn"])).strip('"')
    assert found["CustomerMetadataProperties"] == {
        **{"auc": "0.8513", "auc_low": "0.8362", "model_sha256": "0" * 64},
        "model_etag": etag,
    }
    assert found["InferenceSpecification"]["Containers"][0]["ModelDataETag"] == etag
    assert found["ModelCard"]["ModelCardStatus"] == "Approved"
    assert json.loads(found["ModelCard"]["ModelCardContent"]) == {"model_overview": {"model_creator": "Tidemark"}}
    job = cloud.sagemaker.describe_training_job(TrainingJobName=made["model_name"])
    assert job["TrainingJobStatus"] == "Completed" and app.ask() == "trained"
    # The first has nothing to be compared with; the next one gets the archive of what serves.
    assert channels(job) == ["train", "validation", "test", "usecase"]
    champion = cloud.uri(app.archive(made["model_package_arn"]))
    again = output(app.ended(app.start(None, training_set_id="one")))
    job = cloud.sagemaker.describe_training_job(TrainingJobName=again["model_name"])
    assert channels(job) == ["train", "validation", "test", "usecase", "champion"]
    assert job["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"] == champion


def channels(job):
    return [channel["ChannelName"] for channel in job["InputDataConfig"]]


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
        assert (found["EndpointStatus"], len(app.alarm_names())) == ("Updating", 6)
        made = output(app.ended(execution))
    # One of two instances: 30 of 60 expected, standard deviation 3.9; five of them on each side.
    assert 0.18 < share < 0.82, share
    assert set(answers) == {"old", "new"} and answers[-1] == "new"
    assert app.endpoint()["EndpointConfigName"] == made["model_name"]
    assert app.alarm_names() == []


def test_a_bad_model_that_serves_does_not_block_its_successor(cloud):
    app = App(cloud, "successor")
    output(app.deploy(app.package(name="bad", broken=True)))  # a first deployment has no canary
    with app.traffic() as answers:
        output(app.deploy(app.package(name="good")))
    assert 500 in answers and app.ask() == "good"


def test_an_archive_overwritten_after_its_approval_is_not_deployed(cloud):
    app = App(cloud, "bound", canaryPercent=0)
    output(app.deploy(app.package(name="good")))
    before, package = app.endpoint(), app.package(name="approved")
    key = app.archive(package)
    approved = cloud.s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()
    app.put_archive(key, name="another")
    found = app.deploy(package)
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert f"{cloud.uri(key)} is another object than the one that was approved" in found["cause"]
    assert "delete the versions above the approved one" in found["cause"]
    after = app.endpoint()
    assert (after["EndpointConfigName"], after["EndpointStatus"]) == (before["EndpointConfigName"], "InService")
    assert app.ask() == "good" and len(models(app)) == 1 and app.alarm_names() == []
    cloud.put(key, approved)
    output(app.deploy(package))
    assert app.ask() == "approved"


def test_an_archive_that_is_gone_is_not_deployed_and_said_so(cloud):
    app = App(cloud, "gone")
    package = app.package(name="gone")
    key = app.archive(package)
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=key)
    found = app.deploy(package)  # a first deployment: there is no endpoint yet
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert (
        f"{cloud.uri(key)} cannot be compared with the one that was approved (S3.NoSuchKeyException," in found["cause"]
    )
    assert models(app) == []


def test_a_package_that_was_registered_without_an_etag_is_deployed(cloud):
    app = App(cloud, "unbound", canaryPercent=0)
    output(app.deploy(app.package(name="older", etag=False)))
    assert app.ask() == "older"


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
