"""Calls of a given size or number, for the tests of AWS's limits."""

import io
import json
import zipfile

from botocore.exceptions import ClientError
from jobs_support import until
from tidemark_local.cloudwatch import emf
from tidemark_local.host.limits import limit

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
        return self.__dict__["cloud"].client(service.replace("_", "-"), parameter_validation=False)

    def name(self):
        return f"n{next(self.names)}"

    def code(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.py", FUNCTION)
        return {"ZipFile": archive.getvalue()}

    def _function(self):
        made = self.cloud.client("lambda").create_function(
            FunctionName="limits",
            Runtime="python3.11",
            Role=self.role,
            Handler="index.handler",
            Timeout=60,
            Code=self.code(),
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


def permissions(aws, size):
    """Statements of one length each, and a last one that fills the policy of a new function up to `size`."""
    name, functions = aws.name(), aws.cloud.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=aws.role,
        Handler="index.handler",
        Code=aws.code(),
    )

    def add(index, padding):
        functions.add_permission(
            FunctionName=name,
            StatementId=f"{index:02}",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=f"arn:aws:events:us-east-1:000000000000:rule/{'x' * padding}",
        )
        policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
        return len(json.dumps(policy, separators=(",", ":")))

    sizes = [add(index, 700) for index in range(19)]
    each = sizes[-1] - sizes[-2]
    assert add(19, 700 + size - sizes[-1] - each) == size


def schedule(aws, size):
    aws.scheduler.create_schedule(
        Name=aws.name(),
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": aws.function,
            "RoleArn": aws.cloud.role(aws.name(), "scheduler"),
            "Input": json.dumps("x" * (size - 2)),
        },
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
