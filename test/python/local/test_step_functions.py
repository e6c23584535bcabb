"""Step Functions integrations against sentences of the AWS Step Functions developer guide, executed as the machine's
role.
"""

import json
import os

import pytest
from aws_facts import answer
from jobs_support import LOGS, allow, running_cloud, tar, until

GLUE = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
TRAINING = [
    *("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
    *("sagemaker:AddTags", "sagemaker:ListTags"),
]
ENDPOINT = [f"sagemaker:{name}" for name in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint")]
READ = ["sagemaker:DescribeEndpoint", "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"]
SCRIPTS = {
    "glue/works.py": "import sys; print(sys.argv[sys.argv.index('--word') + 1])",
    "glue/fails.py": "raise ValueError('no events yet')",
    "glue/waits.py": "import os, time; print('pid', os.getpid(), flush=True); time.sleep(120)",
}
TRAIN = "import os\nopen(os.environ['SM_MODEL_DIR'] + '/m', 'w').close()\nprint('metric auc=0.85;')\n"
SERVE = "def model_fn(d): return 1\ndef predict_fn(x, m): return x\n"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("machines")) as cloud:
        for key, text in SCRIPTS.items():
            cloud.put(key, text)
        cloud.put("source.tar.gz", tar({"train.py": TRAIN, "fails.py": "raise SystemExit(2)", "inference.py": SERVE}))
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        data = [allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/*"), allow("s3:ListBucket", bucket), allow(LOGS)]
        cloud.worker = cloud.role("worker", "glue", *data)
        cloud.trainer = cloud.role("trainer", "sagemaker", *data)
        for name in ("works", "fails", "waits"):
            command = {"Name": "glueetl", "ScriptLocation": cloud.uri(f"glue/{name}.py")}
            cloud.glue.create_job(Name=name, Role=cloud.worker, GlueVersion="5.1", Command=command)
        pass_role = allow("iam:PassRole", cloud.trainer)
        group = allow("sagemaker:CreateModelPackage")
        machine = [allow(GLUE), allow(TRAINING), allow(ENDPOINT), allow(READ), pass_role, group]
        cloud.machine_role = cloud.role("machine", "states", *machine)
        cloud.machines = 0
        yield cloud


def task(resource, arguments, **members):
    resource = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, **members}


def start(cloud, states, data=None, role=None, first=None):
    """Starts a JSONata machine of the given states, in their order unless they say otherwise."""
    names = list(states)
    for name, following in zip(names, [*names[1:], None], strict=True):
        if not {"Next", "End"} & states[name].keys() and states[name]["Type"] not in ("Succeed", "Fail", "Choice"):
            states[name] |= {"Next": following} if following else {"End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": first or names[0], "States": states}
    cloud.machines += 1
    machine = cloud.stepfunctions.create_state_machine(
        name=f"machine-{cloud.machines}", definition=json.dumps(definition), roleArn=role or cloud.machine_role
    )["stateMachineArn"]
    return cloud.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps(data or {}))["executionArn"]


def run(cloud, states, data=None, role=None, first=None):
    arn = start(cloud, states, data, role, first)
    describe = cloud.stepfunctions.describe_execution
    return until(lambda: describe(executionArn=arn), lambda found: found["status"] != "RUNNING")


def output(execution):
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    return json.loads(execution["output"])


def training(cloud, program="train.py"):
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": cloud.uri("glue/")}}
    return {
        "TrainingJobName": "{% $states.input.name %}",
        "RoleArn": cloud.trainer,
        "AlgorithmSpecification": {
            "TrainingImage": "sagemaker-xgboost:3.2-0",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+);"}],
        },
        "HyperParameters": {
            "sagemaker_program": program,
            "sagemaker_submit_directory": cloud.uri("source.tar.gz"),
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": cloud.uri("models")},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }


def test_glue_sync_waits_for_the_run_and_gives_its_description(cloud):
    # "Run a Job (.sync): … call a service and have Step Functions wait for a job to complete."
    arguments = {"JobName": "works", "Arguments": {"--word": "{% $states.input.word %}"}}
    found = output(run(cloud, {"Run": task("glue:startJobRun.sync", arguments)}, {"word": "tiles"}))
    assert (found["JobRunState"], found["JobName"]) == ("SUCCEEDED", "works")
    assert cloud.lines("/aws-glue/jobs/output", found["Id"]) == ["tiles"]
    # Times of optimized integrations are milliseconds since the epoch.
    assert found["CompletedOn"] > 1_500_000_000_000


def test_glue_request_response_does_not_wait(cloud):
    found = output(run(cloud, {"Run": task("glue:startJobRun", {"JobName": "works", "Arguments": {"--word": "x"}})}))
    assert list(found) == ["JobRunId"]
    read = lambda: cloud.glue.get_job_run(JobName="works", RunId=found["JobRunId"])["JobRun"]  # noqa: E731
    assert until(read, lambda job: job["JobRunState"] == "SUCCEEDED")


def test_glue_sync_of_a_failed_run_is_a_failed_task(cloud):
    found = run(cloud, {"Run": task("glue:startJobRun.sync", {"JobName": "fails"})})
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["ErrorMessage"] == "ValueError: no events yet"


def test_failed_run_can_be_caught_and_retried(cloud):
    # States.TaskFailed: "A Task state that failed during the execution."
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}]
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    before = len(cloud.glue.get_job_runs(JobName="fails")["JobRuns"])
    states = {
        "Run": task("glue:startJobRun.sync", {"JobName": "fails"}, Catch=catch, Retry=retry, End=True),
        "Caught": {"Type": "Pass", "Output": {"error": "{% $states.input.Error %}"}},
    }
    assert output(run(cloud, states)) == {"error": "States.TaskFailed"}
    assert len(cloud.glue.get_job_runs(JobName="fails")["JobRuns"]) == before + 2


def test_a_stopped_execution_cancels_its_job(cloud):
    # "If a task using this (.sync) service integration pattern is aborted, and Step Functions is unable to cancel the
    # task, you might incur additional charges": it tries to cancel.
    arn = start(cloud, {"Run": task("glue:startJobRun.sync", {"JobName": "waits"})})
    runs = until(lambda: cloud.glue.get_job_runs(JobName="waits")["JobRuns"], bool)
    pid = int(until(lambda: cloud.lines("/aws-glue/jobs/output", runs[0]["Id"]), bool)[0].split()[1])
    cloud.stepfunctions.stop_execution(executionArn=arn)
    read = lambda: cloud.glue.get_job_run(JobName="waits", RunId=runs[0]["Id"])["JobRun"]["JobRunState"]  # noqa: E731
    assert until(read, lambda state: state == "STOPPED")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_task_past_its_timeout_cancels_its_job(cloud):
    # TimeoutSeconds: "If the state runs longer than the specified seconds, this state fails with a States.Timeout".
    before = [run["Id"] for run in cloud.glue.get_job_runs(JobName="waits")["JobRuns"]]
    found = run(cloud, {"Run": task("glue:startJobRun.sync", {"JobName": "waits"}, TimeoutSeconds=2)})
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    (job,) = [run for run in cloud.glue.get_job_runs(JobName="waits")["JobRuns"] if run["Id"] not in before]
    read = lambda: cloud.glue.get_job_run(JobName="waits", RunId=job["Id"])["JobRun"]["JobRunState"]  # noqa: E731
    assert until(read, lambda state: state == "STOPPED")


def test_training_job_model_and_endpoint(cloud):
    """The pipeline's own path: train, register, create the model, its configuration and its endpoint, wait, update."""
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    container = {
        "Image": "sagemaker-xgboost:3.2-0",
        "ModelDataUrl": "{% $states.input.ModelArtifacts.S3ModelArtifacts %}",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": cloud.uri("source.tar.gz"),
        },
    }
    specification = {
        "Containers": [container],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    package = {
        "ModelPackageGroupName": "churn",
        "ModelApprovalStatus": "Approved",
        "CustomerMetadataProperties": {"auc": "{% $string($states.input.FinalMetricDataList[0].Value) %}"},
        "InferenceSpecification": specification,
    }
    variant = {
        "VariantName": "champion",
        "ModelName": "churn-1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    container_of_package = {"ModelPackageName": "{% $states.input.ModelPackageArn %}"}
    waited = "{% $states.input.EndpointStatus = 'InService' %}"
    config = {"EndpointConfigName": "churn-1", "ProductionVariants": [variant]}
    endpoint = {"EndpointName": "churn", "EndpointConfigName": "churn-1"}
    states = {
        "Train": task("sagemaker:createTrainingJob.sync", training(cloud)),
        "Register": task("aws-sdk:sagemaker:createModelPackage", package),
        "Model": task(
            "sagemaker:createModel",
            {"ModelName": "churn-1", "ExecutionRoleArn": cloud.trainer, "PrimaryContainer": container_of_package},
        ),
        "Config": task("sagemaker:createEndpointConfig", config),
        "Endpoint": task("sagemaker:createEndpoint", endpoint),
        "Wait": {"Type": "Wait", "Seconds": 1},
        "Look": task("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": "churn"}),
        "Ready": {"Type": "Choice", "Choices": [{"Condition": waited, "Next": "Update"}], "Default": "Wait"},
        "Update": task("sagemaker:updateEndpoint", endpoint, Output="{% $states.result %}"),
    }
    found = output(run(cloud, states, {"name": "churn-train-1"}))
    assert found == {"EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/churn"}
    listed = cloud.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    made = cloud.sagemaker.describe_model_package(ModelPackageName=listed[0]["ModelPackageArn"])
    assert made["CustomerMetadataProperties"] == {"auc": "0.85"} and made["ModelApprovalStatus"] == "Approved"
    answer = cloud.runtime.invoke_endpoint(EndpointName="churn", ContentType="application/json", Body=b"[3]")
    assert json.loads(answer["Body"].read()) == [3]


def test_failed_training_job_is_a_failed_task(cloud):
    found = run(
        cloud, {"Train": task("sagemaker:createTrainingJob.sync", training(cloud, "fails.py"))}, {"name": "bad"}
    )
    assert (found["status"], found["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(found["cause"])["TrainingJobStatus"] == "Failed"
    assert "exit code: 2" in json.loads(found["cause"])["FailureReason"]


def test_errors_carry_the_names_of_the_service(cloud):
    # "AWS SDK integrations: … the service name, and the exception of the SDK for Java": Glue.EntityNotFoundException.
    for resource, arguments, error in (
        ("glue:startJobRun.sync", {"JobName": "none"}, "Glue.EntityNotFoundException"),
        ("sagemaker:createModel", {"ModelName": "x"}, "SageMaker.AmazonSageMakerException"),
        ("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": "none"}, "SageMaker.SageMakerException"),
        ("sagemaker:createTrainingJob.sync", training(cloud), "SageMaker.ResourceInUseException"),
    ):
        if error.endswith("ResourceInUseException"):
            output(run(cloud, {"Once": task(resource, arguments)}, {"name": "taken"}))
        found = run(cloud, {"Task": task(resource, arguments)}, {"name": "taken"})
        assert (found["status"], found["error"]) == ("FAILED", error), found.get("cause")


def test_tasks_run_as_the_machines_role(cloud):
    """Removing one grant makes exactly the task that needs it fail with the service's access-denied error."""
    only_start = cloud.role("only-start", "states", allow("glue:StartJobRun"))
    arguments = {"JobName": "works", "Arguments": {"--word": "x"}}
    found = run(cloud, {"Run": task("glue:startJobRun.sync", arguments)}, role=only_start)
    assert found["error"] == "Glue.AccessDeniedException" and "glue:GetJobRun" in found["cause"]
    no_pass = cloud.role("no-pass", "states", allow(TRAINING))
    found = run(cloud, {"Train": task("sagemaker:createTrainingJob", training(cloud))}, {"name": "x"}, role=no_pass)
    assert found["error"] == "SageMaker.AmazonSageMakerException" and "iam:PassRole" in found["cause"]
    tags = answer("step-functions.training-sync-needs-tags")
    no_tags = cloud.role("no-tags", "states", allow([name for name in TRAINING if name != tags]))
    found = run(
        cloud, {"Train": task("sagemaker:createTrainingJob.sync", training(cloud))}, {"name": "x"}, role=no_tags
    )
    assert found["error"] == "SageMaker.AmazonSageMakerException" and tags in found["cause"]
    nothing = cloud.role("nothing", "states")
    for resource, arguments, error, action in (
        ("lambda:invoke", {"FunctionName": "gate"}, "Lambda.AWSLambdaException", "lambda:InvokeFunction"),
        ("aws-sdk:dynamodb:getItem", {"TableName": "t", "Key": {"k": {"S": "1"}}}, "DynamoDb.", "dynamodb:GetItem"),
        ("dynamodb:putItem", {"TableName": "t", "Item": {"k": {"S": "1"}}}, "DynamoDB.", "dynamodb:PutItem"),
        ("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}, "SNS.", "SNS:Publish"),
    ):
        found = run(cloud, {"Task": task(resource, arguments)}, role=nothing)
        assert found["status"] == "FAILED" and found["error"].startswith(error), (resource, found.get("cause"))
        assert action.lower() in found["cause"].lower(), found["cause"]


def test_map_runs_its_items_as_the_machines_role(cloud):
    cloud.dynamodb.create_table(
        TableName="items",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"TableName": "items", "Item": {"k": {"S": "{% $states.input %}"}, "n": {"N": "1"}}}
    put = task("dynamodb:putItem", item, End=True)
    get = task(
        "aws-sdk:dynamodb:getItem",
        {"TableName": "items", "Key": {"k": {"S": "b"}}},
        Output="{% $states.result.Item %}",
    )
    states = {
        "Each": {
            "Type": "Map",
            "Items": ["a", "b"],
            "ItemProcessor": {"StartAt": "Put", "States": {"Put": put}, "ProcessorConfig": {"Mode": "INLINE"}},
        },
        "Get": get,
    }
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/items"
    writer = cloud.role("writer", "states", allow(["dynamodb:PutItem", "dynamodb:GetItem"], table))
    assert output(run(cloud, states, role=writer)) == {"k": {"S": "b"}, "n": {"N": "1"}}
    reader = cloud.role("reader", "states", allow("dynamodb:GetItem", table))
    assert run(cloud, states, role=reader)["error"].startswith("DynamoDB.")


def test_nested_execution_needs_its_grant(cloud):
    child = cloud.stepfunctions.create_state_machine(
        name="child",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"ok": 1}, "End": True}}}),
        roleArn=cloud.machine_role,
    )["stateMachineArn"]
    states = {"Child": task("states:startExecution.sync:2", {"StateMachineArn": child})}
    parent = cloud.role("parent", "states", allow("states:StartExecution", child))
    assert output(run(cloud, states, role=parent))["Output"] == {"ok": 1}
    found = run(cloud, states, role=cloud.machine_role)
    assert found["error"] == "StepFunctions.AccessDeniedException" and "states:StartExecution" in found["cause"]


def test_a_succeed_state_ends_with_its_output(cloud):
    # "Output … Used to specify and transform output from the state. When specified, the value overrides the state
    # output default." (state types Task, Parallel, Map, Wait, Pass, Choice and Succeed)
    found = run(cloud, {"End": {"Type": "Succeed", "Output": {"said": "{% $states.input.word %}"}}}, {"word": "tiles"})
    assert output(found) == {"said": "tiles"}
    assert output(run(cloud, {"End": {"Type": "Succeed"}}, {"word": "tiles"})) == {"word": "tiles"}
