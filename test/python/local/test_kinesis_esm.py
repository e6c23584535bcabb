"""Event source mappings through the running local cloud: real streams, a real Node function, IAM enforced."""

import json
import time
from typing import Any

import pytest
from jobs_support import Cloud, allow, running_cloud, until
from stream_support import Stream, StreamFunction

PARTIAL: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("streams")) as cloud:
        yield cloud


def denials(cloud: Cloud) -> list[dict]:
    file = cloud.state / "access-denied.ndjson"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def values(cloud: Cloud, namespace: str, name: str, statistic: str, **dimensions: str) -> float:
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": statistic}}
    now = time.time()
    found = cloud.cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=now - 7200, EndTime=now + 60)
    return sum(found["MetricDataResults"][0]["Values"])


def test_records_arrive_soon_in_the_shape_of_the_documentation_and_are_measured(cloud):
    stream = Stream(cloud, "shape")
    function = StreamFunction(cloud, "shape", stream.arn, **PARTIAL)
    stream.put("warm")
    function.wait_for(lambda found: found == [["warm"]])
    sent = time.time()
    stream.put("now")
    function.wait_for(lambda found: ["now"] in found)
    assert function.invocations()[-1]["started"] / 1000 - sent < 1.5
    event = function.invocations()[0]["first"]
    assert event["eventSource"] == "aws:kinesis" and event["eventSourceARN"] == stream.arn
    assert event["eventID"] == f"shardId-000000000000:{event['kinesis']['sequenceNumber']}"
    assert event["invokeIdentityArn"] == function.role
    assert event["kinesis"]["kinesisSchemaVersion"] == "1.0"
    assert abs(event["kinesis"]["approximateArrivalTimestamp"] - sent) < 60
    until(function.settled, lambda found: found["LastProcessingResult"] == "OK", 5)
    # The same run, as metrics: of the log lines, of Lambda and of Kinesis.
    until(lambda: values(cloud, "Test", "Seen", "Sum", service="s"), lambda found: found == 2, 5)
    assert values(cloud, "AWS/Lambda", "Invocations", "Sum", FunctionName="shape") == 2
    assert values(cloud, "AWS/Lambda", "Errors", "Sum", FunctionName="shape") == 0
    assert 0 < values(cloud, "AWS/Lambda", "Duration", "Maximum", FunctionName="shape") < 10_000
    assert values(cloud, "AWS/Lambda", "IteratorAge", "SampleCount", FunctionName="shape") == 2
    assert values(cloud, "AWS/Kinesis", "IncomingRecords", "Sum", StreamName="shape") == 2
    assert values(cloud, "AWS/Kinesis", "IncomingBytes", "Sum", StreamName="shape") == len("warmnow")
    assert values(cloud, "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", "SampleCount", StreamName="shape") == 2


def test_a_poison_record_is_isolated_and_its_payload_kept_in_s3(cloud):
    stream, bucket = Stream(cloud, "poison"), "on-failure"
    cloud.s3.create_bucket(Bucket=bucket)
    stream.put(*[f"v{n}" for n in range(5)], "fail", *[f"v{n}" for n in range(5, 9)])
    destination = {"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    function = StreamFunction(
        cloud,
        "poison",
        stream.arn,
        allow(["s3:PutObject", "s3:ListBucket"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]),
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig=destination,
        MetricsConfig={"Metrics": ["EventCount"]},
        **PARTIAL,
    )
    good = [f"v{n}" for n in range(9)]
    batches = function.wait_for(
        lambda found: {value for batch in found for value in batch} >= set(good) and len(found) > 4
    )
    assert batches[0] == [*good[:5], "fail", *good[5:]], "the first time all records come, in order"
    [key] = until(lambda: cloud.s3.list_objects_v2(Bucket=bucket).get("Contents", []), bool, 10)
    parts = key["Key"].split("/")
    assert parts[:2] == ["aws", "lambda"] and parts[2:4] == [function.mapping, "shardId-000000000000"]
    assert "/".join(parts[4:7]) == time.strftime("%Y/%m/%d", time.gmtime())
    assert parts[7].startswith(time.strftime("%Y-%m-%dT", time.gmtime()))
    document = json.loads(cloud.s3.get_object(Bucket=bucket, Key=key["Key"])["Body"].read())
    payload = json.loads(document["payload"])
    assert len(payload["Records"]) == 1
    info, request = document["KinesisBatchInfo"], document["requestContext"]
    sequence = payload["Records"][0]["kinesis"]["sequenceNumber"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (sequence, sequence, 1)
    assert info["streamArn"] == stream.arn and request["functionArn"] == function.arn
    assert request["condition"] == "RetryAttemptsExhausted"
    assert document["responseContext"]["statusCode"] == 200
    assert [batch for batch in function.batches() if batch == ["fail"]] == [["fail"]] * 2, "once, and one retry"
    metric = {"EventSourceMappingUUID": function.mapping}
    delivered = "OnFailureDestinationDeliveredEventCount"
    until(lambda: values(cloud, "AWS/Lambda", delivered, "Sum", **metric), lambda found: found == 1, 5)
    assert values(cloud, "AWS/Lambda", "PolledEventCount", "Sum", **metric) == 10
    assert values(cloud, "AWS/Lambda", "FailedInvokeEventCount", "Sum", **metric) == len(function.batches()) - sum(
        "fail" not in batch for batch in function.batches()
    )


def test_a_discarded_batch_leaves_metadata_in_sqs_and_no_payload(cloud):
    stream = Stream(cloud, "metadata")
    queue = cloud.sqs.create_queue(QueueName="failed")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    stream.put("throw", "next")
    function = StreamFunction(
        cloud,
        "metadata",
        stream.arn,
        allow("sqs:SendMessage", arn),
        BatchSize=1,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    assert function.wait_for(lambda found: ["next"] in found) == [["throw"], ["throw"], ["next"]]
    [message] = until(lambda: cloud.sqs.receive_message(QueueUrl=queue).get("Messages", []), bool, 10)
    document = json.loads(message["Body"])
    assert document["requestContext"]["approximateInvokeCount"] == 2
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["KinesisBatchInfo"]["batchSize"] == 1 and "payload" not in document
    assert values(cloud, "AWS/Lambda", "Errors", "Sum", FunctionName="metadata") == 2


def test_a_timeout_is_retried_like_an_error(cloud):
    stream = Stream(cloud, "timeout")
    stream.put("slow", "next")
    function = StreamFunction(cloud, "timeout", stream.arn, timeout=1, BatchSize=1, MaximumRetryAttempts=0)
    assert function.wait_for(lambda found: ["next"] in found)[-1] == ["next"]
    assert values(cloud, "AWS/Lambda", "Errors", "Sum", FunctionName="timeout") == 1


def test_a_throttled_function_is_tried_until_it_is_reached(cloud):
    stream = Stream(cloud, "throttle")
    stream.put("v")
    function = StreamFunction(cloud, "throttle", stream.arn, MaximumRetryAttempts=0)
    function.wait_for(lambda found: found == [["v"]])
    cloud.client("lambda").put_function_concurrency(FunctionName="throttle", ReservedConcurrentExecutions=0)
    stream.put("later")
    until(lambda: values(cloud, "AWS/Lambda", "Throttles", "Sum", FunctionName="throttle"), lambda n: n >= 2, 10)
    cloud.client("lambda").delete_function_concurrency(FunctionName="throttle")
    assert function.wait_for(lambda found: ["later"] in found) == [["v"], ["later"]]


def test_lanes_run_at_the_same_time_and_keep_the_order_of_each_key(cloud):
    stream = Stream(cloud, "lanes")
    keys = [f"key-{n}" for n in range(6)]
    for turn in range(3):
        for key in keys:
            stream.put("wait", key=key)
            stream.put(f"{key}:{turn}", key=key)
    function = StreamFunction(cloud, "lanes", stream.arn, ParallelizationFactor=4, BatchSize=3)
    function.wait_for(lambda found: sum(map(len, found)) >= 36, 30)
    invocations = function.invocations()
    spans = [(item["started"], item["ended"]) for item in invocations]
    assert any(a[0] < b[1] and b[0] < a[1] for i, a in enumerate(spans) for b in spans[:i]), "nothing ran in parallel"
    for key in keys:
        turns = [v for item in invocations for k, v in zip(item["keys"], item["batch"], strict=True) if k == key]
        assert [value for value in turns if value != "wait"] == [f"{key}:{turn}" for turn in range(3)]


def test_the_batching_window_gathers(cloud):
    stream = Stream(cloud, "window")
    function = StreamFunction(cloud, "window", stream.arn, MaximumBatchingWindowInSeconds=2)
    stream.put("a")
    time.sleep(0.5)
    stream.put("b")
    assert function.wait_for(bool) == [["a", "b"]]


def test_a_split_loses_nothing_and_keeps_the_order_of_each_key(cloud):
    stream = Stream(cloud, "split")
    keys = [f"key-{n}" for n in range(8)]
    for key in keys:
        stream.put(f"{key}:0", "late", key=key)
    function = StreamFunction(cloud, "split", stream.arn, BatchSize=50)
    shard = cloud.kinesis.list_shards(StreamName="split")["Shards"][0]
    cloud.kinesis.split_shard(StreamName="split", ShardToSplit=shard["ShardId"], NewStartingHashKey=str(2**127))
    for key in keys:
        stream.put(f"{key}:1", key=key)
    shards = cloud.kinesis.list_shards(StreamName="split")["Shards"]
    assert [item.get("ParentShardId") for item in shards] == [None, shard["ShardId"], shard["ShardId"]]
    assert "EndingSequenceNumber" in shards[0]["SequenceNumberRange"]
    assert stream.summary()["OpenShardCount"] == 2
    a, b = [item["ShardId"] for item in shards[1:]]
    cloud.kinesis.merge_shards(StreamName="split", ShardToMerge=a, AdjacentShardToMerge=b)
    for key in keys:
        stream.put(f"{key}:2", key=key)
    function.wait_for(lambda found: sum(v.endswith(":2") for batch in found for v in batch) >= 8)
    batches = function.batches()
    failed = [index for index, batch in enumerate(batches) if "key-0:0" in batch][:-1]
    assert failed, "the parent must fail at first, so that its children have to wait"
    succeeded = batches[len(failed) :]
    for key in keys:
        assert [v for batch in succeeded for v in batch if v.startswith(key)] == [f"{key}:{n}" for n in range(3)]


def test_update_shard_count_keeps_the_records(cloud):
    stream = Stream(cloud, "scaled", shards=2)
    stream.put(*[f"old-{n}" for n in range(5)])
    cloud.kinesis.update_shard_count(StreamName="scaled", TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    stream.put(*[f"new-{n}" for n in range(5)])
    function = StreamFunction(cloud, "scaled", stream.arn)
    found = function.wait_for(lambda found: sum(map(len, found)) == 10)
    assert [v for batch in found for v in batch] == [*(f"old-{n}" for n in range(5)), *(f"new-{n}" for n in range(5))]
    closed = cloud.kinesis.list_shards(StreamName="scaled")["Shards"][0]["ShardId"]
    iterator = cloud.kinesis.get_shard_iterator(StreamName="scaled", ShardId=closed, ShardIteratorType="TRIM_HORIZON")
    answer = cloud.kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    assert "NextShardIterator" not in answer and answer["ChildShards"]


def test_latest_sees_only_what_comes_after_the_mapping(cloud):
    stream = Stream(cloud, "latest")
    stream.put("before")
    function = StreamFunction(cloud, "latest", stream.arn, StartingPosition="LATEST")
    stream.put("after")
    assert function.wait_for(bool) == [["after"]]


def test_at_timestamp(cloud):
    stream = Stream(cloud, "timestamp")
    stream.put("before")
    time.sleep(1.1)
    moment = time.time()
    stream.put("after")
    function = StreamFunction(
        cloud, "timestamp", stream.arn, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=moment
    )
    assert function.wait_for(bool) == [["after"]]


def test_disabled_waits_enabled_goes_on_and_deleted_ends(cloud):
    stream = Stream(cloud, "paused")
    function = StreamFunction(cloud, "paused", stream.arn)
    stream.put("a")
    function.wait_for(lambda found: found == [["a"]])
    function.update(Enabled=False)
    stream.put("b")
    time.sleep(1)
    assert function.batches() == [["a"]]
    function.update(Enabled=True)
    function.wait_for(lambda found: found == [["a"], ["b"]])
    cloud.client("lambda").delete_event_source_mapping(UUID=function.mapping)
    stream.put("c")
    time.sleep(1)
    assert function.batches() == [["a"], ["b"]]


def test_filters_leave_records_out(cloud):
    stream = Stream(cloud, "filtered")
    criteria = {"Filters": [{"Pattern": json.dumps({"data": {"kind": ["wanted"]}})}]}
    function = StreamFunction(cloud, "filtered", stream.arn, FilterCriteria=criteria)
    stream.put(*[json.dumps({"kind": kind}) for kind in ("other", "wanted", "other")])
    assert [json.loads(v)["kind"] for v in function.wait_for(bool)[0]] == ["wanted"]


def test_without_the_right_to_read_nothing_is_delivered_and_the_refusal_is_on_record(cloud):
    stream = Stream(cloud, "forbidden")
    function = StreamFunction(cloud, "forbidden", stream.arn)
    cloud.iam.delete_role_policy(RoleName="forbidden", PolicyName="grants")
    stream.put("secret")
    time.sleep(0.2)
    fresh = StreamFunction(cloud, "refused", stream.arn, StartingPosition="TRIM_HORIZON")
    cloud.iam.delete_role_policy(RoleName="refused", PolicyName="grants")
    cloud.client("lambda").delete_event_source_mapping(UUID=fresh.mapping)
    role = cloud.role("bare", "lambda")
    cloud.client("lambda").update_function_configuration(FunctionName="refused", Role=role)
    mapping = cloud.client("lambda").create_event_source_mapping(
        FunctionName="refused", EventSourceArn=stream.arn, StartingPosition="TRIM_HORIZON"
    )["UUID"]
    refused = until(lambda: [item for item in denials(cloud) if ":assumed-role/bare/" in item["principal"]], bool, 10)
    assert refused[0]["action"] == "kinesis:DescribeStreamSummary" and refused[0]["resource"] == stream.arn
    result = cloud.client("lambda").get_event_source_mapping(UUID=mapping)["LastProcessingResult"]
    assert result.startswith("PROBLEM: ") and "AccessDenied" in result
    assert function.settled()["State"] == "Enabled"


def test_the_stream_of_a_table_is_served_by_the_same_rules(cloud):
    cloud.dynamodb.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    arn = cloud.dynamodb.describe_table(TableName="table")["Table"]["LatestStreamArn"]
    for number, value in enumerate(["a", "fail", "b", "skipped"]):
        cloud.dynamodb.put_item(TableName="table", Item={"k": {"S": str(number)}, "v": {"S": value}})
    cloud.dynamodb.delete_item(TableName="table", Key={"k": {"S": "0"}})
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"v": {"S": [{"anything-but": ["skipped"]}]}}}}
    function = StreamFunction(
        cloud,
        "table",
        arn,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
        **PARTIAL,
    )
    assert function.wait_for(lambda found: ["b"] in found) == [["a", "fail", "b"], ["fail", "b"], ["fail"], ["b"]]
