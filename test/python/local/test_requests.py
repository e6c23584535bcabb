"""Requests are held against the models of their APIs: what AWS refuses is refused, in its words."""

import json
import re
import urllib.error
import urllib.request

import pytest
from aws_facts import answer, check
from botocore.exceptions import ClientError
from jobs_support import running_cloud, until
from tidemark_local.host.launch import SERVICES
from tidemark_local.requests import gate, models, patterns
from tidemark_local.requests.exceptions import NOT_ENFORCED
from tidemark_local.requests.tally import Tally


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("requests")) as cloud:
        yield cloud


def client(cloud, service):
    """A client that sends what it is given, so that the service is what refuses."""
    return cloud.client(service, parameter_validation=False)


def refused(cloud, service, operation, **members):
    """Code and message of the refusal."""
    with pytest.raises(ClientError) as found:
        getattr(client(cloud, service), operation)(**members)
    return found.value.response["Error"]["Code"], found.value.response["Error"]["Message"]


def raw(cloud, target, body, service, version="1.1"):
    """Status and document of a JSON request that no SDK would send."""
    headers = {"X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}"}
    request = cloud.signed("POST", "/", body, service, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def http(cloud, method, path, service, body=b"", headers=None):
    """Status, content type and body of a request that no SDK would send."""
    request = cloud.signed(method, path, body, service, headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


REFUSALS = [
    # fact, service, operation, members
    (
        "sagemaker.metadata-value",
        "sagemaker",
        "create_model_package",
        {"ModelPackageGroupName": "g", "CustomerMetadataProperties": {"auc": "0.8513 [0.8362, 0.8660]"}},
    ),
    ("iam.role-name", "iam", "create_role", {"RoleName": "a" * 65, "AssumeRolePolicyDocument": "{}"}),
    ("logs.log-group-name", "logs", "create_log_group", {"logGroupName": "a b"}),
    ("lambda.function-name", "lambda", "get_function_concurrency", {"FunctionName": "a b"}),
    ("kinesis.partition-key", "kinesis", "put_record", {"StreamName": "s", "Data": b"1", "PartitionKey": ""}),
    ("events.rule-name", "events", "put_rule", {"Name": "a b", "ScheduleExpression": "rate(1 day)"}),
    (
        "states.machine-name",
        "stepfunctions",
        "create_state_machine",
        {"name": "m" * 81, "definition": "{}", "roleArn": "r"},
    ),
    ("sqs.queue-name-missing", "sqs", "create_queue", {}),
    ("sqs.unknown-attribute", "sqs", "get_queue_attributes", {"QueueUrl": "https://q", "AttributeNames": ["Size"]}),
    ("sns.topic-missing", "sns", "publish", {"Message": "m"}),
    (
        "cloudwatch.alarm-comparison",
        "cloudwatch",
        "put_metric_alarm",
        {"AlarmName": "a", "ComparisonOperator": "Above", "EvaluationPeriods": 1},
    ),
    ("s3.storage-class", "s3", "put_object", {"Bucket": "tidemark-jobs", "Key": "k", "StorageClass": "COLD"}),
    (
        "s3.versioning-status",
        "s3",
        "put_bucket_versioning",
        {"Bucket": "tidemark-jobs", "VersioningConfiguration": {"Status": "On"}},
    ),
    ("cloudformation.capability", "cloudformation", "create_stack", {"StackName": "s", "Capabilities": ["ALL"]}),
    ("sagemaker-runtime.endpoint-name", "sagemaker-runtime", "invoke_endpoint", {"EndpointName": "a_b", "Body": b"1"}),
    ("glue.database-name", "glue", "create_database", {"DatabaseInput": {"Name": ""}}),
    (
        "dynamodb.return-values",
        "dynamodb",
        "put_item",
        {"TableName": "table", "Item": {"k": {"S": "1"}}, "ReturnValues": "SOME"},
    ),
    ("scheduler.schedule-name", "scheduler", "get_schedule", {"Name": "a b"}),
]


@pytest.mark.parametrize(("fact", "service", "operation", "members"), REFUSALS, ids=[case[0] for case in REFUSALS])
def test_the_service_refuses_in_its_own_words(cloud, fact, service, operation, members):
    check(fact, list(refused(cloud, service, operation, **members)))


def test_the_name_of_a_model(cloud):
    pattern = re.compile(answer("sagemaker.model-name"))
    for name, allowed in (("tidemark-prod-churn-0a1b", True), ("0a1b_2c3d", False), ("ends-", False)):
        assert bool(pattern.fullmatch(name)) is allowed
        code, message = refused(
            cloud, "sagemaker", "create_model", ModelName=name, ExecutionRoleArn="arn:aws:iam::000000000000:role/none"
        )
        assert code == "ValidationException" and ("at 'modelName' failed to satisfy" not in message) is allowed


def test_a_runtime_that_lambda_does_not_have(cloud):
    members = {"Runtime": "nodejs99", "Role": "arn:aws:iam::000000000000:role/none", "Handler": "h", "Code": {}}
    code, message = refused(cloud, "lambda", "create_function", FunctionName="f", **members)
    check("lambda.runtime", [code, message.split(" [")[0], message.split("] ")[1]])


def test_all_that_is_wrong_is_told_at_once(cloud):
    found = refused(cloud, "kinesis", "put_record", StreamName="a b", Data=b"1", PartitionKey="")
    assert found[1].startswith("2 validation errors detected: ") and "; Value " in found[1]


def test_a_required_member_is_missed_where_it_lies(cloud):
    code, message = refused(
        cloud, "iam", "create_role", RoleName="r", AssumeRolePolicyDocument="{}", Tags=[{"Key": "k"}]
    )
    assert (code, message) == (
        "ValidationError",
        "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must "
        "not be null",
    )


def test_a_value_of_another_type_is_not_read(cloud):
    status, document = raw(cloud, "DynamoDB_20120810.DescribeTable", b'{"TableName": 5}', "dynamodb", "1.0")
    check("dynamodb.number-for-a-string", [status, document["__type"], document["message"]])


def test_an_operation_that_the_api_does_not_have(cloud):
    status, document = raw(cloud, "Kinesis_20131202.PutEverything", b"{}", "kinesis")
    check("kinesis.unknown-operation", [status, document["__type"]])


def test_a_target_that_is_none(cloud):
    assert raw(cloud, "Kinesis_20991231.PutRecord", b"{}", "kinesis")[1]["__type"] == "UnknownOperationException"


def test_a_path_that_the_api_does_not_have(cloud):
    status, _, document = http(cloud, "GET", "/2015-03-31/nothing", "lambda")
    check("lambda.unknown-operation", [status, json.loads(document)["message"]])


def test_an_action_that_the_api_does_not_have(cloud):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, document = http(cloud, "POST", "/", "iam", b"Action=MakeRole&Version=2010-05-08", form)
    assert status == 400 and b"<Code>InvalidAction</Code>" in document


def test_a_number_of_a_query_that_is_none(cloud):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, document = http(cloud, "POST", "/", "iam", b"Action=ListRoles&MaxItems=ten", form)
    assert status == 400 and b"<Code>MalformedInput</Code>" in document


def test_a_bucket_in_the_name_of_the_host(cloud):
    port = cloud.endpoint.rsplit(":", 1)[-1]
    body = b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>"
    host = {"Host": f"tidemark-jobs.s3.localhost:{port}"}
    status, _, document = http(cloud, "PUT", "/?versioning", "s3", body, host)
    assert status == 400 and b"<Code>MalformedXML</Code>" in document


def test_a_request_in_cbor(tmp_path):
    # The emulator itself can't read CBOR with IAM enforced, so that the check is called directly.
    # {"StreamName": "a b", "Data": h'31', "PartitionKey": "k"} (RFC 8949), as the SDK for Java sends it
    body = b"\xa3jStreamNameca bdDataA1lPartitionKeyak"
    headers = {"content-type": "application/x-amz-cbor-1.1", "x-amz-target": "Kinesis_20131202.PutRecord"}
    request = models.Request("POST", "/", headers, body, {})
    refused = gate.check(("kinesis",), request, Tally(tmp_path / "tally.json"))
    assert refused is not None
    status, kind, document = refused
    assert (status, kind["Content-Type"]) == (400, "application/x-amz-cbor-1.1")
    assert b"ValidationException" in document and b"Value 'a b' at 'streamName'" in document


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("service", "path", "kind", "body", "code"),
    [
        ("sns", "/", "text/plain", "Action=CreateTopic&Name=open", "MissingAction"),
        ("sns", "/", FORM.upper(), "Action=CreateTopic&Name=open", "MissingAction"),
        ("sqs", "/", "text/plain", "Action=CreateQueue&QueueName=open", "UnknownOperationException"),
        ("iam", "/", FORM, "", "MissingAction"),
        ("sns", "/?Action=ListTopics", FORM, "Action=CreateTopic&Name=open", "MalformedInput"),
        ("sns", "/?Name=one", FORM, "Action=CreateTopic&Name=open", "MalformedInput"),
        ("s3", "/tidemark-jobs/key?Action=ListAllMyBuckets", "text/plain", "x", "MalformedXML"),
    ],
)
def test_no_request_passes_authorisation_under_another_name_or_none(cloud, service, path, kind, body, code):
    method = "PUT" if service == "s3" else "POST"
    status, _, document = http(cloud, method, path, service, body.encode(), {"Content-Type": kind})
    assert status == 400 and code in document.decode()


def test_an_operation_beside_the_target_is_not_what_is_authorised(cloud):
    request = cloud.signed(
        "POST",
        "/?Action=ListTables",
        b'{"TableName": "t"}',
        "dynamodb",
        {"X-Amz-Target": "DynamoDB_20120810.DescribeTable", "Content-Type": "application/x-amz-json-1.0"},
    )
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(request)
    assert b"says Action twice" in found.value.read()


def test_a_caller_without_a_grant_is_not_told_what_is_wrong(cloud):
    logs = cloud.user("nobody")("logs")
    with pytest.raises(ClientError, match="AccessDenied"):
        logs.create_log_group(logGroupName="a b")


def test_what_is_not_enforced_is_in_the_models():
    for service, shape, what in NOT_ENFORCED:
        found = models.service_model(service)._service_description["shapes"][shape]
        assert what in found or what in found.get("required", []), (service, shape, what)
    assert all(NOT_ENFORCED.values())


def test_members_that_the_model_does_not_know_are_ignored(cloud):
    status, _ = raw(cloud, "Kinesis_20131202.ListStreams", b'{"Unknown": 1, "Limit": 5}', "kinesis")
    assert status == 200


def test_what_was_checked_is_counted(cloud):
    refused(cloud, "logs", "create_log_group", logGroupName="a b")
    counts = until(
        lambda: json.loads((cloud.state / "requests-checked.json").read_text()).get("logs:CreateLogGroup"), bool, 5
    )
    assert counts["refused"] >= 1 and counts["members"] >= counts["requests"] >= 1


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}", "é 0.85..0.87", "0.85 [0.8]"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "a\U0001f600", "a\n"),
        (r"\d+", "12", "١"),  # digits are ASCII in Java
        (r"[\w]+", "a_1", "é"),
        (r"a\x{60}", "a`", "a'"),
        (r"[a[]+", "a[", "]"),
        (r".*", "one", "two\nlines"),
    ],
)
def test_patterns_mean_what_java_means(pattern, matching, other):
    read = patterns.compiled(pattern)
    assert read.fullmatch(matching) and not read.fullmatch(other)


def test_a_pattern_that_cannot_be_read_is_an_error():
    with pytest.raises(patterns.UnreadablePattern, match=r"teach requests/patterns\.py"):
        patterns.compiled(r"\p{NoSuchClass}")


def patterns_of(api: str) -> set[str]:
    shapes = models.service_model(api)._service_description["shapes"].values()
    return {shape["pattern"] for shape in shapes if "pattern" in shape}


APIS = [api for service in (*SERVICES, "sagemaker", "lakeformation") for api in models.api_names(service)]


@pytest.mark.parametrize("api", APIS)
def test_every_pattern_of_the_models_can_be_read(api):
    """The running cloud reads one when the first value is held against it."""
    for pattern in patterns_of(api):
        assert patterns.compiled(pattern)


def test_the_models_have_patterns():
    assert len(APIS) > 25 and len(patterns_of("sagemaker")) > 200 and len(patterns_of("glue")) > 50
