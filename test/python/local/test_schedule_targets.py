"""Schedules of EventBridge Scheduler in the running local cloud: the role, the target and the dead-letter queue."""

import json
from datetime import UTC, datetime

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from delivery_support import ACCOUNT, Function, Queue, attributes, denials, refused_update, total
from jobs_support import allow, document, running_cloud, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("schedules")) as cloud:
        yield cloud


def group_arn(name: str) -> str:
    return f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/{name}"


def trust(cloud, role: str, source: str) -> None:
    """What the CDK writes into the role of a schedule's target: the group, not the schedule."""
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}}
    principal = {"Service": "scheduler.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}
    cloud.iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(statement))


def schedule(cloud, name: str, target: str, role: str, **settings) -> None:
    """Fires once, at the next look at the clock."""
    if name not in [item["Name"] for item in cloud.scheduler.list_schedule_groups()["ScheduleGroups"]]:
        cloud.scheduler.create_schedule_group(Name=name)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    cloud.scheduler.create_schedule(
        Name=name,
        GroupName=name,
        ScheduleExpression=f"at({now})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target, "RoleArn": role, "Input": json.dumps({"from": name}), **settings},
    )


def test_a_function_is_invoked_with_the_schedule_s_role(cloud):
    function = Function(cloud, "fires")
    role = cloud.role("fires-schedule", "scheduler", allow("lambda:InvokeFunction", function.arn))
    trust(cloud, "fires-schedule", group_arn("fires"))
    schedule(cloud, "fires", function.arn, role)
    assert function.wait(1, 30) == [{"from": "fires"}]
    assert total(cloud, "AWS/Scheduler", "InvocationAttemptCount", ScheduleGroup="fires") == 1


def test_context_attributes_of_the_input_are_filled_in(cloud):
    function = Function(cloud, "told")
    role = cloud.role("told-schedule", "scheduler", allow("lambda:InvokeFunction", function.arn))
    words = {"at": "scheduled-time", "try": "attempt-number", "odd": "x"}
    given = {name: f"<aws.scheduler.{word}>" for name, word in words.items()}
    schedule(cloud, "told", function.arn, role, Input=json.dumps(given))
    [told] = function.wait(1, 30)
    assert datetime.fromisoformat(told["at"]).tzinfo == UTC
    assert (told["try"], told["odd"]) == ("1", "<aws.scheduler.x>")


def test_without_the_grant_the_payload_goes_to_the_dead_letter_queue(cloud):
    function, queue = Function(cloud, "ungranted"), Queue(cloud, "ungranted")
    role = cloud.role("ungranted-schedule", "scheduler", allow("sqs:SendMessage", queue.arn))
    schedule(cloud, "ungranted", function.arn, role, DeadLetterConfig={"Arn": queue.arn})
    [message] = queue.wait(1, 30)
    told = attributes(message)
    assert json.loads(message["Body"]) == {"from": "ungranted"} and sorted(told) == answer("scheduler.dlq-attributes")
    assert "is not authorized to perform: lambda:InvokeFunction" in told["ERROR_MESSAGE"]
    assert told["SCHEDULE_ARN"].endswith(":schedule/ungranted/ungranted") and told["TARGET_ARN"] == function.arn
    assert function.calls() == []
    assert denials(cloud, "ungranted-schedule")[0]["action"] == "lambda:InvokeFunction"
    assert total(cloud, "AWS/Scheduler", "InvocationsSentToDeadLetterCount", ScheduleGroup="ungranted") == 1


def test_the_role_needs_the_right_to_send_to_the_dead_letter_queue(cloud):
    function, queue = Function(cloud, "nowhere"), Queue(cloud, "nowhere")
    role = cloud.role("nowhere-schedule", "scheduler")
    schedule(cloud, "nowhere", function.arn, role, DeadLetterConfig={"Arn": queue.arn})
    metric = "InvocationsFailedToBeSentToDeadLetterCount"
    until(lambda: total(cloud, "AWS/Scheduler", metric, ScheduleGroup="nowhere"), lambda found: found == 1, 30)
    assert queue.receive() == []


@pytest.mark.parametrize("case", ["another service", "the schedule, not its group"])
def test_a_role_that_scheduler_cannot_assume_is_refused(cloud, case):
    name = case.replace(" ", "-").replace(",", "")
    service = "events" if case == "another service" else "scheduler"
    role = cloud.role(name, service)
    if service == "scheduler":
        trust(cloud, name, f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/{name}/{name}")
    with pytest.raises(ClientError) as refused:
        schedule(cloud, name, f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:any", role)
    assert refused.value.response["Error"]["Message"] == answer("scheduler.role-is-assumed")


def test_a_template_s_update_to_such_a_role_is_refused_too(cloud):
    good, bad = cloud.role("updated", "scheduler"), cloud.role("updated-lambda", "lambda")
    queue = Queue(cloud, "updated")

    def properties(role: str) -> dict:
        schedule = {"Name": "updated", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}}
        return {**schedule, "Target": {"Arn": queue.arn, "RoleArn": role}}

    refused = refused_update(cloud, "updated", "AWS::Scheduler::Schedule", properties(good), properties(bad))
    assert "must allow AWS EventBridge Scheduler to assume the role" in refused
