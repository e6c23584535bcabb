"""Event source mappings of Kafka: a real broker, the running local cloud, a real Node function."""

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jobs_support import Cloud, allow, running_cloud, until
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from tidemark_local.kafka import broker as kafka_broker

# What comes is logged; the value says what to do: "fail" reports its record, "late" fails its batch twice.
SOURCE = """
import { appendFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
const times = () => {
  const file = `${tmpdir()}/${process.env.AWS_LAMBDA_FUNCTION_NAME}`;
  appendFileSync(file, '.');
  return statSync(file).size;
};
const text = (value) => (value === undefined ? null : Buffer.from(value, 'base64').toString());
export const handler = async (event) => {
  const records = Object.values(event.records).flat();
  const values = records.map((record) => text(record.value));
  console.log(JSON.stringify({ batch: values, at: Date.now(), partitions: Object.keys(event.records),
    source: event.eventSource, arn: event.eventSourceArn, servers: event.bootstrapServers, first: records[0] }));
  if (values.includes('late') && times() < 3) throw new Error('too early');
  const named = ({ topic, partition, offset }) => ({ 'topic-partition': `${topic}-${partition}`, offset });
  const failed = records.filter((_, i) => values[i]?.startsWith('fail'));
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: named(record) })) };
};
"""
PARTIAL: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
MSK = "arn:aws:kafka:us-east-1:000000000000:cluster/demo/11111111-2222-3333-4444-555555555555-1"


@pytest.fixture(scope="module")
def bootstrap():
    with kafka_broker.broker() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, bootstrap):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDEMARK_LOCAL_MSK_BOOTSTRAP", bootstrap)
        with running_cloud(tmp_path_factory.mktemp("kafka")) as cloud:
            yield cloud


class Topic:
    """A topic of its own."""

    def __init__(self, bootstrap: str, name: str, partitions: int = 1):
        self.bootstrap, self.name = bootstrap, name
        self._admin: Any = KafkaAdminClient(bootstrap_servers=bootstrap)
        self._admin.create_topics([NewTopic(name, partitions, 1)])
        self._producer = KafkaProducer(bootstrap_servers=bootstrap)

    def put(self, *values: str | None, partition: int = 0, **more: Any) -> None:
        for value in values:
            data = None if value is None else value.encode()
            self._producer.send(self.name, data, partition=partition, **more)
        self._producer.flush()

    def committed(self, group: str) -> dict[int, int]:
        found = self._admin.list_group_offsets([group])
        return {part.partition: place.offset for places in found.values() for part, place in places.items()}


class Function:
    """One function with a mapping of a topic."""

    def __init__(self, cloud: Cloud, topic: Topic, name: str, *statements: dict, **mapping: Any):
        self.cloud, self.name = cloud, name
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("index.mjs", SOURCE)
        cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Role=cloud.role(name, "lambda", *statements),
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        endpoints = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [topic.bootstrap]}}}
        group = {"SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": name}}
        settings = {"StartingPosition": "TRIM_HORIZON", **endpoints, **group, **mapping}
        if "EventSourceArn" in mapping:
            del settings["SelfManagedEventSource"], settings["SelfManagedKafkaEventSourceConfig"]
        self.mapping = cloud.client("lambda").create_event_source_mapping(
            FunctionName=name, Topics=[topic.name], **settings
        )

    def invocations(self) -> list[dict[str, Any]]:
        group = f"/aws/lambda/{self.name}"
        if group not in [item["logGroupName"] for item in self.cloud.logs.describe_log_groups()["logGroups"]]:
            return []
        pages = self.cloud.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        lines = [event["message"] for page in pages for event in page["events"]]
        return sorted((json.loads(line) for line in lines if line.startswith('{"batch"')), key=lambda item: item["at"])

    def values(self) -> list[Any]:
        return [value for item in self.invocations() for value in item["batch"]]

    def wait_for(self, done, seconds: float = 60) -> list[Any]:
        return until(self.values, done, seconds)

    def delete(self) -> None:
        self.cloud.client("lambda").delete_event_source_mapping(UUID=self.mapping["UUID"])


def test_records_come_in_the_shape_of_the_documentation_by_partition_and_in_order(cloud, bootstrap):
    topic = Topic(bootstrap, "shape", 2)
    # -61 -87 is é in the bytes of Java, which Lambda gives (with-msk: headers are lists of bytes).
    topic.put("a", key=b"k1", headers=[("trace", b"abc"), ("name", "é".encode())])
    topic.put("b", None, "c", key=b"k2")
    topic.put("d", partition=1)
    function = Function(cloud, topic, "shape")
    values = function.wait_for(lambda found: len(found) == 5)
    assert [value for value in values if value != "d"] == ["a", "b", None, "c"]
    # "MaximumBatchingWindowInSeconds: 500 ms" gathers what is there into one batch of a partition.
    assert sorted(item["partitions"] for item in function.invocations()) == [["shape-0"], ["shape-1"]]
    event = next(item for item in function.invocations() if item["partitions"] == ["shape-0"])
    assert event["source"] == "SelfManagedKafka" and event["servers"] == bootstrap and "arn" not in event
    first = event["first"]
    assert isinstance(first.pop("timestamp"), int)
    assert first == {
        "topic": "shape",
        "partition": 0,
        "offset": 0,
        "timestampType": "CREATE_TIME",
        "key": "azE=",
        "value": "YQ==",
        "headers": [{"trace": [97, 98, 99]}, {"name": [-61, -87]}],
    }
    until(lambda: topic.committed("shape"), lambda found: found == {0: 4, 1: 1}, 10)


def test_a_managed_cluster_is_named_by_its_arn(cloud, bootstrap):
    topic = Topic(bootstrap, "managed")
    topic.put("a")
    function = Function(cloud, topic, "managed", EventSourceArn=MSK)
    function.wait_for(lambda found: found == ["a"])
    assert function.invocations()[0]["source"] == "aws:kafka"
    assert function.invocations()[0]["arn"] == MSK


def test_the_rest_of_a_batch_comes_again_and_what_fails_for_ever_is_given_up_to_the_destination(cloud, bootstrap):
    bucket = "given-up-kafka"
    cloud.s3.create_bucket(Bucket=bucket)
    topic = Topic(bootstrap, "poison")
    topic.put("a", "fail", "b")
    to = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    grant = allow(["s3:PutObject", "s3:ListBucket"])
    function = Function(
        cloud,
        topic,
        "poison",
        grant,
        **PARTIAL,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig=to,
    )
    function.wait_for(lambda found: found[-1:] == ["b"] and found.count("fail") >= 3)
    assert function.values().count("a") == 1
    listed = until(
        lambda: cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", []), lambda found: len(found) == 1, 20
    )
    document = json.loads(cloud.s3.get_object(Bucket=bucket, Key=listed[0]["Key"])["Body"].read())
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    info = document["KafkaBatchInfo"]
    assert info["batchSize"] == 1 and info["bootstrapServers"] == bootstrap
    assert (
        info["recordInfo"]["poison-0"]["firstRecordOffset"] == info["recordInfo"]["poison-0"]["lastRecordOffset"] == "1"
    )
    payload = json.loads(document["payload"])
    assert payload["records"]["poison-0"][0]["value"] == "ZmFpbA=="
    until(lambda: topic.committed("poison"), lambda found: found == {0: 3}, 10)


def test_a_batch_that_throws_is_delivered_again_and_holds_only_its_partition_back(cloud, bootstrap):
    topic = Topic(bootstrap, "late", 2)
    function = Function(cloud, topic, "late")
    topic.put("late", "after")
    topic.put("other", partition=1)
    values = function.wait_for(lambda found: found.count("late") == 3)
    assert values.index("other") < len(values) - 1 - values[::-1].index("late")
    until(lambda: topic.committed("late"), lambda found: found == {0: 2, 1: 1}, 10)


def test_another_member_of_the_group_takes_a_partition_and_gives_it_back(cloud, bootstrap):
    topic = Topic(bootstrap, "rebalance", 2)
    function = Function(cloud, topic, "rebalance")
    topic.put("a0")
    topic.put("a1", partition=1)
    function.wait_for(lambda found: sorted(found) == ["a0", "a1"])
    until(lambda: topic.committed("rebalance"), lambda found: found == {0: 1, 1: 1}, 10)
    other = KafkaConsumer("rebalance", bootstrap_servers=bootstrap, group_id="rebalance", auto_offset_reset="earliest")
    taken: list[str] = []

    def poll() -> set[int]:
        taken.extend(record.value.decode() for records in other.poll(timeout_ms=200).values() for record in records)
        return {partition.partition for partition in other.assignment()}

    [mine] = until(poll, lambda found: len(found) == 1, 30)
    topic.put("b0")
    topic.put("b1", partition=1)
    until(lambda: (poll(), taken)[1], lambda found: f"b{mine}" in found, 20)
    function.wait_for(lambda found: f"b{1 - mine}" in found)
    # Nobody handles what another has, and nothing of before the rebalance comes again.
    assert taken == [f"b{mine}"] and sorted(function.values()) == ["a0", "a1", f"b{1 - mine}"]
    other.commit()
    other.close()
    topic.put("c0")
    topic.put("c1", partition=1)
    function.wait_for(lambda found: {"c0", "c1"} <= set(found))
    assert sorted(function.values()) == ["a0", "a1", f"b{1 - mine}", "c0", "c1"]


def test_a_mapping_goes_on_where_its_group_stood(cloud, bootstrap):
    topic = Topic(bootstrap, "again")
    topic.put("old")
    client = cloud.client("lambda")
    function = Function(cloud, topic, "again")
    function.wait_for(lambda found: found == ["old"])
    until(lambda: topic.committed("again"), lambda found: found == {0: 1}, 10)
    client.update_event_source_mapping(UUID=function.mapping["UUID"], Enabled=False)
    topic.put("while off")
    client.update_event_source_mapping(UUID=function.mapping["UUID"], Enabled=True)
    function.wait_for(lambda found: found[-1:] == ["while off"])
    assert function.values() == ["old", "while off"]


def test_starting_at_a_time(cloud, bootstrap):
    topic = Topic(bootstrap, "time")
    topic.put("old", timestamp_ms=1_700_000_000_000)
    topic.put("new", timestamp_ms=1_700_000_100_000)
    at = {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_050}
    function = Function(cloud, topic, "time", **at)
    function.wait_for(lambda found: found == ["new"])


def test_what_aws_or_the_local_cloud_does_not_take_is_refused(cloud, bootstrap):
    topic = Topic(bootstrap, "refused")
    function = Function(cloud, topic, "refused")

    def message(**settings: Any) -> str:
        given: dict[str, Any] = {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [bootstrap]}},
            "StartingPosition": "LATEST",
            "Topics": ["refused"],
            **settings,
        }
        with pytest.raises(ClientError) as refused:
            cloud.client("lambda").create_event_source_mapping(FunctionName="refused", **given)
        assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
        return refused.value.response["Error"]["Message"]

    assert "MaximumRecordAgeInSeconds" in message(MaximumRecordAgeInSeconds=30)
    assert "ParallelizationFactor" in message(ParallelizationFactor=2)
    assert "StartingPositionTimestamp" in message(StartingPosition="AT_TIMESTAMP")
    assert "not emulated" in message(FilterCriteria={"Filters": [{"Pattern": "{}"}]})
    with_destination = cloud.client("lambda").create_event_source_mapping(
        FunctionName="refused",
        EventSourceArn=MSK,
        StartingPosition="LATEST",
        Topics=["refused"],
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::given-up-kafka"}},
    )
    # "Lambda automatically applies a maximum of 10 retry attempts" (kafka-on-failure-destination).
    assert with_destination["MaximumRetryAttempts"] == 10
    function.delete()
