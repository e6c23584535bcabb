"""Condition keys that the emulator does not read by itself."""

import json

import cbor2
import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, running_cloud
from tidemark_local.iam.conditions import namespace_of

DATA = [{"MetricName": "Seen", "Value": 1}]


def test_a_namespace_is_read_in_each_protocol():
    fields = {"Namespace": "Tidemark"}
    assert namespace_of(cbor2.dumps(fields), {}) == "Tidemark"
    assert namespace_of(json.dumps(fields).encode(), {}) == "Tidemark"
    assert namespace_of(b"Namespace=Tidemark", {"Namespace": ["Tidemark"]}) == "Tidemark"


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b'{"Namespace": 5}', b"\xff\xff"])
def test_a_body_without_one_has_none(body):
    assert namespace_of(body, {}) is None


def test_a_statement_for_one_namespace_allows_that_one(tmp_path):
    # "cloudwatch:namespace: Filters actions based on the presence of optional namespace values".
    condition = {"Condition": {"StringEquals": {"cloudwatch:namespace": "Tidemark"}}}
    with running_cloud(tmp_path) as cloud:
        caller = cloud.user("meter", allow("cloudwatch:PutMetricData") | condition)("cloudwatch")
        caller.put_metric_data(Namespace="Tidemark", MetricData=DATA)
        with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
            caller.put_metric_data(Namespace="Other", MetricData=DATA)
        assert [metric["Namespace"] for metric in cloud.cloudwatch.list_metrics()["Metrics"]] == ["Tidemark"]


def test_a_statement_for_some_items_allows_those(tmp_path):
    # "dynamodb:LeadingKeys: Filters access by the partition key of the table".
    condition = {"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#import"]}}}
    with running_cloud(tmp_path) as cloud:
        table = {"TableName": "features", "BillingMode": "PAY_PER_REQUEST"}
        cloud.dynamodb.create_table(
            **table,
            KeySchema=[{"AttributeName": "entity_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "entity_id", "AttributeType": "S"}],
        )
        caller = cloud.user("import", allow(["dynamodb:GetItem", "dynamodb:PutItem"]) | condition)("dynamodb")
        mark, ann = ({"entity_id": {"S": who}} for who in ("#import", "ann"))
        caller.put_item(TableName="features", Item=mark)
        assert caller.get_item(TableName="features", Key=mark)["Item"] == mark
        for ask in (
            lambda: caller.put_item(TableName="features", Item=ann),
            lambda: caller.get_item(TableName="features", Key=ann),
        ):
            with pytest.raises(ClientError, match="not authorized"):
                ask()
