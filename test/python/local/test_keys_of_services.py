"""Services that write to encrypted topics and queues on their own behalf need the key policy's word."""

import json
import sys
from pathlib import Path

import aws_facts
import pytest
from keys_support import ACCOUNT, TO_ACCOUNT
from ministack.core.responses import request_scope
from ministack.services import kms, sns, sqs

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.deliveries.service_calls import ServiceCall, refusal
from tidemark_local.host.context import LocalContext

REGION = "us-east-1"
TOPIC, QUEUE = f"arn:aws:sns:{REGION}:{ACCOUNT}:key-test-topic", f"arn:aws:sqs:{REGION}:{ACCOUNT}:key-test-queue"
SOURCE = {
    "cloudwatch.amazonaws.com": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:a",
    "events.amazonaws.com": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r",
    "sns.amazonaws.com": f"arn:aws:sns:{REGION}:{ACCOUNT}:source",
}


@pytest.fixture
def context(tmp_path):
    return LocalContext("http://127.0.0.1:1", 1, tmp_path, Path(sys.executable), tmp_path)


def to_services(*actions: str, **more) -> dict:
    """A statement of a key or resource policy that lets all three services act."""
    return {"Effect": "Allow", "Principal": {"Service": list(SOURCE)}, "Action": list(actions), "Resource": "*", **more}


SAME_ACCOUNT = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
BOTH = ("kms:Decrypt", "kms:GenerateDataKey*")


def ask(context, principal: str, action: str, resource: str, *statements: dict, key: str = "") -> str | None:
    """The refusal of a service that the resource's own policy lets in, under a key with these statements."""
    with request_scope(ACCOUNT, REGION):
        policy = json.dumps({"Statement": [TO_ACCOUNT, *statements]})
        key = key or json.loads(kms._create_key({"Policy": policy})[2])["KeyMetadata"]["Arn"]
        attributes = {
            "KmsMasterKeyId": key,
            "QueueArn": resource,
            "Policy": json.dumps({"Statement": to_services("sns:Publish", "sqs:SendMessage")}),
        }
        if action == "sns:Publish":
            sns._topics[resource] = {"arn": resource, "attributes": attributes}
        else:
            sqs._queues[sqs._queue_url(resource.rsplit(":", 1)[-1])] = {"attributes": attributes}
    return refusal(context, ServiceCall(principal, action, resource, SOURCE[principal]))


@pytest.mark.parametrize("principal", SOURCE)
@pytest.mark.parametrize(("action", "resource"), [("sns:Publish", TOPIC), ("sqs:SendMessage", QUEUE)])
def test_a_service_needs_both_actions_by_the_key_policy(context, principal, action, resource):
    for missing, present in (("kms:GenerateDataKey", "kms:Decrypt"), ("kms:Decrypt", "kms:GenerateDataKey*")):
        why = ask(context, principal, action, resource, to_services(present))
        assert why and f"because no resource-based policy allows the {missing} action" in why
    assert ask(context, principal, action, resource, to_services(*BOTH)) is None


def test_the_refusal_is_on_record(context):
    ask(context, "cloudwatch.amazonaws.com", "sns:Publish", TOPIC)
    [line] = [json.loads(text) for text in (context.state_dir / "access-denied.ndjson").read_text().splitlines()]
    assert (line["principal"], line["action"]) == ("cloudwatch.amazonaws.com", "kms:GenerateDataKey")


def test_a_source_condition_shuts_eventbridge_out_and_lets_cloudwatch_in(context):
    statement = to_services(*BOTH, **SAME_ACCOUNT)
    assert ask(context, "cloudwatch.amazonaws.com", "sns:Publish", TOPIC, statement) is None
    assert "not supported for EventBridge" in aws_facts.answer("kms.events-takes-no-source-conditions")
    assert ask(context, "events.amazonaws.com", "sns:Publish", TOPIC, statement) is not None


def test_the_key_that_aws_manages_lets_no_service_in(context):
    why = ask(context, "cloudwatch.amazonaws.com", "sns:Publish", TOPIC, key="alias/aws/sns")
    assert why and "kms:GenerateDataKey" in why


def test_a_topic_without_a_key_asks_none(context):
    with request_scope(ACCOUNT, REGION):
        policy = json.dumps({"Statement": to_services("sns:Publish")})
        sns._topics[TOPIC] = {"arn": TOPIC, "attributes": {"Policy": policy}}
    call = ServiceCall("cloudwatch.amazonaws.com", "sns:Publish", TOPIC, SOURCE["cloudwatch.amazonaws.com"])
    assert refusal(context, call) is None
