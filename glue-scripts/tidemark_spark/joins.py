"""Where the stream of each shard and the backfill of a new view version meet (docs/adr/0008-versions-and-the-join.md)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from .events import HISTORY_SHARD
from .lake import list_objects
from .tables import Tables

JOIN_KEY = "#join"
FENCE_KEY = "#fence"
_SEGMENTS = 8
_PREFIX = "archive/events/"
_SUFFIX = ".ndjson.gz"


class BackfillError(RuntimeError):
    """States that could not be written; the message says why and what to do."""


def is_fenced(table: str, view: str) -> bool:
    key = {"entity_id": {"S": FENCE_KEY}, "view": {"S": view}}
    return "Item" in boto3.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)


def settle_positions(spark: SparkSession, tables: Tables, bucket: str, table: str, view: str) -> dict[str, str]:
    """Shard → the first sequence number that is the stream's for this view version; what lies before is the backfill's.

    Registers shards where nothing came since the version was deployed. Afterwards the archive in `events` holds all that
    lies before the positions.

    Raises BackfillError when it does not yet.
    """
    positions = read_positions(table, view)
    archived = archived_up_to(spark, tables)
    known = _newest_marks(table, view, positions)
    # Without a join, what another version has seen behind the archive would be nobody's.
    late = sorted(shard for shard, mark in known.items() if int(mark) > int(archived.get(shard, -1)))
    if late:
        raise BackfillError(
            f"{late[0]}: a state of another version holds events that are not archived. Compact the archive first."
        )
    for shard in archived.keys() - positions.keys():
        _register(table, view, shard, str(int(archived[shard]) + 1))
    positions = read_positions(table, view)
    for shard, position in sorted(positions.items()):
        if int(archived.get(shard, -1)) < int(position) - 1:
            raise BackfillError(
                f"{shard}: found archived events up to {archived.get(shard, 'nowhere')}; needed: up to {position}, where"
                " this version joined the stream. Compact the archive first."
            )
    if positions:
        _no_holes(spark, tables, bucket, positions)
    return positions


def read_positions(table: str, view: str) -> dict[str, str]:
    """Shard → where this view version joined its stream, as far as that is registered."""
    key = {"entity_id": {"S": JOIN_KEY}, "view": {"S": view}}
    item = boto3.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
    return {shard: value["S"] for shard, value in item.items() if shard not in key}


def before(positions: dict[str, str]) -> Column:
    """Rows of `events` that are the backfill's: history, and what lies before the positions."""
    history = F.col("shard_id") == HISTORY_SHARD
    if not positions:
        return history
    pairs = [F.lit(text) for pair in positions.items() for text in pair]
    join = F.element_at(F.create_map(*pairs), F.col("shard_id"))
    shorter = F.length("sequence_number") - F.length(join)
    earlier = (shorter < 0) | ((shorter == 0) & (F.col("sequence_number") < join))
    # A shard without a position began after they were settled.
    return history | F.coalesce(earlier, F.lit(False))


def archived_up_to(spark: SparkSession, tables: Tables) -> dict[str, str]:
    """Shard → the last position of its objects that were merged: they lie without a gap from the stream's beginning."""
    if not tables.exists(spark, "archive_files"):
        return {}
    last: dict[str, str] = {}
    for row in spark.table(tables.name("archive_files")).where("kind = 'events'").toLocalIterator():
        shard, _, end = positions_of(row["key"])
        if int(end) > int(last.get(shard, -1)):
            last[shard] = end
    return last


def positions_of(key: str) -> tuple[str, str, str]:
    """Shard, first and last sequence number of archive/events/dt=…/<shard>/<first>-<last>.ndjson.gz."""
    _, shard, name = key.rsplit("/", 2)
    first, last = name.removesuffix(_SUFFIX).split("-")
    return shard, first, last


def _no_holes(spark: SparkSession, tables: Tables, bucket: str, positions: dict[str, str]) -> None:
    """A listing is no snapshot: a compaction may have seen a later object and not one before it."""
    merged = {row["key"] for row in spark.table(tables.name("archive_files")).where("kind = 'events'").collect()}
    for key in (found.key for found in list_objects(bucket, _PREFIX, _SUFFIX)):
        shard, first, _ = positions_of(key)
        if key not in merged and shard in positions and int(first) < int(positions[shard]):
            raise BackfillError(f"{shard}: an archived object is not merged. Compact the archive first.")


def _register(table: str, view: str, shard: str, position: str) -> None:
    boto3.client("dynamodb").update_item(
        TableName=table,
        Key={"entity_id": {"S": JOIN_KEY}, "view": {"S": view}},
        UpdateExpression="SET #shard = if_not_exists(#shard, :position)",
        ExpressionAttributeNames={"#shard": shard},
        ExpressionAttributeValues={":position": {"S": position}},
    )


def _newest_marks(table: str, view: str, positions: dict[str, str]) -> dict[str, str]:
    """Shard without a position → the highest watermark among the states of other versions of this view."""
    client = boto3.client("dynamodb")
    name = view.split("@")[0]
    if not _other_versions(client, table, view, f"{name}@"):
        return {}

    def walk(segment: int) -> dict[str, str]:
        pages = client.get_paginator("scan").paginate(
            TableName=table,
            Segment=segment,
            TotalSegments=_SEGMENTS,
            FilterExpression="begins_with(#view, :name) AND #view <> :view AND attribute_exists(#state)",
            ProjectionExpression="watermarks",
            ExpressionAttributeNames={"#view": "view", "#state": "state"},
            ExpressionAttributeValues={":name": {"S": f"{name}@"}, ":view": {"S": view}},
            ConsistentRead=True,
        )
        return _highest(item["watermarks"]["M"] for page in pages for item in page["Items"])

    with ThreadPoolExecutor(_SEGMENTS) as pool:
        newest = _highest({s: {"S": m} for s, m in part.items()} for part in pool.map(walk, range(_SEGMENTS)))
    return {shard: mark for shard, mark in newest.items() if shard != HISTORY_SHARD and shard not in positions}


def _highest(marks: Any) -> dict[str, str]:
    newest: dict[str, str] = {}
    for one in marks:
        for shard, mark in one.items():
            if int(mark["S"]) > int(newest.get(shard, -1)):
                newest[shard] = mark["S"]
    return newest


def _other_versions(client: Any, table: str, view: str, prefix: str) -> bool:
    """Whether another version of the view was ever kept up: each has a fence or a join."""
    for key in (FENCE_KEY, JOIN_KEY):
        pages = client.get_paginator("query").paginate(
            TableName=table,
            ConsistentRead=True,
            KeyConditionExpression="entity_id = :key AND begins_with(#view, :prefix)",
            ExpressionAttributeNames={"#view": "view"},
            ExpressionAttributeValues={":key": {"S": key}, ":prefix": {"S": prefix}},
        )
        if any(item["view"]["S"] != view for page in pages for item in page["Items"]):
            return True
    return False
