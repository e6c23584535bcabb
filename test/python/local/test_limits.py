"""Each limit of AWS's in local/tidemark_local/limits.json: what is at the limit is taken, what is beyond is refused."""

import io
import json
import time
import urllib.error
import urllib.request
import zipfile

import boto3
import pytest
from aws_facts import check
from botocore.config import Config
from botocore.exceptions import ClientError
from jobs_support import running_cloud, until
from tidemark_local import emf
from tidemark_local.limits import limit, table

STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::"}
FUNCTION = """
import time
def handler(event, context):
    time.sleep(event.get("seconds", 0))
    return "x" * event.get("size", 0)
"""


class Beyond:
    """The calls, each with what it counts; the cloud and its resources are made once."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.names = iter(range(10_000))
        self.role = cloud.role("limits", "lambda")
        self.function = self._function()
        self.topic = cloud.sns.create_topic(Name="limits")["TopicArn"]
        self.queue = cloud.sqs.create_queue(QueueName="limits")["QueueUrl"]
        self.dynamodb.create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        cloud.kinesis.create_stream(StreamName="stream", ShardCount=1)
        cloud.logs.create_log_group(logGroupName="group")
        cloud.logs.create_log_stream(logGroupName="group", logStreamName="stream")

    def __getattr__(self, service):
        config = Config(parameter_validation=False, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service.replace("_", "-"),
            endpoint_url=self.__dict__["cloud"].endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )

    def name(self):
        return f"n{next(self.names)}"

    def _function(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", FUNCTION)
        made = self.cloud.client("lambda").create_function(
            FunctionName="limits",
            Runtime="python3.11",
            Role=self.role,
            Handler="index.handler",
            Timeout=60,
            Code={"ZipFile": archive.getvalue()},
        )
        return made["FunctionArn"]

    def stack(self, parts, size=0):
        """A stack from a template in the bucket, padded to `size` bytes."""
        template = {"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}, **parts}
        text = json.dumps(template)
        key = self.name()
        self.cloud.put(key, text + " " * (size - len(text)))
        self.cloudformation.create_stack(
            StackName=self.name(), TemplateURL=f"{self.cloud.endpoint}/{self.cloud.bucket}/{key}"
        )

    def item(self, size):
        return {"k": {"S": "1"}, "v": {"B": b"x" * (size - 3)}}  # names count as well: 1 + 1 + 1 byte of the key

    def state(self, size):
        definition = {
            "StartAt": "A",
            "QueryLanguage": "JSONata",
            "States": {"A": {"Type": "Pass", "Output": "{% $states.input & 'xxxxxxxxxx' %}", "End": True}},
        }
        machine = self.stepfunctions.create_state_machine(
            name=self.name(), definition=json.dumps(definition), roleArn=self.cloud.role(self.name(), "states")
        )["stateMachineArn"]
        run = self.stepfunctions.start_execution(stateMachineArn=machine, input=json.dumps("x" * (size - 12)))[
            "executionArn"
        ]
        ended = until(
            lambda: self.stepfunctions.describe_execution(executionArn=run), lambda run: run["status"] != "RUNNING"
        )
        if ended["status"] == "FAILED":
            raise ClientError({"Error": {"Code": ended["error"], "Message": ended["cause"]}}, "Pass")

    def metric(self, **document):
        names = [metric["Name"] for metric in document["metrics"]]
        message = {
            "_aws": {
                "Timestamp": 1,
                "CloudWatchMetrics": [
                    {"Namespace": "n", "Dimensions": [document.get("dimensions", [])], "Metrics": document["metrics"]}
                ],
            },
            **{name: document.get("value", 1) for name in names},
            **{name: "x" for name in document.get("dimensions", [])},
        }
        list(emf.metrics_of(json.dumps(message)))

    def policy(self, characters):
        """A policy of as many characters as IAM counts."""
        bare = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}, separators=(",", ":"))
        return bare.replace("arn:aws:s3:::", "arn:aws:s3:::" + "x" * (characters - len(bare)))

    def trust(self, characters):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Sid": "",
        }
        bare = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
        return bare.replace('"Sid":""', f'"Sid":"{"x" * (characters - len(bare))}"')

    def bucket_policy(self, size):
        account = {"AWS": "arn:aws:iam::000000000000:root"}
        statement = {**STATEMENT, "Principal": account, "Resource": f"arn:aws:s3:::{self.cloud.bucket}/"}
        bare = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
        return bare.replace(f"{self.cloud.bucket}/", f"{self.cloud.bucket}/" + "x" * (size - len(bare)))

    def key_policy(self, size):
        statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Sid": ""}
        bare = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
        return bare.replace('"Sid":""', f'"Sid":"{"x" * (size - len(bare))}"')


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("limits")) as cloud:
        yield Beyond(cloud)


def many(count, make):
    return [make(index) for index in range(count)]


def targets(aws, count):
    rule = aws.name()
    aws.events.put_rule(Name=rule, ScheduleExpression="rate(1 day)")
    queue = "arn:aws:sqs:us-east-1:000000000000:limits"
    aws.events.put_targets(Rule=rule, Targets=many(count - 1, lambda index: {"Id": str(index), "Arn": queue}))
    aws.events.put_targets(Rule=rule, Targets=[{"Id": "last", "Arn": queue}])


def inline(aws, characters):
    role = aws.name()
    aws.cloud.role(role, "lambda")
    first = 5000
    aws.iam.put_role_policy(RoleName=role, PolicyName="a", PolicyDocument=aws.policy(first))
    aws.iam.put_role_policy(RoleName=role, PolicyName="b", PolicyDocument=aws.policy(characters - first))


def schedule(aws, size):
    aws.scheduler.create_schedule(
        Name=aws.name(),
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": aws.function, "RoleArn": aws.role, "Input": json.dumps("x" * (size - 2))},
    )


def puts(aws, count, size=1):
    return many(
        count,
        lambda index: {"Put": {"TableName": "table", "Item": {"k": {"S": f"{index:04}"}, "v": {"S": "x" * size}}}},
    )


def transaction(aws, size):
    """16 items of text. The emulator counts the request's JSON instead of the items, so that the limit itself is less
    by the JSON's own characters."""
    inside = size <= limit("dynamodb.transaction-bytes")
    aws.dynamodb.transact_write_items(TransactItems=puts(aws, 16, -(-size // 16) - (106 if inside else 6)))


# id → the call for a size or number, and the code that answers what is beyond
CASES = {
    "cloudformation.outputs": (
        lambda aws, n: aws.stack({"Outputs": {f"O{i}": {"Value": "x"} for i in range(n)}}),
        "ValidationError",
    ),
    "cloudformation.parameters": (
        lambda aws, n: aws.stack({"Parameters": {f"P{i}": {"Type": "String", "Default": "x"} for i in range(n)}}),
        "ValidationError",
    ),
    "cloudformation.resources": (
        lambda aws, n: aws.stack(
            {"Resources": {f"R{i}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for i in range(n)}}
        ),
        "ValidationError",
    ),
    "cloudformation.template-body-bytes": (
        lambda aws, n: aws.cloudformation.create_stack(
            StackName=aws.name(),
            TemplateBody='{"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'.ljust(n),
        ),
        "ValidationError",
    ),
    "cloudformation.template-url-bytes": (lambda aws, n: aws.stack({}, n), "ValidationError"),
    "cloudwatch.metric-data": (
        lambda aws, n: aws.cloudwatch.put_metric_data(
            Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}] * n
        ),
        "InvalidParameterValue",
    ),
    "dynamodb.batch-get-keys": (
        lambda aws, n: aws.dynamodb.batch_get_item(
            RequestItems={"table": {"Keys": many(n, lambda index: {"k": {"S": str(index)}})}}
        ),
        "ValidationException",
    ),
    "dynamodb.batch-write-requests": (
        lambda aws, n: aws.dynamodb.batch_write_item(
            RequestItems={"table": many(n, lambda index: {"PutRequest": {"Item": {"k": {"S": str(index)}}}})}
        ),
        "ValidationException",
    ),
    "dynamodb.hash-key-bytes": (
        lambda aws, n: aws.dynamodb.put_item(TableName="table", Item={"k": {"S": "x" * n}}),
        "ValidationException",
    ),
    "dynamodb.item-bytes": (
        lambda aws, n: aws.dynamodb.put_item(TableName="table", Item=aws.item(n)),
        "ValidationException",
    ),
    "dynamodb.transaction-actions": (
        lambda aws, n: aws.dynamodb.transact_write_items(TransactItems=puts(aws, n)),
        "ValidationException",
    ),
    "dynamodb.transaction-bytes": (transaction, "ValidationException"),
    "events.entries": (
        lambda aws, n: aws.events.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}] * n),
        "ValidationException",
    ),
    "events.entries-bytes": (
        lambda aws, n: aws.events.put_events(
            Entries=[{"Source": "a", "DetailType": "b", "Detail": json.dumps({"x": "x" * (n - 11)})}]
        ),
        "ValidationException",
    ),
    "events.targets": (targets, "LimitExceededException"),
    "iam.inline-policies-characters": (inline, "LimitExceeded"),
    "iam.managed-policy-characters": (
        lambda aws, n: aws.iam.create_policy(PolicyName=aws.name(), PolicyDocument=aws.policy(n)),
        "LimitExceeded",
    ),
    "iam.trust-policy-characters": (
        lambda aws, n: aws.iam.create_role(RoleName=aws.name(), AssumeRolePolicyDocument=aws.trust(n)),
        "LimitExceeded",
    ),
    "kinesis.record-bytes": (
        lambda aws, n: aws.kinesis.put_record(StreamName="stream", Data=b"x" * (n - 3), PartitionKey="key"),
        "ValidationException",
    ),
    "kinesis.records": (
        lambda aws, n: aws.kinesis.put_records(StreamName="stream", Records=[{"Data": b"x", "PartitionKey": "k"}] * n),
        "ValidationException",
    ),
    "kms.policy-bytes": (lambda aws, n: aws.kms.create_key(Policy=aws.key_policy(n)), "LimitExceededException"),
    "lambda.asynchronous-payload-bytes": (
        lambda aws, n: getattr(aws, "lambda").invoke(
            FunctionName="limits", InvocationType="Event", Payload=json.dumps({"x": "x" * (n - 9)})
        ),
        "RequestEntityTooLargeException",
    ),
    "lambda.environment-bytes": (
        lambda aws, n: getattr(aws, "lambda").update_function_configuration(
            FunctionName="limits", Environment={"Variables": {"AB": "x" * (n - 9)}}
        ),
        "InvalidParameterValueException",
    ),
    "lambda.synchronous-payload-bytes": (
        lambda aws, n: getattr(aws, "lambda").invoke(FunctionName="limits", Payload=json.dumps({"x": "x" * (n - 9)})),
        "RequestEntityTooLargeException",
    ),
    "lambda.timeout-seconds": (
        lambda aws, n: getattr(aws, "lambda").update_function_configuration(FunctionName="limits", Timeout=n),
        "ValidationException",
    ),
    "logs.batch-bytes": (
        lambda aws, n: aws.logs.put_log_events(
            logGroupName="group",
            logStreamName="stream",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "x" * (n // 2 - 26 + n % 2)}] * 2,
        ),
        "InvalidParameterException",
    ),
    "logs.event-bytes": (
        # an event of the full size doesn't fit in a batch: 26 bytes more count
        lambda aws, n: aws.logs.put_log_events(
            logGroupName="group",
            logStreamName="stream",
            logEvents=[
                {
                    "timestamp": int(time.time() * 1000),
                    "message": "x" * (n if n > limit("logs.event-bytes") else n - 26),
                }
            ],
        ),
        "InvalidParameterException",
    ),
    "s3.key-bytes": (
        lambda aws, n: aws.s3.put_object(Bucket=aws.cloud.bucket, Key="é" * (n // 2) + "x" * (n % 2), Body=b""),
        "KeyTooLongError",
    ),
    "s3.metadata-bytes": (
        lambda aws, n: aws.s3.put_object(Bucket=aws.cloud.bucket, Key="k", Body=b"", Metadata={"a": "x" * (n - 1)}),
        "MetadataTooLarge",
    ),
    "s3.policy-bytes": (
        lambda aws, n: aws.s3.put_bucket_policy(Bucket=aws.cloud.bucket, Policy=aws.bucket_policy(n)),
        "PolicyTooLarge",
    ),
    "sagemaker.invoke-bytes": (
        lambda aws, n: aws.sagemaker_runtime.invoke_endpoint(EndpointName="none", Body=b"x" * n),
        "ValidationError",
    ),
    "scheduler.input-bytes": (schedule, "ValidationException"),
    "secretsmanager.secret-bytes": (
        lambda aws, n: aws.secretsmanager.create_secret(Name=aws.name(), SecretString="x" * n),
        "ValidationException",
    ),
    "sns.message-bytes": (lambda aws, n: aws.sns.publish(TopicArn=aws.topic, Message="x" * n), "InvalidParameter"),
    "sns.subject-characters": (
        lambda aws, n: aws.sns.publish(TopicArn=aws.topic, Message="x", Subject="x" * n),
        "InvalidParameter",
    ),
    "sns.topic-name-characters": (lambda aws, n: aws.sns.create_topic(Name="x" * n), "InvalidParameter"),
    "sqs.batch-bytes": (
        lambda aws, n: aws.sqs.send_message_batch(
            QueueUrl=aws.queue,
            Entries=many(2, lambda index: {"Id": str(index), "MessageBody": "x" * (n // 2 + n % 2 * (index == 0))}),
        ),
        "AWS.SimpleQueueService.BatchRequestTooLong",
    ),
    "sqs.message-bytes": (
        lambda aws, n: aws.sqs.send_message(QueueUrl=aws.queue, MessageBody="x" * n),
        "InvalidParameterValue",
    ),
    "sqs.queue-name-characters": (lambda aws, n: aws.sqs.create_queue(QueueName="x" * n), "InvalidParameterValue"),
    "states.definition-bytes": (
        lambda aws, n: aws.stepfunctions.create_state_machine(
            name=aws.name(),
            roleArn=aws.cloud.role(aws.name(), "states"),
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'.ljust(n),
        ),
        "ValidationException",
    ),
    "states.name-characters": (
        lambda aws, n: aws.stepfunctions.create_state_machine(
            name="x" * n,
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            roleArn=aws.cloud.role(aws.name(), "states"),
        ),
        "ValidationException",
    ),
    "states.payload-bytes": (lambda aws, n: aws.state(n), "States.DataLimitExceeded"),
}

# Held by a test of its own: an answer that is cut, a wait, a number that differs, or no request at all.
ELSEWHERE = {
    "dynamodb.batch-get-bytes",
    "emf.dimensions",
    "emf.metrics",
    "emf.values",
    "http-api.payload-bytes",
    "http-api.timeout-ms",
    "kinesis.request-bytes",
    "lambda.response-bytes",
}


def test_every_limit_of_the_table_is_tested():
    assert sorted([*CASES, *ELSEWHERE]) == sorted(table())
    assert list(table()) == sorted(table())
    assert all(row["source"] and row["sentence"] for row in table().values())


# The model's own word for an endpoint that isn't there has the same code as the limit.
MESSAGE = {"sagemaker.invoke-bytes": "less than or equal to"}


@pytest.mark.parametrize("name", CASES)
def test_what_is_beyond_a_limit_is_refused_and_what_is_at_it_is_not(aws, name):
    call, code = CASES[name]
    try:
        call(aws, limit(name))
    except ClientError as error:
        assert name in MESSAGE and MESSAGE[name] not in str(error), error
    with pytest.raises(ClientError) as found:
        call(aws, limit(name) + 1)
    assert found.value.response["Error"]["Code"] == code
    assert MESSAGE.get(name, "") in str(found.value)


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
    """The URL of an HTTP API before the function."""
    api = aws.apigatewayv2.create_api(Name="limits", ProtocolType="HTTP", Target=aws.function)
    getattr(aws, "lambda").add_permission(
        FunctionName="limits", StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    return f"{aws.cloud.endpoint}/_aws/execute-api/{api['ApiId']}/$default/"


def post(url, body):
    """Status and message of the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=60) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["message"]


def test_an_http_api_takes_10_mb(http_api):
    most = limit("http-api.payload-bytes")
    assert post(http_api, b"x" * (most + 1))[0] == 413
    assert post(http_api, b"x" * 1000)[0] != 413


def test_an_http_api_waits_for_30_s():
    """The wait itself, with a shorter limit: half a minute of a test tells no more."""
    import asyncio

    from tidemark_local import http_api_limits, limits

    held = dict(limits.table()["http-api.timeout-ms"])
    assert held["value"] == 30_000

    async def slow(*_, **__):
        await asyncio.sleep(5)

    limits.table()["http-api.timeout-ms"]["value"] = 50
    original = http_api_limits.apigateway.handle_execute
    try:
        http_api_limits.apigateway.handle_execute = slow
        http_api_limits.register(None)
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
