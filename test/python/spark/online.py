"""The online side of the local cloud: a features table, a stream of one shard and a lake bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from tidemark_spark.spark.cutovers import Online

REGION = "eu-central-1"


def resource(service: str) -> Any:
    """boto3 makes the classes of its resources at run time: no checker knows them."""
    return boto3.resource(service)


@contextmanager
def online_stage(online: Online, shards: int = 1) -> Iterator[Any]:
    """The features table as a boto3 resource; all of it is gone afterwards."""
    features = resource("dynamodb").create_table(
        TableName=online.table,
        KeySchema=[{"AttributeName": "entity_id", "KeyType": "HASH"}, {"AttributeName": "view", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("entity_id", "view")],
        BillingMode="PAY_PER_REQUEST",
    )
    kinesis = boto3.client("kinesis")
    kinesis.create_stream(StreamName=online.stream, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=online.stream, WaiterConfig={"Delay": 1})
    lake = resource("s3").Bucket(online.bucket)
    lake.create(CreateBucketConfiguration={"LocationConstraint": REGION})
    try:
        yield features
    finally:
        features.delete()
        kinesis.delete_stream(StreamName=online.stream)
        lake.objects.all().delete()
        lake.delete()
