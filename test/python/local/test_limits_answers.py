"""Limits that are no refusal of one call: answers that are cut, waits, documents, resources of templates, words."""

import asyncio
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from aws_facts import check
from botocore.exceptions import ClientError
from jobs_support import running_cloud, until
from limits_support import FUNCTION, STATEMENT, Beyond, many
from tidemark_local.apigateway import http_api_limits
from tidemark_local.cloudwatch import emf
from tidemark_local.host import limits
from tidemark_local.host.context import LocalContext
from tidemark_local.host.limits import limit


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("limits")) as cloud:
        yield Beyond(cloud)


def test_a_batch_get_answers_16_mb_and_gives_the_other_keys_back(aws):
    size = limit("dynamodb.item-bytes")
    for index in range(45):
        aws.cloud.dynamodb.put_item(TableName="table", Item={"k": {"S": f"{index:02}"}, "v": {"B": b"x" * (size - 4)}})
    keys = many(45, lambda index: {"k": {"S": f"{index:02}"}})
    answer = aws.cloud.dynamodb.batch_get_item(RequestItems={"table": {"Keys": keys, "ConsistentRead": True}})
    assert len(answer["Responses"]["table"]) == limit("dynamodb.batch-get-bytes") // size
    rest = answer["UnprocessedKeys"]["table"]
    assert rest["ConsistentRead"] and len(rest["Keys"]) == 45 - len(answer["Responses"]["table"])
    assert len(aws.cloud.dynamodb.batch_get_item(RequestItems={"table": rest})["Responses"]["table"]) == len(
        rest["Keys"]
    )


def test_a_function_answers_6_mb(aws):
    for size, failed in ((6_291_000, None), (limit("lambda.response-bytes"), "Unhandled")):
        answer = aws.cloud.client("lambda").invoke(FunctionName="limits", Payload=json.dumps({"size": size}))
        assert answer.get("FunctionError") == failed
    check("lambda.response-too-large", json.loads(answer["Payload"].read()))


def test_putrecords_of_more_than_its_limit(aws):
    records = many(11, lambda _: {"Data": b"x" * 1_000_000, "PartitionKey": "k"})
    with pytest.raises(ClientError, match="ValidationException"):
        aws.kinesis.put_records(StreamName="stream", Records=records)
    try:
        aws.kinesis.put_records(StreamName="stream", Records=records[:9])
        taken = limit("kinesis.request-bytes")
    except ClientError:
        taken = 5 * 1024 * 1024
    check("kinesis.request-bytes", taken)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("emf.dimensions", lambda n: {"metrics": [{"Name": "m"}], "dimensions": [f"d{index}" for index in range(n)]}),
        ("emf.metrics", lambda n: {"metrics": [{"Name": f"m{index}"} for index in range(n)]}),
        ("emf.values", lambda n: {"metrics": [{"Name": "m"}], "value": [1] * n}),
    ],
)
def test_a_document_of_embedded_metrics(aws, name, document):
    aws.metric(**document(limit(name)))
    with pytest.raises(emf.EmfError, match="at most"):
        aws.metric(**document(limit(name) + 1))


@pytest.fixture(scope="module")
def http_api(aws):
    """Requests to an HTTP API before the function."""
    api = aws.apigatewayv2.create_api(Name="limits", ProtocolType="HTTP", Target=aws.function)
    getattr(aws, "lambda").add_permission(
        FunctionName="limits", StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    return lambda body: aws.cloud.signed("POST", f"/_aws/execute-api/{api['ApiId']}/$default/", body, "execute-api")


def post(request):
    """Status and message of the answer."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["message"]


def test_an_http_api_takes_10_mb(http_api):
    most = limit("http-api.payload-bytes")
    assert post(http_api(b"x" * (most + 1)))[0] == 413
    assert post(http_api(b"x" * 1000))[0] != 413


def test_an_http_api_waits_for_30_s(tmp_path):
    """The wait itself, with a shorter limit: half a minute of a test tells no more."""
    held = dict(limits.table()["http-api.timeout-ms"])
    assert held["value"] == 30_000

    async def slow(*_, **__) -> tuple[int, dict, bytes]:
        await asyncio.sleep(5)
        return 200, {}, b""

    limits.table()["http-api.timeout-ms"]["value"] = 50
    original = http_api_limits.apigateway.handle_execute
    try:
        http_api_limits.apigateway.handle_execute = slow
        http_api_limits.register(LocalContext("http://127.0.0.1:1", 1, tmp_path, Path(sys.executable), tmp_path))
        answer = asyncio.run(http_api_limits.apigateway.handle_execute("a", "$default", "/", "GET", {}, b"", {}))
    finally:
        http_api_limits.apigateway.handle_execute = original
        limits.table()["http-api.timeout-ms"].update(held)
    assert (answer[0], json.loads(answer[2])["message"]) == (503, "Service Unavailable")


@pytest.mark.parametrize("subject", ["", "two\nlines", "bell\x07"])
def test_a_subject_of_one_printable_line(aws, subject):
    with pytest.raises(ClientError) as found:
        aws.sns.publish(TopicArn=aws.topic, Message="x", Subject=subject)
    error = found.value.response["Error"]
    check("sns.subject", [error["Code"], error["Message"]])


@pytest.mark.parametrize("name", ["a b", "a/b", "a:b", "a*"])
def test_names_of_executions(aws, name):
    machine = aws.stepfunctions.create_state_machine(
        name=aws.name(),
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn=aws.cloud.role(aws.name(), "states"),
    )["stateMachineArn"]
    with pytest.raises(ClientError) as found:
        aws.stepfunctions.start_execution(stateMachineArn=machine, name=name)
    assert found.value.response["Error"]["Code"] == "InvalidName"


def test_the_words_of_too_large_a_payload(aws):
    with pytest.raises(ClientError) as found:
        getattr(aws, "lambda").invoke(FunctionName="limits", Payload=b'"' + b"x" * 6_291_455 + b'"')
    error = found.value.response["Error"]
    check("lambda.payload-too-large", [error["Code"], error["Message"]])


def reasons(aws, resources):
    """Why resources of a new stack failed."""
    stack = aws.name()
    aws.cloudformation.create_stack(
        StackName=stack, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_IAM"]
    )
    until(
        lambda: aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"],
        lambda status: "IN_PROGRESS" not in status,
    )
    events = aws.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]


def test_properties_of_a_template_are_held_against_the_api(aws):
    (reason,) = reasons(aws, {"G": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "a b"}}})
    assert "at 'logGroupName' failed to satisfy constraint" in reason and "HandlerErrorCode: InvalidRequest" in reason


def test_a_role_of_a_template_has_10240_characters_of_policies(aws):
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    half = {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Resource": "arn:aws:s3:::" + "x" * 6000}]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "R"}], "PolicyDocument": half}}
    (reason,) = reasons(
        aws,
        {
            "R": {"Type": "AWS::IAM::Role", "Properties": trust},
            "A": {**policy, "Properties": {**policy["Properties"], "PolicyName": "a"}},
            "B": {**policy, "DependsOn": "A", "Properties": {**policy["Properties"], "PolicyName": "b"}},
        },
    )
    assert reason.startswith('Resource handler returned message: "Maximum policy size of 10240 bytes exceeded for role')


def test_the_environment_of_a_function_of_a_template(aws):
    properties = {
        **{"Runtime": "python3.11", "Handler": "index.handler", "Role": aws.role},
        **{"Code": {"ZipFile": FUNCTION}, "Environment": {"Variables": {"AB": "x" * 5000}}},
    }
    (reason,) = reasons(aws, {"F": {"Type": "AWS::Lambda::Function", "Properties": properties}})
    assert "exceeded the 4KB limit" in reason
