"""Rules of EventBridge in the running local cloud: roles, resource policies, dead-letter queues, and names."""

import json
import re

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from delivery_support import ACCOUNT, Function, Queue, attributes, denials, refused_update, total
from jobs_support import allow, document, running_cloud, until

PASS = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("rules")) as cloud:
        yield cloud


def rule(cloud, name: str, **target) -> str:
    """A rule for events of its own detail type with one target; its ARN."""
    pattern = json.dumps({"source": ["test"], "detail-type": [name]})
    arn = cloud.events.put_rule(Name=name, EventPattern=pattern)["RuleArn"]
    cloud.events.put_targets(Rule=name, Targets=[{"Id": "one", **target}])
    return arn


def rule_arn(name: str) -> str:
    return f"arn:aws:events:us-east-1:{ACCOUNT}:rule/{name}"


def send(cloud, kind: str, detail: dict | None = None) -> str:
    entry = {"Source": "test", "DetailType": kind, "Detail": json.dumps(detail or {"n": 1})}
    return cloud.events.put_events(Entries=[entry])["Entries"][0]["EventId"]


def machine(cloud, name: str) -> str:
    role = cloud.role(f"{name}-machine", "states")
    return cloud.stepfunctions.create_state_machine(name=name, definition=json.dumps(PASS), roleArn=role)[
        "stateMachineArn"
    ]


def executions(cloud, arn: str) -> list[str]:
    return [item["name"] for item in cloud.stepfunctions.list_executions(stateMachineArn=arn)["executions"]]


def test_an_execution_is_started_with_the_target_s_role_and_named_by_the_event(cloud):
    arn = machine(cloud, "named")
    role = cloud.role("named-rule", "events", allow("states:StartExecution", arn))
    rule(cloud, "named", Arn=arn, RoleArn=role)
    event = send(cloud, "named")
    [name] = until(lambda: executions(cloud, arn), bool, 15)
    assert re.fullmatch(answer("eventbridge.execution-name"), name) and name.startswith(event)
    assert len(name) == 73
    assert total(cloud, "AWS/Events", "Invocations", RuleName="named") == 1


def test_a_role_without_the_grant_starts_nothing_and_the_event_goes_to_the_dead_letter_queue(cloud):
    arn, queue = machine(cloud, "ungranted"), Queue(cloud, "ungranted", "events.amazonaws.com")
    role = cloud.role("ungranted-rule", "events")
    source = rule(cloud, "ungranted", Arn=arn, RoleArn=role, DeadLetterConfig={"Arn": queue.arn})
    event = send(cloud, "ungranted")
    [message] = queue.wait()
    assert json.loads(message["Body"])["id"] == event
    told = attributes(message)
    assert sorted(told) == ["ERROR_CODE", "ERROR_MESSAGE", "RETRY_ATTEMPTS", "RULE_ARN", "TARGET_ARN"]
    assert (told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == (answer("eventbridge.dlq-no-permissions"), "0")
    assert (told["RULE_ARN"], told["TARGET_ARN"]) == (source, arn)
    assert "is not authorized to perform: states:StartExecution" in told["ERROR_MESSAGE"]
    assert executions(cloud, arn) == []
    assert denials(cloud, "ungranted-rule")[0]["action"] == "states:StartExecution"
    assert total(cloud, "AWS/Events", "FailedInvocations", RuleName="ungranted") == 1
    assert total(cloud, "AWS/Events", "InvocationsSentToDlq", RuleName="ungranted") == 1


def test_a_state_machine_needs_a_role_that_events_may_assume(cloud):
    arn = machine(cloud, "untrusted")
    with pytest.raises(ClientError) as refused:
        rule(cloud, "roleless", Arn=arn)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": answer("eventbridge.role-is-required").format(target=arn),
    }
    with pytest.raises(ClientError, match=r"cannot be assumed by principal 'events\.amazonaws\.com'"):
        rule(cloud, "untrusted", Arn=arn, RoleArn=cloud.role("untrusted", "lambda"))


def test_a_template_s_update_to_such_a_role_is_refused_too(cloud):
    arn = machine(cloud, "updated")
    good, bad = cloud.role("updated", "events"), cloud.role("updated-lambda", "lambda")

    def properties(role: str) -> dict:
        pattern = {"source": ["test"], "detail-type": ["updated"]}
        return {"Name": "updated", "EventPattern": pattern, "Targets": [{"Id": "one", "Arn": arn, "RoleArn": role}]}

    refused = refused_update(cloud, "updated", "AWS::Events::Rule", properties(good), properties(bad))
    assert "cannot be assumed by principal 'events.amazonaws.com'" in refused


def test_a_trust_policy_that_names_another_rule_is_refused_when_the_event_comes(cloud):
    arn, queue = machine(cloud, "narrow"), Queue(cloud, "narrow", "events.amazonaws.com")
    role = cloud.role("narrow-rule", "events", allow("states:StartExecution", arn))
    trust = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name, names in (("other", []), ("narrow", ["named"])):
        condition = {"Condition": {"ArnEquals": {"aws:SourceArn": rule_arn(name)}}}
        policy = document({**trust, **condition})
        cloud.iam.update_assume_role_policy(RoleName="narrow-rule", PolicyDocument=policy)
        rule(cloud, "narrow", Arn=arn, RoleArn=role, DeadLetterConfig={"Arn": queue.arn})
        send(cloud, "narrow")
        if names:
            until(lambda: executions(cloud, arn), bool, 15)
        else:
            assert attributes(queue.wait()[0])["ERROR_CODE"] == "FAILED_TO_ASSUME_ROLE"


@pytest.mark.parametrize("kind", ["function", "topic", "queue"])
def test_a_target_s_policy_lets_events_in_or_not(cloud, kind):
    name, dead = f"policy-{kind}", Queue(cloud, f"dead-{kind}", "events.amazonaws.com")
    end = Queue(cloud, f"end-{kind}", "sns.amazonaws.com")
    function = Function(cloud, name) if kind == "function" else None
    if function:
        target, action = function.arn, "lambda:InvokeFunction"
        function.let("events.amazonaws.com", rule_arn(name))
    elif kind == "topic":
        target, action = cloud.sns.create_topic(Name=name)["TopicArn"], "sns:Publish"
        cloud.sns.subscribe(TopicArn=target, Protocol="sqs", Endpoint=end.arn)
        cloud.sns.set_topic_attributes(TopicArn=target, AttributeName="Policy", AttributeValue=lets(target, action))
    else:
        end.let("events.amazonaws.com")
        target, action = end.arn, "sqs:SendMessage"
    rule(cloud, name, Arn=target, DeadLetterConfig={"Arn": dead.arn})
    send(cloud, name)
    if function:
        assert function.wait()[0]["detail-type"] == name
        function.forbid()
    else:
        body = json.loads(end.wait()[0]["Body"])
        event = json.loads(body["Message"]) if kind == "topic" else body
        assert event["detail-type"] == name and event["detail"] == {"n": 1}
        if kind == "topic":
            assert sorted(body) == sorted(answer("eventbridge.sns-notification")) and ": " not in body["Message"]
            nobody = lets(target, action, "cloudwatch.amazonaws.com")
            cloud.sns.set_topic_attributes(TopicArn=target, AttributeName="Policy", AttributeValue=nobody)
        else:
            end.let("sns.amazonaws.com")
    send(cloud, name)
    told = attributes(dead.wait()[0])
    assert told["ERROR_CODE"] == answer("eventbridge.dlq-no-permissions")
    assert told["ERROR_MESSAGE"] == (
        f"User: events.amazonaws.com is not authorized to perform: {action} on resource: {target} "
        f"because no resource-based policy allows the {action} action"
    )
    refused = [line for line in denials(cloud, "events.amazonaws.com") if line["resource"] == target]
    assert [(line["action"], line["decision"]) for line in refused] == [(action, "ImplicitDeny")]


def lets(resource: str, action: str, service: str = "events.amazonaws.com") -> str:
    return document({**allow(action, resource), "Principal": {"Service": service}})


def test_a_dead_letter_queue_needs_a_policy_too(cloud):
    dead = Queue(cloud, "closed")
    rule(cloud, "closed", Arn=f"arn:aws:sqs:us-east-1:{ACCOUNT}:missing", DeadLetterConfig={"Arn": dead.arn})
    send(cloud, "closed")
    until(
        lambda: total(cloud, "AWS/Events", "InvocationsFailedToBeSentToDlq", RuleName="closed"),
        lambda found: found == 1,
        15,
    )
    assert dead.receive() == []
