"""Subscriptions of topics in the running local cloud: functions, queues, policies and redrive policies."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from aws_facts import answer
from delivery_support import Function, Queue, attributes, denials, total
from jobs_support import allow, running_cloud, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("topics")) as cloud:
        yield cloud


def subscribed(cloud, name: str, protocol: str, endpoint: str, dead: Queue | None = None, **more: str) -> str:
    """A topic with one subscription; its ARN."""
    topic = cloud.sns.create_topic(Name=name)["TopicArn"]
    settings = dict(more)
    if dead:
        settings["RedrivePolicy"] = json.dumps({"deadLetterTargetArn": dead.arn})
    cloud.sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint, Attributes=settings)
    return topic


def test_a_failing_function_behind_a_topic_is_tried_three_times_and_the_event_kept(cloud):
    queue = Queue(cloud, "kept")
    function = Function(cloud, "kept", allow("sqs:SendMessage", queue.arn), DeadLetterConfig={"TargetArn": queue.arn})
    topic = subscribed(cloud, "kept", "lambda", function.arn)
    function.let("sns.amazonaws.com", topic)
    cloud.sns.publish(TopicArn=topic, Message="fail")
    [message] = queue.wait()
    assert len(function.calls()) == answer("sns.lambda-delivery-retries")
    [record] = json.loads(message["Body"])["Records"]
    assert record["Sns"]["Message"] == "fail" and attributes(message)["ErrorMessage"] == "told to"
    assert total(cloud, "AWS/Lambda", "Errors", FunctionName="kept") == 3


def test_a_function_s_record_has_the_members_that_aws_sends(cloud):
    function = Function(cloud, "record")
    topic = subscribed(cloud, "record", "lambda", function.arn)
    function.let("sns.amazonaws.com", topic)
    cloud.sns.publish(TopicArn=topic, Message="Hello world.")
    attribute = {"kind": {"DataType": "String", "StringValue": "a"}}
    cloud.sns.publish(TopicArn=topic, Message="second", Subject="told", MessageAttributes=attribute)
    found = {call["Records"][0]["Sns"]["Message"]: call["Records"][0] for call in function.wait(2)}
    recorded = answer("sns.lambda-record")
    plain, second = found["Hello world."], found["second"]["Sns"]
    assert sorted(plain) == ["EventSource", "EventSubscriptionArn", "EventVersion", "Sns"]
    assert sorted(plain["Sns"]) == sorted(recorded)
    assert plain["Sns"]["Subject"] is None and plain["Sns"]["MessageAttributes"] == {}
    assert second["Subject"] == "told" and second["MessageAttributes"] == {"kind": {"Type": "String", "Value": "a"}}


def test_a_function_s_policy_lets_the_topic_in_or_the_message_goes_to_the_subscription_s_queue(cloud):
    function, dead = Function(cloud, "shut"), Queue(cloud, "shut", "sns.amazonaws.com")
    topic = subscribed(cloud, "shut", "lambda", function.arn, dead)
    function.let("sns.amazonaws.com", topic)
    cloud.sns.publish(TopicArn=topic, Message="first")
    function.wait()
    function.forbid()
    cloud.sns.publish(TopicArn=topic, Message="second")
    [message] = dead.wait()
    assert sorted(json.loads(message["Body"])) == sorted(answer("sns.redriven-notification"))
    assert json.loads(message["Body"])["Message"] == "second"
    assert "MessageAttributes" not in message
    assert len(function.calls()) == 1
    line = next(line for line in denials(cloud, "sns.amazonaws.com") if line["resource"] == function.arn)
    assert (line["action"], line["decision"]) == ("lambda:InvokeFunction", "ImplicitDeny")
    assert total(cloud, "AWS/SNS", "NumberOfNotificationsRedrivenToDlq", TopicName="shut") == 1


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_queue_s_policy_lets_the_topic_in_or_not(cloud, raw):
    name = f"queue-{raw}"
    end, dead = Queue(cloud, name, "sns.amazonaws.com"), Queue(cloud, f"{name}-dead", "sns.amazonaws.com")
    topic = subscribed(cloud, name, "sqs", end.arn, dead, RawMessageDelivery=raw)
    cloud.sns.publish(TopicArn=topic, Message="first")
    end.wait()
    end.let("events.amazonaws.com")
    attribute = {"attr1": {"DataType": "Number", "StringValue": "111"}}
    cloud.sns.publish(TopicArn=topic, Message="second", MessageAttributes=attribute)
    [message] = dead.wait()
    if raw == "true":
        assert (message["Body"], message["MessageAttributes"]) == ("second", attribute)
    else:
        assert json.loads(message["Body"])["MessageAttributes"] == {"attr1": {"Type": "Number", "Value": "111"}}
        assert "MessageAttributes" not in message
    assert [item["action"] for item in denials(cloud, "sns") if item["resource"] == end.arn] == ["sqs:SendMessage"]


def test_a_dead_letter_queue_that_shuts_the_topic_out_loses_the_message_and_counts_it(cloud):
    dead = Queue(cloud, "locked")
    missing = "arn:aws:lambda:us-east-1:000000000000:function:missing"
    topic = subscribed(cloud, "locked", "lambda", missing, dead)
    cloud.sns.publish(TopicArn=topic, Message="lost")
    metric = "NumberOfNotificationsFailedToRedriveToDlq"
    until(lambda: total(cloud, "AWS/SNS", metric, TopicName="locked"), lambda found: found == 1, 10)
    assert dead.receive() == []


class _Endpoint(BaseHTTPRequestHandler):
    """Takes the confirmation's token, and answers notifications with the status that the path says."""

    seen: ClassVar[list[str]] = []
    tokens: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        notified = self.headers["x-amz-sns-message-type"] == "Notification"
        (self.seen if notified else self.tokens).append(self.path if notified else body["Token"])
        self.send_response(int(self.path.strip("/")) if notified else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("status", "attempts"), [(403, 1), (500, 4)])
def test_an_endpoint_s_server_errors_are_retried_and_its_client_errors_are_not(cloud, status, attempts):
    server = HTTPServer(("127.0.0.1", 0), _Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        dead = Queue(cloud, f"http-{status}", "sns.amazonaws.com")
        topic = subscribed(cloud, f"http-{status}", "http", f"http://127.0.0.1:{server.server_port}/{status}", dead)
        token = until(lambda: _Endpoint.tokens, bool, 10).pop()
        cloud.sns.confirm_subscription(TopicArn=topic, Token=token)
        cloud.sns.publish(TopicArn=topic, Message="told")
        assert json.loads(dead.wait()[0]["Body"])["Message"] == "told"
        assert _Endpoint.seen.count(f"/{status}") == attempts
    finally:
        server.shutdown()


def test_only_the_topic_named_by_the_policy_may_invoke(cloud):
    function, dead = Function(cloud, "one-topic"), Queue(cloud, "one-topic", "sns.amazonaws.com")
    topic = subscribed(cloud, "one-topic", "lambda", function.arn, dead)
    function.let("sns.amazonaws.com", topic.replace("one-topic", "other"))
    cloud.sns.publish(TopicArn=topic, Message="first")
    assert len(dead.wait()) == 1 and function.calls() == []
