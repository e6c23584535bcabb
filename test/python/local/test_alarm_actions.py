"""Alarms and their topics in the running local cloud: who lets CloudWatch publish, and what it says."""

import json
import re
from datetime import UTC, datetime

import pytest
from aws_facts import answer
from delivery_support import Queue, denials
from jobs_support import allow, document, running_cloud, until
from tidemark_local.cloudwatch.alarm_reasons import reason_of


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("alarms")) as cloud:
        yield cloud


def alarm(cloud, name: str, topic: str, **settings) -> str:
    cloud.cloudwatch.put_metric_alarm(
        **{
            "AlarmName": name,
            "AlarmDescription": "testing cloudwatch alarms",
            "Namespace": "Test",
            "MetricName": name,
            "Dimensions": [{"Name": "InstanceId", "Value": "abc"}],
            "Statistic": "Average",
            "Period": 10,
            "EvaluationPeriods": 1,
            "Threshold": 21.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "ignore",
            "Unit": "Seconds",
            "AlarmActions": [topic],
            "OKActions": [topic],
            **settings,
        }
    )
    return f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"


def topic_with_queue(cloud, name: str) -> tuple[str, Queue]:
    queue = Queue(cloud, name, "sns.amazonaws.com")
    topic = cloud.sns.create_topic(Name=name)["TopicArn"]
    cloud.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    return topic, queue


def actions(cloud, name: str) -> list[dict]:
    return cloud.cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]


def ring(cloud, name: str) -> None:
    cloud.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")


def test_a_policy_of_one_s_own_shuts_alarms_out_until_it_lets_them_in(cloud):
    topic, queue = topic_with_queue(cloud, "guarded")
    arn = alarm(cloud, "guarded", topic)
    ring(cloud, "guarded")  # the topic's own policy lets the account's services publish
    assert queue.wait() and "Successfully executed action" in actions(cloud, "guarded")[0]["HistorySummary"]
    # What `enforceSSL` of the CDK makes of the policy, with an Allow for somebody else.
    tls = {
        **allow("sns:Publish", topic),
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    events = {**allow("sns:Publish", topic), "Principal": {"Service": "events.amazonaws.com"}}
    cloud.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(tls, events))
    cloud.cloudwatch.set_alarm_state(AlarmName="guarded", StateValue="OK", StateReason="test")
    [failed, _] = actions(cloud, "guarded")
    words = answer("cloudwatch.alarm-action-needs-topic-policy")
    assert failed["HistorySummary"] == (
        f'Failed to execute action {topic}. Received error: "Resource: {arn} is not authorized to perform: '
        f'SNS:Publish on resource: {topic} {words} the SNS:Publish action"'
    )
    assert json.loads(failed["HistoryData"])["actionState"] == "Failed"
    assert len(queue.receive()) == 1
    [line] = denials(cloud, "cloudwatch.amazonaws.com")
    assert (line["action"], line["resource"], line["decision"]) == ("sns:Publish", topic, "ImplicitDeny")
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}}
    clouds = {**allow("sns:Publish", topic), "Principal": {"Service": "cloudwatch.amazonaws.com"}, **condition}
    cloud.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(tls, clouds))
    ring(cloud, "guarded")
    assert len(queue.wait(2)) == 2


def test_an_alarm_s_message_has_the_members_that_aws_sends(cloud):
    topic, queue = topic_with_queue(cloud, "message")
    arn = alarm(cloud, "message", topic)
    ring(cloud, "message")
    notification = json.loads(queue.wait()[0]["Body"])
    assert notification["Subject"] == 'ALARM: "message" in US East (N. Virginia)'
    message = json.loads(notification["Message"])
    expected = answer("cloudwatch.alarm-message")
    assert sorted(message) == sorted(expected)
    assert message["Trigger"] == {**expected["Trigger"], "MetricName": "message", "Namespace": "Test"}
    assert message["AlarmArn"] == arn and message["AlarmActions"] == [topic] == message["OKActions"]
    assert message["Region"] == answer("cloudwatch.alarm-region-name")
    assert (message["OldStateValue"], message["NewStateValue"]) == ("INSUFFICIENT_DATA", "ALARM")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", message["StateChangeTime"])
    assert datetime.strptime(message["AlarmConfigurationUpdatedTimestamp"], "%Y-%m-%dT%H:%M:%S.%f%z").year > 2025


def test_an_alarm_on_a_topic_that_is_gone_says_so(cloud):
    topic, _queue = topic_with_queue(cloud, "gone")
    alarm(cloud, "gone", topic)
    cloud.sns.delete_topic(TopicArn=topic)
    ring(cloud, "gone")
    [failed] = until(lambda: actions(cloud, "gone"), bool, 5)
    assert failed["HistorySummary"].startswith(f"Failed to execute action {topic}. Received error:")


@pytest.mark.parametrize(
    ("case", "state", "values", "settings"),
    [
        ("crossed", "ALARM", [21.5], {}),
        ("missing", "ALARM", [None, None], {"TreatMissingData": "breaching"}),
    ],
)
def test_the_reason_is_told_in_the_words_of_cloudwatch(case, state, values, settings):
    found = {"StateValue": state, "Threshold": 21, "ComparisonOperator": "GreaterThanThreshold", "Period": 10}
    breaching = [None if value is None else True for value in values]
    told = reason_of({**found, **settings}, values, breaching, 1_772_100_850.0)
    assert re.fullmatch(answer("cloudwatch.state-reasons")[case], told)


@pytest.mark.parametrize(
    ("state", "values", "settings", "expected"),
    [
        ("OK", [3.0], {}, "1 datapoint [3.0 (26/02/26 10:14:00)] was not greater than the threshold (21.0)."),
        (
            "ALARM",
            [22.0, 3.0, 23.0],
            {"DatapointsToAlarm": 2},
            "2 out of the last 3 datapoints [23.0 (26/02/26 10:14:00), 22.0 (26/02/26 10:13:40)] were greater than "
            "the threshold (21.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
    ],
)
def test_a_reason_names_the_datapoints_that_made_the_state(state, values, settings, expected):
    alarm = {"StateValue": state, "Threshold": 21, "ComparisonOperator": "GreaterThanThreshold", "Period": 10}
    end = datetime(2026, 2, 26, 10, 14, 10, tzinfo=UTC).timestamp()
    told = reason_of({**alarm, **settings}, values, [value > 21 for value in values], end)
    assert told == f"Threshold Crossed: {expected}"


def test_an_evaluated_alarm_tells_its_datapoints(cloud):
    topic, queue = topic_with_queue(cloud, "evaluated")
    alarm(cloud, "evaluated", topic, Unit="None", Period=60)
    data = {"MetricName": "evaluated", "Dimensions": [{"Name": "InstanceId", "Value": "abc"}], "Value": 21.5}
    cloud.cloudwatch.put_metric_data(Namespace="Test", MetricData=[data])
    message = json.loads(json.loads(queue.wait()[0]["Body"])["Message"])
    assert re.fullmatch(answer("cloudwatch.state-reasons")["crossed"], message["NewStateReason"])
    [described] = cloud.cloudwatch.describe_alarms(AlarmNames=["evaluated"])["MetricAlarms"]
    assert json.loads(described["StateReasonData"])["recentDatapoints"] == [21.5]


def test_each_change_of_a_state_is_an_event_with_actions_or_without(cloud):
    queue = Queue(cloud, "changes", "events.amazonaws.com")
    detail = {"alarmName": [{"prefix": "prod/shop/ModelDrift"}], "state": {"value": ["ALARM"]}}
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"], "detail": detail}
    cloud.events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
    cloud.events.put_targets(Rule="changes", Targets=[{"Id": "queue", "Arn": queue.arn}])
    for name in ("prod/shop/Other", "prod/shop/ModelDriftInputs"):
        arn = alarm(cloud, name, "", AlarmActions=[], OKActions=[], ActionsEnabled=False)
        ring(cloud, name)
        ring(cloud, name)  # in that state already
        cloud.cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    [told] = [json.loads(message["Body"]) for message in queue.wait()]
    assert (told["source"], told["resources"]) == ("aws.cloudwatch", [arn])
    assert told["detail"]["alarmName"] == "prod/shop/ModelDriftInputs"
    assert told["detail"]["previousState"] == {"value": "INSUFFICIENT_DATA"}
    assert {key: told["detail"]["state"][key] for key in ("value", "reason")} == {"value": "ALARM", "reason": "test"}
    metric = {"namespace": "Test", "name": "prod/shop/ModelDriftInputs", "dimensions": {"InstanceId": "abc"}}
    assert told["detail"]["configuration"] == {
        "description": "testing cloudwatch alarms",
        "metrics": [
            {"id": "m1", "metricStat": {"metric": metric, "period": 10, "stat": "Average"}, "returnData": True}
        ],
    }
