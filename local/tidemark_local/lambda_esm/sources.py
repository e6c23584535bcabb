"""Streams as the mapping engine reads them, straight from the emulator's stores.

The events have the shapes of "Using Lambda to process records from Amazon Kinesis Data Streams"
(https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html) and "Using AWS Lambda with Amazon DynamoDB"
(https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

import json
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from typing import Any

from ministack.services import dynamodb, kinesis

from ..host.relies_on import ReliesOn
from .lane import Record
from .stream import Position, Shard

DYNAMODB_SHARD = "shardId-00000000000000000000-00000000"


class _StreamSource:
    """What mappings of streams have in common."""

    batch_info, arrivals = "", ""
    arn = ""

    def payload(self, records: list[Record]) -> dict[str, Any]:
        """The event of a batch."""
        return {"Records": [record.event for record in records]}

    def response(self, body: Any) -> Any:
        """The function's answer, whose identifiers are sequence numbers."""
        return body

    def discarded(self, shard_id: str, records: list[Record]) -> dict[str, Any]:
        """What an invocation record says of the batch."""
        first, last = records[0], records[-1]
        return {
            "shardId": shard_id,
            "startSequenceNumber": first.sequence,
            "endSequenceNumber": last.sequence,
            "approximateArrivalOfFirstRecord": iso(first.arrival, self.arrivals),
            "approximateArrivalOfLastRecord": iso(last.arrival, self.arrivals),
            "batchSize": len(records),
            "streamArn": self.arn,
        }


class KinesisSource(_StreamSource):
    """One Kinesis stream. `identity` changes when the stream is deleted and made again under its name."""

    batch_info, arrivals = "KinesisBatchInfo", "milliseconds"
    identifier_path = ("kinesis", "sequenceNumber")

    def __init__(self, arn: str):
        self.arn = arn
        self.account, self.region = arn.split(":")[4], arn.split(":")[3]
        self._name = arn.rsplit("/", 1)[-1]

    def _stream(self) -> dict[str, Any] | None:
        stream = kinesis._streams.get_scoped(self.account, self.region, self._name)
        return stream if stream and stream["StreamStatus"] == "ACTIVE" and stream["StreamARN"] == self.arn else None

    def identity(self) -> Any:
        stream = self._stream()
        return stream and stream["CreationTimestamp"]

    def shards(self) -> list[Shard]:
        stream = self._stream()
        return [_kinesis_shard(shard_id, shard) for shard_id, shard in list(stream["shards"].items())] if stream else []

    def read(self, shard_id: str, position: Position, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """Raw records from `position` on, and whether nothing newer is there."""
        stream = self._stream()
        if stream is None:
            return [], True
        shard = stream["shards"][shard_id]
        records = shard["records"]
        start = _start(
            records, position, lambda item: item["SequenceNumber"], lambda item: item["ApproximateArrivalTimestamp"]
        )
        return records[start : start + limit], start + limit >= len(records)

    def sequence(self, raw: dict[str, Any]) -> str:
        return raw["SequenceNumber"]

    def event(self, shard_id: str, raw: dict[str, Any], role_arn: str) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": raw["PartitionKey"],
                "sequenceNumber": raw["SequenceNumber"],
                "data": kinesis._ensure_base64(raw["Data"]),
                "approximateArrivalTimestamp": raw["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{raw['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role_arn,
            "awsRegion": self.region,
            "eventSourceARN": self.arn,
        }

    def record(self, event: dict[str, Any]) -> Record:
        body = event["kinesis"]
        return Record(
            body["partitionKey"], body["sequenceNumber"], body["approximateArrivalTimestamp"], _size(event), event
        )

    def probe(self, session: Any) -> None:
        """Makes the calls the poller makes on AWS, with the function's role: raises what they raise."""
        client = session.client("kinesis")
        client.describe_stream_summary(StreamARN=self.arn)
        shard = client.list_shards(StreamARN=self.arn)["Shards"][0]["ShardId"]
        iterator = client.get_shard_iterator(StreamARN=self.arn, ShardId=shard, ShardIteratorType="LATEST")[
            "ShardIterator"
        ]
        client.get_records(StreamARN=self.arn, ShardIterator=iterator, Limit=1)


class DynamoDbSource(_StreamSource):
    """The stream of one DynamoDB table: one shard, as the emulator keeps it."""

    batch_info, arrivals = "DDBStreamBatchInfo", "seconds"

    def __init__(self, arn: str):
        self.arn = arn
        self.account, self.region = arn.split(":")[4], arn.split(":")[3]
        self._table = arn.split(":", 5)[5].split("/")[1]

    def identity(self) -> Any:
        table = dynamodb._tables.get_scoped(self.account, self.region, self._table)
        return self.arn if table and table.get("LatestStreamArn") == self.arn else None

    def shards(self) -> list[Shard]:
        if not self.identity():
            return []
        records = self._records()
        return [Shard(DYNAMODB_SHARD, newest=records[-1]["dynamodb"]["SequenceNumber"] if records else None)]

    def _records(self) -> list[dict[str, Any]]:
        return dynamodb.stream_live_records(self._table, account_id=self.account, region=self.region)

    def read(self, shard_id: str, position: Position, limit: int) -> tuple[list[dict[str, Any]], bool]:
        records = self._records()
        start = _start(
            records,
            position,
            lambda item: item["dynamodb"]["SequenceNumber"],
            lambda item: item["dynamodb"]["ApproximateCreationDateTime"],
        )
        return records[start : start + limit], start + limit >= len(records)

    def sequence(self, raw: dict[str, Any]) -> str:
        return raw["dynamodb"]["SequenceNumber"]

    def event(self, shard_id: str, raw: dict[str, Any], role_arn: str) -> dict[str, Any]:
        return raw

    def record(self, event: dict[str, Any]) -> Record:
        body = event["dynamodb"]
        key = json.dumps(body["Keys"], sort_keys=True)
        return Record(key, body["SequenceNumber"], float(body["ApproximateCreationDateTime"]), _size(event), event)

    def probe(self, session: Any) -> None:
        client = session.client("dynamodbstreams")
        shard = client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = client.get_shard_iterator(StreamArn=self.arn, ShardId=shard, ShardIteratorType="LATEST")[
            "ShardIterator"
        ]
        client.get_records(ShardIterator=iterator, Limit=1)


def source_for(arn: str) -> KinesisSource | DynamoDbSource | None:
    """The source behind an event source ARN, or None when it is not a stream."""
    service = (arn.split(":") + [""] * 3)[2]
    if service == "kinesis":
        return KinesisSource(arn)
    return DynamoDbSource(arn) if service == "dynamodb" and "/stream/" in arn else None


def iso(seconds: float, precision: str = "milliseconds") -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _kinesis_shard(shard_id: str, shard: dict[str, Any]) -> Shard:
    parents = tuple(shard.get("parents") or filter(None, (shard["parent_shard_id"], shard["adjacent_parent_shard_id"])))
    newest = shard["records"][-1]["SequenceNumber"] if shard["records"] else None
    return Shard(shard_id, parents, bool(shard.get("closed")), newest)


def _start(records: list[dict[str, Any]], position: Position, sequence: Any, arrival: Any) -> int:
    if position.kind == "TRIM_HORIZON":
        return 0
    if position.kind == "AT_TIMESTAMP":
        return bisect_left(records, float(position.value or 0), key=lambda item: float(arrival(item)))
    side = bisect_left if position.kind == "AT" else bisect_right
    return side(records, position.value, key=sequence)


def _size(event: dict[str, Any]) -> int:
    return len(json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=str).encode())


RELIES_ON = [
    ReliesOn(
        "services.dynamodb", functions={"stream_live_records": "(table_name, account_id, region)"}, values=["_tables"]
    ),
    ReliesOn("services.kinesis", functions={"_ensure_base64": "(value)"}, values=["_streams"]),
]
