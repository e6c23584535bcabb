"""A role with the right to read one stream of one table, as the CDK grants it, and no more."""

import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, running_cloud

READ = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def table_with_stream(cloud, name: str) -> str:
    table = cloud.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return table["TableDescription"]["LatestStreamArn"]


def records(client, arn: str) -> list[dict]:
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    return client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


def test_a_grant_on_one_stream_is_enough_for_it_and_for_no_other(cloud):
    mine, other = table_with_stream(cloud, "mine"), table_with_stream(cloud, "other")
    cloud.dynamodb.put_item(TableName="mine", Item={"id": {"S": "1"}})
    client = cloud.user("reader", allow(READ, mine))("dynamodbstreams")
    assert len(records(client, mine)) == 1
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DescribeStream"):
        records(client, other)
