import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))

from tidemark_local.iam.resources import alarm_of, resource_of

GLUE = "arn:aws:glue:us-east-1:1"


@pytest.mark.parametrize(
    ("target", "fields", "resource"),
    [
        ("AWSGlue.GetDatabase", {"Name": "d"}, f"{GLUE}:database/d"),
        ("AWSGlue.GetTable", {"DatabaseName": "d", "Name": "t"}, f"{GLUE}:table/d/t"),
        ("AWSGlue.CreateTable", {"DatabaseName": "d", "TableInput": {"Name": "t"}}, f"{GLUE}:table/d/t"),
        ("AWSGlue.CreateJob", {"Name": "j"}, f"{GLUE}:job/j"),
        ("AWSGlue.GetTables", {"DatabaseName": "d"}, None),
        ("AWSGlue.StartJobRun", {"JobName": "j"}, None),
        ("DynamoDBStreams_20120810.DescribeStream", {"StreamArn": "arn:s"}, "arn:s"),
        ("DynamoDBStreams_20120810.GetRecords", {"ShardIterator": "x"}, None),
        ("DynamoDB_20120810.GetItem", {"StreamArn": "arn:s"}, None),
    ],
)
def test_a_request_is_about_what_it_names(target, fields, resource):
    assert resource_of(target, json.dumps(fields).encode(), "us-east-1", "1") == resource


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b'{"Name": 5}'])
def test_a_body_that_names_nothing_is_left_to_the_emulator(body):
    assert resource_of("AWSGlue.GetDatabase", body, "us-east-1", "1") is None


@pytest.mark.parametrize(
    ("headers", "body", "alarm"),
    [
        ({"x-amz-target": "GraniteServiceVersion20100801.DeleteAlarms"}, b'{"AlarmNames": ["a"]}', "a"),
        ({}, b"Action=DeleteAlarms&AlarmNames.member.1=a%2Fb", "a/b"),
        ({}, b"Action=DescribeAlarms", None),
        ({}, b"\xff", None),
    ],
)
def test_an_alarm_request_is_about_the_alarm_it_names(headers, body, alarm):
    assert alarm_of(headers, body) == alarm
