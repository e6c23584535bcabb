"""Errors of service calls in Step Functions, in the running local cloud: names and texts as recorded on AWS."""

import json
import re

import pytest
from aws_facts import answer, check
from delivery_support import Function
from jobs_support import allow, running_cloud, until
from tidemark_local.step_functions.errors import of_optimized, of_sdk
from tidemark_local.step_functions.role_calls import CallError

RAISES = """
class CustomException(Exception):
    pass
def handler(event, context):
    raise CustomException()
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("errors")) as cloud:
        cloud.machine_role = cloud.role("machine", "states", allow("*"))
        Function(cloud, "raises", source=RAISES, file="index.py", Runtime="python3.12")
        yield cloud


def run(cloud, name: str, resource: str, arguments: dict) -> dict:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "Task", "States": {"Task": task}}
    machine = cloud.stepfunctions.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=cloud.machine_role
    )["stateMachineArn"]
    arn = cloud.stepfunctions.start_execution(stateMachineArn=machine)["executionArn"]
    return until(
        lambda: cloud.stepfunctions.describe_execution(executionArn=arn),
        lambda found: found["status"] != "RUNNING",
        20,
    )


def pattern(cause: str) -> str:
    """A recorded text with any request id."""
    return re.escape(cause).replace(re.escape("<request_id>"), ".+")


ITEM = {"TableName": "none", "Item": {"id": {"S": "1"}}}


@pytest.mark.parametrize(
    ("case", "resource", "arguments"),
    [
        ("sdk-modelled", "aws-sdk:dynamodb:putItem", ITEM),
        ("sdk-general", "aws-sdk:secretsmanager:createSecret", {"Name": "Inv Name", "SecretString": "x"}),
        ("optimized-modelled", "dynamodb:putItem", ITEM),
        ("optimized-lambda", "lambda:invoke", {"FunctionName": "no_such"}),
    ],
)
def test_errors_have_the_names_and_words_of_the_sdk_of_their_integration(cloud, case, resource, arguments):
    error, cause = answer("stepfunctions.errors")[case]
    found = run(cloud, case, resource, arguments)
    assert (found["status"], found["error"]) == ("FAILED", error)
    assert re.fullmatch(pattern(cause), found["cause"]), found["cause"]
    assert "output" not in found


@pytest.mark.parametrize(
    ("case", "service", "code"),
    [("optimized-general", "DynamoDB", "ValidationException"), ("optimized-sqs", "SQS", "MissingParameter")],
)
def test_an_error_that_the_model_does_not_declare_has_the_general_exception(case, service, code):
    error, cause = answer("stepfunctions.errors")[case]
    message = cause.split(" (Service", 1)[0]
    found = of_optimized(service, CallError(code, False, message, 400, "<request_id>"))
    assert found == (error, cause)
    general = of_sdk(service, CallError(code, False, message, 400, "r"))[0]
    assert general == {"DynamoDB": "DynamoDb.DynamoDbException", "SQS": "Sqs.SqsException"}[service]


def test_an_error_of_a_function_can_be_caught_by_its_class(cloud):
    recorded = answer("stepfunctions.function-error")
    found = run(cloud, "raises", "lambda:invoke", {"FunctionName": "raises"})
    assert found["error"] == recorded["error"]
    cause = json.loads(found["cause"])
    assert sorted(cause) == recorded["cause"] and cause["errorType"] == recorded["error"]


def test_s3_has_a_second_request_id_on_aws(cloud):
    found = run(cloud, "s3", "aws-sdk:s3:getObject", {"Bucket": "none-such", "Key": "k"})
    assert found["error"] == "S3.NoSuchBucketException"
    check("stepfunctions.s3-request-ids", len(re.findall(r"Request ID: ", found["cause"])))


@pytest.mark.parametrize(
    ("case", "arguments"),
    [("differs", {"Key": "there", "IfMatch": '"other"'}), ("missing", {"Key": "none"})],
)
def test_an_answer_to_head_names_its_error_by_the_status_alone(cloud, case, arguments):
    # What Step Functions makes of it is documented nowhere: these are the words of the SDK for Java, as in its other
    # errors. A deployment refuses at any error of the call, so nothing but its sentence depends on them.
    cloud.put("there", "1")
    found = run(cloud, f"head-{case}", "aws-sdk:s3:headObject", {"Bucket": cloud.bucket, **arguments})
    error, cause = answer("stepfunctions.head-errors")[case]
    assert found["error"] == error
    assert re.fullmatch(pattern(cause), found["cause"]), found["cause"]


def test_head_gives_the_etag_that_if_match_takes(cloud):
    etag = cloud.s3.put_object(Bucket=cloud.bucket, Key="same", Body=b"1")["ETag"]
    for index, given in enumerate((etag, etag.strip('"'))):
        arguments = {"Bucket": cloud.bucket, "Key": "same", "IfMatch": given}
        found = run(cloud, f"head-same-{index}", "aws-sdk:s3:headObject", arguments)
        assert json.loads(found["output"])["ETag"] == etag
