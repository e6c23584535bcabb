"""What the plug-ins add to secrets, alarms, state machines, queues and the audit, in the running local cloud."""

import json
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, document, running_cloud, until

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.cloudwatch.alarm_states import decide


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("services")) as cloud:
        yield cloud


def denials(cloud) -> list[dict]:
    file = cloud.state / "access-denied.ndjson"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def deploy(cloud, operation: str, text: str, waiter: str) -> dict[str, str]:
    getattr(cloud.cloudformation, operation)(
        StackName="secrets",
        TemplateBody=json.dumps(
            {
                "Resources": {
                    "Hook": {
                        "Type": "AWS::SecretsManager::Secret",
                        "Properties": {"SecretString": text},
                    }
                },
                "Outputs": {"Ref": {"Value": {"Ref": "Hook"}}},
            }
        ),
    )
    cloud.cloudformation.get_waiter(waiter).wait(StackName="secrets", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    [stack] = cloud.cloudformation.describe_stacks(StackName="secrets")["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def test_ref_of_a_secret_is_its_arn_through_its_life(cloud):
    arn = deploy(cloud, "create_stack", "first", "stack_create_complete")["Ref"]
    assert arn.startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:")
    reader = cloud.user("reader", allow("secretsmanager:GetSecretValue", arn))("secretsmanager")
    assert reader.get_secret_value(SecretId=arn)["SecretString"] == "first"
    assert deploy(cloud, "update_stack", "second", "stack_update_complete")["Ref"] == arn
    assert reader.get_secret_value(SecretId=arn)["SecretString"] == "second"
    cloud.cloudformation.delete_stack(StackName="secrets")
    until(lambda: cloud.secretsmanager.list_secrets()["SecretList"], lambda found: found == [], 10)


def test_a_refusal_is_on_record_and_an_allowed_call_is_not(cloud):
    stranger = cloud.user("stranger", allow("s3:ListAllMyBuckets"))
    stranger("s3").list_buckets()
    assert not [item for item in denials(cloud) if item["principal"].endswith("user/stranger")]
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger("dynamodb").describe_table(TableName="features")
    [line] = [item for item in denials(cloud) if item["principal"].endswith("user/stranger")]
    assert line["action"] == "dynamodb:DescribeTable" and line["decision"] == "ImplicitDeny"
    assert line["resource"] == "arn:aws:dynamodb:us-east-1:000000000000:table/features"
    assert (cloud.state / "access-denied.ndjson").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("periods", "needed", "missing", "expected"),
    [
        ([True, True, True], 3, "missing", "ALARM"),
        ([True, False, True], 3, "missing", "OK"),
        ([True, False, True], 2, "missing", "ALARM"),
        ([None, None, None], 1, "missing", "INSUFFICIENT_DATA"),
        ([None, None, None], 1, "notBreaching", "OK"),
        ([None, None, None], 1, "breaching", "ALARM"),
        ([None, None, None], 1, "ignore", "before"),
        ([None, None, True], 3, "notBreaching", "OK"),
        ([None, None, True], 3, "breaching", "ALARM"),
        ([None, None, False], 3, "breaching", "OK"),
        ([None, True, True], 3, "missing", "ALARM"),
        ([None, False, True], 2, "missing", "OK"),
    ],
)
def test_alarm_states(periods, needed, missing, expected):
    assert decide(periods, needed, missing, "before") == expected


def test_an_alarm_sees_its_own_dimensions_and_tells_its_topic(cloud):
    queue = cloud.sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = cloud.sns.create_topic(Name="alarms")["TopicArn"]
    statement = {**allow("sqs:SendMessage", arn), "Principal": {"Service": "sns.amazonaws.com"}}
    cloud.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document(statement)})
    cloud.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    for name in ("mine", "other"):
        cloud.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Test",
            MetricName="Failures",
            Dimensions=[{"Name": "who", "Value": name}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[topic],
        )
    # Through a log line, which evaluates nothing by itself.
    metric = {"Namespace": "Test", "Dimensions": [["who"]], "Metrics": [{"Name": "Failures"}]}
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}, "who": "mine", "Failures": 1}
    cloud.logs.create_log_group(logGroupName="any")
    cloud.logs.create_log_stream(logGroupName="any", logStreamName="any")
    events = [{"timestamp": int(time.time() * 1000), "message": json.dumps(line)}]
    cloud.logs.put_log_events(logGroupName="any", logStreamName="any", logEvents=events)
    states = until(
        lambda: {item["AlarmName"]: item["StateValue"] for item in cloud.cloudwatch.describe_alarms()["MetricAlarms"]},
        lambda found: found == {"mine": "ALARM", "other": "OK"},
        15,
    )
    assert states
    [message] = until(lambda: cloud.sqs.receive_message(QueueUrl=queue).get("Messages", []), bool, 5)
    assert json.loads(json.loads(message["Body"])["Message"])["AlarmName"] == "mine"


def test_state_machines_and_queues_are_counted(cloud):
    role = cloud.role("machine", "states")
    definition = {"StartAt": "End", "States": {"End": {"Type": "Fail", "Error": "Told", "Cause": "to"}}}
    arn = cloud.stepfunctions.create_state_machine(name="fails", definition=json.dumps(definition), roleArn=role)
    cloud.stepfunctions.start_execution(stateMachineArn=arn["stateMachineArn"])
    url = cloud.sqs.create_queue(QueueName="counted")["QueueUrl"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody="one")

    def names(namespace: str) -> set[str]:
        return {item["MetricName"] for item in cloud.cloudwatch.list_metrics(Namespace=namespace)["Metrics"]}

    until(lambda: names("AWS/States"), lambda found: {"ExecutionsStarted", "ExecutionsFailed"} <= found, 10)
    until(lambda: names("AWS/SQS"), lambda found: "ApproximateNumberOfMessagesVisible" in found, 10)
