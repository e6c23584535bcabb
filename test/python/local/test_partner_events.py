"""Partner event sources in the running local cloud: their bus, their rules, and what is dropped."""

import json
import time

import pytest
from botocore.exceptions import ClientError
from delivery_support import ACCOUNT, Queue, refused_update
from jobs_support import running_cloud
from tidemark_local.eventbridge import partner_events
from tidemark_local.eventbridge.partner_events import PENDING_SECONDS, _Sources

SOURCE = "aws.partner/stripe.com/ed_test_1"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("partners")) as cloud:
        yield cloud


def offer(cloud, name: str) -> None:
    cloud.events.create_partner_event_source(Name=name, Account=ACCOUNT)


def send(cloud, source: str, n: int) -> dict:
    entry = {"Source": source, "DetailType": "invoice.paid", "Detail": json.dumps({"n": n})}
    return cloud.events.put_partner_events(Entries=[entry])


def test_what_a_partner_sends_goes_to_the_bus_of_its_source_and_is_dropped_before_there_is_one(cloud):
    offer(cloud, SOURCE)
    found = cloud.events.describe_event_source(Name=SOURCE)
    assert (found["State"], found["CreatedBy"]) == ("PENDING", "stripe.com")
    assert (found["ExpirationTime"] - found["CreationTime"]).days == 14
    assert send(cloud, SOURCE, 1)["FailedEntryCount"] == 0

    cloud.events.create_event_bus(Name=SOURCE, EventSourceName=SOURCE)
    assert cloud.events.describe_event_source(Name=SOURCE)["State"] == "ACTIVE"
    assert [item["Name"] for item in cloud.events.list_event_sources(NamePrefix="aws.partner")["EventSources"]] == [
        SOURCE
    ]
    queue = Queue(cloud, "partner", "events.amazonaws.com")
    pattern = json.dumps({"source": [{"prefix": "aws.partner/stripe.com"}]})
    cloud.events.put_rule(Name="stripe", EventBusName=SOURCE, EventPattern=pattern)
    cloud.events.put_targets(Rule="stripe", EventBusName=SOURCE, Targets=[{"Id": "one", "Arn": queue.arn}])
    assert send(cloud, SOURCE, 2)["FailedEntryCount"] == 0
    [message] = queue.wait()
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == (SOURCE, "invoice.paid", {"n": 2})


def test_nobody_but_a_partner_sends_under_a_partner_s_name(cloud):
    entry = {"Source": SOURCE, "DetailType": "invoice.paid", "Detail": "{}"}
    [answer] = cloud.events.put_events(Entries=[entry])["Entries"]
    assert answer["ErrorCode"] == "NotAuthorizedForSourceException"
    [answer] = send(cloud, "aws.partner/nobody.com/none", 1)["Entries"]
    assert answer["ErrorCode"] == "NotAuthorizedForSourceException"


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("aws.partner/stripe.com/none", "aws.partner/stripe.com/none", "ResourceNotFoundException"),
        ("other", "aws.partner/stripe.com/none", "ValidationException"),
        ("aws.partner/stripe.com/none", None, "ValidationException"),
    ],
)
def test_a_bus_without_its_source_is_refused(cloud, name, source, code):
    with pytest.raises(ClientError) as refused:
        cloud.events.create_event_bus(Name=name, **({"EventSourceName": source} if source else {}))
    assert refused.value.response["Error"]["Code"] == code


def test_a_template_s_bus_needs_its_source_too(cloud):
    def bus(source: str) -> dict:
        return {"Name": source, "EventSourceName": source}

    offer(cloud, "aws.partner/salesforce.com/one")
    refused = refused_update(
        cloud, "partner", "AWS::Events::EventBus", bus("aws.partner/salesforce.com/one"), bus("aws.partner/x.com/none")
    )
    assert "Event source aws.partner/x.com/none does not exist" in refused


def test_a_template_s_bus_and_its_rule_are_what_the_api_finds(cloud):
    source = "aws.partner/salesforce.com/two"
    offer(cloud, source)
    resources = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": source, "EventSourceName": source}},
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {"source": [source]},
                "Tags": [{"Key": "stage", "Value": "test"}],
            },
        },
    }
    cloud.cloudformation.create_stack(StackName="two", TemplateBody=json.dumps({"Resources": resources}))
    cloud.cloudformation.get_waiter("stack_create_complete").wait(
        StackName="two", WaiterConfig={"Delay": 0.2, "MaxAttempts": 50}
    )
    assert cloud.events.describe_event_source(Name=source)["State"] == "ACTIVE"
    [rule] = cloud.events.list_rules(EventBusName=source)["Rules"]
    assert cloud.events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"] == [{"Key": "stage", "Value": "test"}]


def test_a_source_that_nobody_took_for_two_weeks_is_gone(monkeypatch):
    made = time.time() - PENDING_SECONDS
    offered = {"one": {"Name": SOURCE, "CreationTime": made + 60}, "two": {"Name": "late", "CreationTime": made - 60}}
    monkeypatch.setattr(partner_events.eventbridge, "_partner_event_sources", offered)
    monkeypatch.setattr(partner_events.eventbridge, "_event_buses", {})
    sources = _Sources()
    assert sources.problem(SOURCE, SOURCE) is None
    assert sources.problem("late", "late") == ("ResourceNotFoundException", "Event source late does not exist.")
    assert list(offered) == ["one"]
