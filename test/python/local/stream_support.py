"""A Node function on a stream of the running local cloud, which does what its records tell it to."""

import io
import json
import zipfile
from typing import Any

from jobs_support import Cloud, allow, until

# The event is logged (sequence numbers and payload, no more); the payload says what to do:
# "fail" reports the record, "throw" fails the batch, "late" fails it the first two times, "slow" never ends.
SOURCE = """
import { appendFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
// In a file, as a process that has failed is not used again.
const times = () => {
  const file = `${tmpdir()}/${process.env.AWS_LAMBDA_FUNCTION_NAME}`;
  appendFileSync(file, '.');
  return statSync(file).size;
};
const text = (r) => r.kinesis ? Buffer.from(r.kinesis.data, 'base64').toString() : r.dynamodb.NewImage?.v?.S ?? '';
const id = (r) => r.kinesis?.sequenceNumber ?? r.dynamodb.SequenceNumber;
export const handler = async (event) => {
  const started = Date.now();
  const values = event.Records.map(text);
  if (values.includes('wait')) await new Promise((r) => setTimeout(r, 300));
  console.log(JSON.stringify({ batch: values, keys: event.Records.map((r) => r.kinesis?.partitionKey), started,
    ended: Date.now(), first: event.Records[0] }));
  if (values.includes('slow')) await new Promise((r) => setTimeout(r, 60000));
  if (values.some((v) => v.startsWith('throw'))) throw new Error('told to');
  if (values.includes('late') && times() < 3) throw new Error('too early');
  const metrics = [{ Namespace: 'Test', Dimensions: [['service']], Metrics: [{ Name: 'Seen', Unit: 'Count' }] }];
  console.log(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: metrics }, service: 's',
    Seen: values.map(() => 1) }));
  return { batchItemFailures: event.Records.filter((r) => text(r).startsWith('fail'))
    .map((r) => ({ itemIdentifier: id(r) })) };
};
"""
READ_KINESIS = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"]
READ_DYNAMODB = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]


class StreamFunction:
    """One function with its own role and its own mapping; `statements` are granted beside reading."""

    def __init__(self, cloud: Cloud, name: str, source_arn: str, *statements: dict, timeout: int = 10, **mapping: Any):
        self.cloud, self.name = cloud, name
        grants = [allow([*READ_KINESIS, *READ_DYNAMODB]), *statements]
        self.role = cloud.role(name, "lambda", *grants)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.mjs", SOURCE)
        self.arn = cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=timeout,
        )["FunctionArn"]
        settings = {"StartingPosition": "TRIM_HORIZON", "BatchSize": 100, **mapping}
        self.mapping = cloud.client("lambda").create_event_source_mapping(
            FunctionName=name, EventSourceArn=source_arn, **settings
        )["UUID"]

    def invocations(self) -> list[dict[str, Any]]:
        """The batches it was sent, in the order in which they began."""
        group = f"/aws/lambda/{self.name}"
        if group not in [item["logGroupName"] for item in self.cloud.logs.describe_log_groups()["logGroups"]]:
            return []
        pages = self.cloud.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        found = [json.loads(line) for line in lines if line.startswith('{"batch"')]
        return sorted(found, key=lambda item: item["started"])

    def batches(self) -> list[list[str]]:
        return [item["batch"] for item in self.invocations()]

    def wait_for(self, done, seconds: float = 120) -> list[list[str]]:
        return until(self.batches, done, seconds)

    def update(self, **changes: Any) -> None:
        self.cloud.client("lambda").update_event_source_mapping(UUID=self.mapping, **changes)

    def settled(self) -> dict[str, Any]:
        return self.cloud.client("lambda").get_event_source_mapping(UUID=self.mapping)


class Stream:
    """A Kinesis stream of its own."""

    def __init__(self, cloud: Cloud, name: str, shards: int = 1):
        self.cloud, self.name = cloud, name
        cloud.kinesis.create_stream(StreamName=name, ShardCount=shards)
        until(self.summary, lambda found: found["StreamStatus"] == "ACTIVE", 10)
        self.arn = self.summary()["StreamARN"]

    def summary(self) -> dict[str, Any]:
        return self.cloud.kinesis.describe_stream_summary(StreamName=self.name)["StreamDescriptionSummary"]

    def put(self, *values: str, key: str = "k") -> None:
        records = [{"PartitionKey": key, "Data": value.encode()} for value in values]
        self.cloud.kinesis.put_records(StreamName=self.name, Records=records)
