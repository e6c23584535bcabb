"""The shipped function of sources on what really sends: a broker of Kafka, a table, a log group, devices."""

import base64
import gzip
import io
import json
import subprocess
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jobs_support import NODE, ROOT, Cloud, allow, running_cloud, until
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from stream_support import READ_DYNAMODB
from tidemark_local.kafka import broker as kafka_broker

USE_CASE = "test/fixtures/usecases/streamed"
RULE = "SELECT encode(*, 'base64') AS data, topic() AS topic, timestamp() AS timestamp, traceid() AS traceid FROM '{}'"
PARTIAL: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "BisectBatchOnFunctionError": True}


@pytest.fixture(scope="module")
def bootstrap():
    with kafka_broker.broker() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("bundle")
    script = Path(__file__).with_name("bundle_function.ts")
    command = [str(NODE), "--import", "tsx", str(script), "intake-stream/handler.ts", USE_CASE, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("index.mjs", "usecase.json"):
            file.write(folder / name, name)
    return archive.getvalue()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("intake")) as cloud:
        cloud.kinesis.create_stream(StreamName="events", ShardCount=1)
        cloud.kinesis.get_waiter("stream_exists").wait(StreamName="events", WaiterConfig={"Delay": 1})
        cloud.s3.create_bucket(Bucket="lake")
        yield cloud


class Source:
    """The function of one source and way; what it put on the stream, and what it refused."""

    def __init__(self, cloud: Cloud, code: bytes, name: str, carriage: str, **config: Any):
        self.cloud, self.name, self.carriage = cloud, name, carriage
        grants = allow(["kinesis:PutRecords", "s3:PutObject", "sqs:SendMessage", *READ_DYNAMODB])
        variables = {
            "TIDEMARK_STAGE": "local",
            "TIDEMARK_USE_CASE": "tiny",
            "TIDEMARK_CLOCK": "wall",
            "POWERTOOLS_SERVICE_NAME": "intake-stream",
            "POWERTOOLS_LOG_LEVEL": "ERROR",
            "SOURCE": name,
            "CARRIAGE": carriage,
            "STREAM_NAME": "events",
            "LAKE_BUCKET": "lake",
        }
        self.function = f"{name}-{carriage}"
        self.arn = cloud.client("lambda").create_function(
            FunctionName=self.function,
            Runtime="nodejs24.x",
            Role=cloud.role(self.function, "lambda", grants),
            Handler="index.handler",
            Code={"ZipFile": code},
            Timeout=30,
            Environment={"Variables": variables},
            **config,
        )["FunctionArn"]

    def reads(self, **settings: Any) -> str:
        mapping = self.cloud.client("lambda").create_event_source_mapping(
            FunctionName=self.function, StartingPosition="TRIM_HORIZON", **PARTIAL, **settings
        )
        return mapping["UUID"]

    def may_be_called_by(self, principal: str, source_arn: str) -> None:
        self.cloud.client("lambda").add_permission(
            FunctionName=self.function,
            StatementId="call",
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceArn=source_arn,
        )

    def events(self) -> list[dict[str, Any]]:
        shard = self.cloud.kinesis.list_shards(StreamName="events")["Shards"][0]["ShardId"]
        iterator = self.cloud.kinesis.get_shard_iterator(
            StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = self.cloud.kinesis.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
        found = [json.loads(line) for record in records for line in record["Data"].decode().splitlines()]
        return [event for event in found if event["source"] == self.name]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        return until(self.events, lambda found: len(found) >= count, 60)

    def refused(self) -> list[dict[str, Any]]:
        listed = self.cloud.s3.list_objects_v2(Bucket="lake", Prefix="archive/quarantine/").get("Contents", [])
        keys = [one["Key"] for one in listed if f"/intake-{self.name}-{self.carriage}/" in one["Key"]]
        texts = [gzip.decompress(self.cloud.s3.get_object(Bucket="lake", Key=key)["Body"].read()) for key in keys]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def redrive(self, *raws: bytes) -> list[bool]:
        records = [{"raw_base64": base64.b64encode(raw).decode(), "received_ms": 1} for raw in raws]
        answer = self.cloud.client("lambda").invoke(
            FunctionName=self.function, Payload=json.dumps({"redrive": records})
        )
        return json.loads(answer["Payload"].read())["taken"]


def read_of(reader: str, seconds: int, minute: int, **more: Any) -> dict[str, Any]:
    at = datetime(2026, 11, 1, 10, minute, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    return {"reader": reader, "seconds": seconds, "at": at, **more}


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


def test_kafka_a_poison_record_is_kept_and_holds_nothing_up_and_a_fact_sent_twice_is_one(cloud, code, bootstrap):
    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic("reads", 2, 1)])
    producer = KafkaProducer(bootstrap_servers=bootstrap)

    def send(value: bytes | None, key: str) -> None:
        producer.send("reads", value, key=key.encode(), headers=[("trace", "é".encode())])

    for seq in range(20):
        for reader in ("ann", "bob"):
            send(json.dumps(read_of(reader, seq, seq, seq=seq)).encode(), reader)
        if seq == 5:
            send(b"\xff not JSON", "ann")
            send(None, "ann")
    send(json.dumps(read_of("ann", 3, 3, seq=3)).encode(), "ann")
    producer.flush()
    source = Source(cloud, code, "topic", "kafka")
    source.reads(
        Topics=["reads"],
        SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [bootstrap]}},
        BatchSize=7,
    )
    events = source.wait_for(41)
    assert len(events) == 41 and len(set(ids(events))) == 40
    for reader in ("ann", "bob"):
        own = [event["properties"]["seconds"] for event in events if event["entity_id"] == reader]
        assert own[:20] == list(range(20))  # the order of the key
    [refused] = until(source.refused, lambda found: len(found) == 1, 20)
    assert refused["reason"] == "INVALID_UTF8"
    # With all that Kafka said of it, so that it can be read again.
    raw = json.loads(base64.b64decode(refused["raw_base64"]))
    assert (raw["topic"], base64.b64decode(raw["key"])) == ("reads", b"ann")
    mended = {**raw, "value": base64.b64encode(json.dumps(read_of("ann", 50, 50, seq=50)).encode()).decode()}
    assert source.redrive(json.dumps(raw).encode(), json.dumps(mended).encode()) == [False, True]
    assert source.wait_for(42)[-1]["properties"]["seconds"] == 50


def test_dynamodb_new_and_old_images_become_events(cloud, code):
    table = cloud.dynamodb.create_table(
        TableName="reads",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    source = Source(cloud, code, "shelf", "dynamodb")
    source.reads(EventSourceArn=table["LatestStreamArn"])

    def put(id: str, reader: str, seconds: str) -> None:
        row = {key: {"S": str(value)} for key, value in read_of(reader, 0, 1).items()}
        cloud.dynamodb.put_item(TableName="reads", Item={**row, "id": {"S": id}, "seconds": {"N": seconds}})

    put("1", "ann", "30")
    put("1", "ann", "31")  # an update, which no rule asks for
    put("2", "bob", "7")
    cloud.dynamodb.delete_item(TableName="reads", Key={"id": {"S": "1"}})
    put("3", "cid", "9007199254740993")
    events = source.wait_for(3)
    assert [(event["entity_id"], event["properties"]["seconds"]) for event in events[:2]] == [("ann", 30), ("bob", 7)]
    # More than a double keeps comes as its digits, and the contract judges it.
    assert events[2]["properties"]["seconds"] == "9007199254740993"
    assert all(id.startswith("shelf:reads:") for id in ids(events)) and len(set(ids(events))) == 3
    assert source.refused() == []


def test_logs_lines_of_a_group_become_events(cloud, code):
    cloud.logs.create_log_group(logGroupName="/app/web")
    cloud.logs.create_log_stream(logGroupName="/app/web", logStreamName="i-1")
    source = Source(cloud, code, "web", "logs")
    source.may_be_called_by("logs.amazonaws.com", "arn:aws:logs:us-east-1:000000000000:log-group:/app/web:*")
    cloud.logs.put_subscription_filter(
        logGroupName="/app/web", filterName="tidemark", filterPattern="", destinationArn=source.arn
    )
    lines = [json.dumps(read_of("ann", 1, 1, seq=1)), "GET /", json.dumps({"reader": "bob", "seq": 2, "at": "soon"})]
    now = int(time.time() * 1000)
    cloud.logs.put_log_events(
        logGroupName="/app/web",
        logStreamName="i-1",
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )
    [event] = source.wait_for(1)
    assert event["event_id"] == "web:ann:1"
    [refused] = until(source.refused, lambda found: len(found) == 1, 20)
    assert refused["reason"] == "INVALID_EVENT_TIME"
    raw = base64.b64decode(refused["raw_base64"])
    assert json.loads(raw)["message"]["reader"] == "bob"
    # Read again by itself, it is what it was.
    assert source.redrive(raw, raw.replace(b'"soon"', b'"2026-11-01T10:00:00Z"')) == [False, True]
    assert ids(source.wait_for(2)) == ["web:ann:1", "web:bob:2"]


def iot_source(cloud: Cloud, code: bytes) -> tuple[Source, str]:
    """The rule that the construct makes, whose error action goes to a queue; it may not call the function yet."""
    queue = cloud.sqs.create_queue(QueueName="lamp-dead-letters")["QueueUrl"]
    source = Source(cloud, code, "lamp", "iot")
    role = cloud.role("lamp-rule", "iot", allow(["sqs:SendMessage"]))
    error = {"sqs": {"queueUrl": queue, "roleArn": role, "useBase64": False}}
    payload = {
        "sql": RULE.format("lamps/+/read"),
        "awsIotSqlVersion": "2016-03-23",
        "actions": [{"lambda": {"functionArn": source.arn}}],
        "errorAction": error,
    }
    cloud.iot.create_topic_rule(ruleName="lamp", topicRulePayload=payload)
    return source, queue


def test_iot_duplicates_disorder_and_wrong_clocks(cloud, code):
    source, queue = iot_source(cloud, code)
    publisher = cloud.client("iot-data")

    def publish(body: bytes) -> None:
        publisher.publish(topic="lamps/7/read", qos=1, payload=body)

    # "AWS IoT needs permission to invoke": without it the message waits, with its own bytes.
    early = json.dumps(read_of("ann", 0, 0, seq=0)).encode()
    publish(early)
    [message] = until(
        lambda: cloud.sqs.receive_message(QueueUrl=queue).get("Messages", []), lambda found: len(found) == 1, 20
    )
    failed = json.loads(message["Body"])
    assert base64.b64decode(failed["base64OriginalPayload"]) == early
    source.may_be_called_by("iot.amazonaws.com", "arn:aws:iot:us-east-1:000000000000:rule/lamp")
    later, first = (json.dumps(read_of("ann", seq, seq, seq=seq)).encode() for seq in (2, 1))
    future = json.dumps({**read_of("bob", 9, 9, seq=9), "at": "2031-01-01T00:00:00Z"}).encode()
    for body in (later, first, later, future, b"23.5 C", b"\xff\x00"):
        publish(body)
    events = source.wait_for(4)
    assert sorted(ids(events)) == ["lamp:ann:1", "lamp:ann:2", "lamp:ann:2", "lamp:bob:9"]
    # What a clock says goes on: the contract clamps or refuses it.
    assert next(event for event in events if event["entity_id"] == "bob")["event_time"].startswith("2031")
    refused = until(source.refused, lambda found: len(found) == 2, 20)
    assert sorted(line["reason"] for line in refused) == ["INVALID_UTF8", "MALFORMED_JSON"]
