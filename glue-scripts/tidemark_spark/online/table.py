"""The features table in DynamoDB: its keys, and how its items are gone through."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tidemark_spark import aws
from tidemark_spark.names import FEATURES_KEYS

Item = dict[str, Any]

CONNECTIONS = 16
"""Requests of one process at a time."""
SEGMENTS = 8
"""Parts in which the table is gone through."""


def connect() -> Any:
    """A client for CONNECTIONS requests at a time, which slows down when DynamoDB asks for it."""
    retries = {"mode": "adaptive", "max_attempts": 10}
    return aws.client("dynamodb", max_pool_connections=CONNECTIONS, retries=retries)


def key_of(entity_id: str, view: str) -> Item:
    return {FEATURES_KEYS["partition"]: {"S": entity_id}, FEATURES_KEYS["sort"]: {"S": view}}


def has_item(table: str, entity_id: str, view: str, client: Any = None) -> bool:
    """Consistent."""
    client = client or aws.client("dynamodb")
    return "Item" in client.get_item(TableName=table, Key=key_of(entity_id, view), ConsistentRead=True)


def partition(table: str, entity_id: str) -> Iterator[Item]:
    """All items with this partition key, read consistently."""
    pages = (
        aws.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="entity_id = :key",
            ExpressionAttributeValues={":key": {"S": entity_id}},
        )
    )
    for page in pages:
        yield from page["Items"]


def segment_pages(client: Any, table: str, segment: int, **query: Any) -> Iterator[list[Item]]:
    """The items of one of SEGMENTS parts, page by page. `query`: further arguments of Scan."""
    for page in client.get_paginator("scan").paginate(
        TableName=table, Segment=segment, TotalSegments=SEGMENTS, **query
    ):
        yield page["Items"]


def delete_states(table: str, view: str) -> int:
    """Deletes every state of a view version; returns how many there were."""
    client = connect()

    def delete(segment: int) -> int:
        found = 0
        pages = segment_pages(
            client,
            table,
            segment,
            FilterExpression="#view = :view AND attribute_exists(#state)",
            ProjectionExpression="entity_id",
            ExpressionAttributeNames={"#view": "view", "#state": "state"},
            ExpressionAttributeValues={":view": {"S": view}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page:
                client.delete_item(TableName=table, Key=key_of(item["entity_id"]["S"], view))
            found += len(page)
        return found

    with ThreadPoolExecutor(SEGMENTS) as pool:
        return sum(pool.map(delete, range(SEGMENTS)))
