"""A new account's quotas, as `--quotas new-account` gives them to the local cloud, and the Service Quotas API."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from jobs_support import LOGS, SELF_CONTAINED, allow, running_cloud, tar, until

# Waits for a file, so that all run at once however slow their starts are.
SLEEP = """
import { existsSync } from 'node:fs';
export async function handler() {
  while (!existsSync(process.env.AWAKE)) await new Promise((done) => setTimeout(done, 50));
  return 'slept';
}
"""
SERVE = "def model_fn(d): return 1\ndef predict_fn(x, m): return x\n"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("quotas"), "--quotas", "new-account") as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.worker = cloud.role("worker", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        url = cloud.put("model.tar.gz", tar({"code/inference.py": SERVE}))
        container = {"Image": "sagemaker-xgboost:3.2-0", "ModelDataUrl": url, "Environment": SELF_CONTAINED}
        cloud.sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=cloud.worker)
        yield cloud


def make_config(cloud, name, instance_type, count):
    variant = {"VariantName": "champion", "ModelName": "m", "InstanceType": instance_type}
    cloud.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": count}]
    )
    return name


def limit(name, quota, used, asked):
    words = answer("sagemaker.resource-limit-exceeded")
    return words.format(name=name, quota=quota, used=used, asked=asked)


def test_a_new_account_has_no_endpoint_instance(cloud):
    config = make_config(cloud, "two", "ml.m5.large", 2)
    with pytest.raises(cloud.sagemaker.exceptions.ResourceLimitExceeded) as caught:
        cloud.sagemaker.create_endpoint(EndpointName="churn", EndpointConfigName=config)
    assert caught.value.response["Error"]["Message"].startswith(limit("ml.m5.large for endpoint usage", 0, 0, 2))
    with pytest.raises(ClientError, match="Could not find endpoint"):
        cloud.sagemaker.describe_endpoint(EndpointName="churn")


def test_an_update_needs_room_for_both_fleets(cloud):
    config = make_config(cloud, "both", "ml.t2.medium", 2)
    cloud.sagemaker.create_endpoint(EndpointName="small", EndpointConfigName=config)
    read = lambda: cloud.sagemaker.describe_endpoint(EndpointName="small")["EndpointStatus"]  # noqa: E731
    assert until(read, lambda status: status != "Creating") == "InService"
    again = make_config(cloud, "again", "ml.t2.medium", 1)
    with pytest.raises(cloud.sagemaker.exceptions.ResourceLimitExceeded) as caught:
        cloud.sagemaker.update_endpoint(EndpointName="small", EndpointConfigName=again)
    assert caught.value.response["Error"]["Message"].startswith(limit("ml.t2.medium for endpoint usage", 2, 2, 1))
    assert read() == "InService"


def test_a_new_account_has_no_training_instance(cloud):
    with pytest.raises(cloud.sagemaker.exceptions.ResourceLimitExceeded) as caught:
        cloud.sagemaker.create_training_job(
            TrainingJobName="t",
            RoleArn=cloud.worker,
            AlgorithmSpecification={"TrainingImage": "sagemaker-xgboost:3.2-0", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": cloud.uri("models")},
            ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
    found = caught.value.response["Error"]["Message"]
    assert found.startswith(limit("ml.m5.xlarge for training job usage", 0, 0, 1))


def test_a_state_machine_sees_the_limit_by_its_name(cloud):
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createEndpoint",
        "Arguments": {"EndpointName": "x", "EndpointConfigName": make_config(cloud, "by-machine", "ml.m5.large", 1)},
        "End": True,
    }
    machine = cloud.stepfunctions.create_state_machine(
        name="m",
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": task}}),
        roleArn=cloud.role("machine", "states", allow("sagemaker:CreateEndpoint")),
    )["stateMachineArn"]
    execution = cloud.stepfunctions.start_execution(stateMachineArn=machine)["executionArn"]
    read = lambda: cloud.stepfunctions.describe_execution(executionArn=execution)  # noqa: E731
    found = until(read, lambda found: found["status"] != "RUNNING")
    assert found["error"] == "SageMaker.ResourceLimitExceededException" and "0 Instances" in found["cause"]


def test_the_eleventh_execution_at_a_time_is_throttled(cloud, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.mjs", SLEEP)
    cloud.client("lambda").create_function(
        FunctionName="sleep",
        Runtime="nodejs24.x",
        Role=cloud.role("sleeper", "lambda"),
        Handler="index.handler",
        Timeout=300,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"AWAKE": str(tmp_path / "awake")}},
    )

    def invoke(_):
        client = cloud.client("lambda")
        try:
            return json.loads(client.invoke(FunctionName="sleep")["Payload"].read())
        except client.exceptions.TooManyRequestsException as error:
            return error.response["Reason"]

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(invoke, number) for number in range(12)]
        try:
            until(lambda: sum(one.done() for one in asked), lambda done: done >= 2)
        finally:
            (tmp_path / "awake").touch()
        found = sorted(one.result() for one in asked)
    assert found == ["ConcurrentInvocationLimitExceeded"] * 2 + ["slept"] * 10
    assert cloud.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"] == 10


def test_the_service_quotas_api_tells_them(cloud):
    quotas = cloud.client("service-quotas")
    listed = {
        quota["QuotaName"]: quota["Value"]
        for answered in quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        for quota in answered["Quotas"]
    }
    assert listed["ml.m5.large for endpoint usage"] == 0 and listed["ml.t2.medium for endpoint usage"] == 2
    assert listed["ml.m5.xlarge for training job usage"] == 0
    code = answer("service-quotas.lambda-concurrency")
    found = quotas.get_service_quota(ServiceCode="lambda", QuotaCode=code)["Quota"]
    assert (found["QuotaName"], found["Value"], found["Adjustable"]) == ("Concurrent executions", 10, True)
    assert quotas.get_aws_default_service_quota(ServiceCode="lambda", QuotaCode=code)["Quota"]["Value"] == 1000
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="lambda", QuotaCode="L-NONE")
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.list_service_quotas(ServiceCode="nothing")


def test_reading_quotas_needs_its_grant(cloud):
    with pytest.raises(ClientError, match=r"AccessDenied.*servicequotas:ListServiceQuotas"):
        cloud.user("nobody")("service-quotas").list_service_quotas(ServiceCode="lambda")
    may = cloud.user("reader", allow("servicequotas:ListServiceQuotas"))("service-quotas")
    assert may.list_service_quotas(ServiceCode="lambda")["Quotas"]
