"""What CreateEventSourceMapping refuses and answers, filters, and figures of DynamoDB, in the running local cloud."""

import json
import re
import zlib
from types import SimpleNamespace

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from delivery_support import Function, refused_update
from jobs_support import allow, running_cloud, until
from stream_support import READ_DYNAMODB, READ_KINESIS, Stream
from tidemark_local.dynamodb.answers import record_size
from tidemark_local.lambda_esm.creation import matches
from tidemark_local.lambda_esm.destinations import invocation_record
from tidemark_local.lambda_esm.lane import AGE_EXCEEDED, RETRIES_EXHAUSTED, Discard, Outcome, Record
from tidemark_local.lambda_esm.sources import DynamoDbSource, KinesisSource

STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("mappings")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def function(cloud):
    return Function(cloud, "consumer", allow([*READ_KINESIS, *READ_DYNAMODB]))


def create(cloud, stream: str, **settings):
    given = {"FunctionName": "consumer", "EventSourceArn": stream, "StartingPosition": "LATEST", **settings}
    return cloud.client("lambda").create_event_source_mapping(**given)


def refusal(cloud, stream: str, **settings) -> dict:
    with pytest.raises(ClientError) as refused:
        create(cloud, stream, **settings)
    response = refused.value.response
    return {
        "Code": response["Error"]["Code"],
        "Message": response["Error"]["Message"],
        "status": response["ResponseMetadata"]["HTTPStatusCode"],
    }


def test_a_new_mapping_is_answered_whole_and_the_same_again_is_a_conflict(cloud, function):
    stream = Stream(cloud, "twice").arn
    created = create(cloud, stream)
    recorded = answer("kinesis-esm.created")
    assert {name: created.get(name) for name in recorded} == recorded
    until(
        lambda: cloud.client("lambda").get_event_source_mapping(UUID=created["UUID"])["State"],
        lambda state: state == "Enabled",
        10,
    )
    expected = dict(answer("kinesis-esm.duplicate"))
    expected["Message"] = expected["Message"].format(stream=stream, function="consumer", uuid=created["UUID"])
    assert refusal(cloud, stream) == expected
    cloud.client("lambda").delete_event_source_mapping(UUID=created["UUID"])
    create(cloud, stream)


def test_a_stream_that_does_not_exist_is_refused(cloud, function):
    for missing in (STREAM, TABLE):
        expected = dict(answer("kinesis-esm.missing-stream"))
        expected["Message"] = expected["Message"].format(stream=missing)
        assert refusal(cloud, missing) == expected


@pytest.mark.parametrize("pattern", ["single-string", '[{"eventName": ["INSERT"=123}]', '{"eventName": "INSERT"}'])
def test_a_filter_that_is_no_pattern_is_refused(cloud, function, pattern):
    stream = Stream(cloud, f"filter-{zlib.crc32(pattern.encode())}").arn
    filters = {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}
    assert refusal(cloud, stream, **filters) == answer("dynamodb-esm.bad-filter")
    mapping = create(cloud, stream)["UUID"]
    with pytest.raises(ClientError, match=r"Invalid filter pattern definition\."):
        cloud.client("lambda").update_event_source_mapping(UUID=mapping, **filters)


def test_an_age_below_a_minute_and_a_missing_position_are_refused(cloud, function):
    stream = Stream(cloud, "settings").arn
    found = refusal(cloud, stream, MaximumRecordAgeInSeconds=59)
    assert (found["Code"], found["status"]) == ("InvalidParameterValueException", 400)
    with pytest.raises(ClientError, match="Value null at 'startingPosition' failed to satisfy constraint"):
        cloud.client("lambda").create_event_source_mapping(FunctionName="consumer", EventSourceArn=stream)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"FilterCriteria": {"Filters": [{"Pattern": "single-string"}]}}, "Invalid filter pattern definition."),
        ({"MaximumRecordAgeInSeconds": 59}, "-1 or 60 to 604800 is allowed"),
    ],
)
def test_an_update_by_a_template_is_refused_too(cloud, function, change, said):
    name = f"updated-{next(iter(change)).lower()}"
    before = {
        "EventSourceArn": Stream(cloud, name).arn,
        "FunctionName": "consumer",
        "StartingPosition": "LATEST",
    }
    assert said in refused_update(cloud, name, "AWS::Lambda::EventSourceMapping", before, {**before, **change})


def test_a_template_that_makes_the_same_mapping_again_fails(cloud, function):
    stream = Stream(cloud, "renamed").arn

    def deploy(operation: str, name: str) -> str:
        properties = {"EventSourceArn": stream, "FunctionName": "consumer", "StartingPosition": "LATEST"}
        mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
        body = json.dumps({"Resources": {name: mapping}})
        getattr(cloud.cloudformation, operation)(StackName="mappings", TemplateBody=body)
        return until(
            lambda: cloud.cloudformation.describe_stacks(StackName="mappings")["Stacks"][0]["StackStatus"],
            lambda status: not status.endswith("IN_PROGRESS"),
            30,
        )

    assert deploy("create_stack", "Before") == "CREATE_COMPLETE"
    # CloudFormation makes the new one before it deletes the old one.
    assert deploy("update_stack", "After").startswith("UPDATE_ROLLBACK")
    events = cloud.cloudformation.describe_stack_events(StackName="mappings")["StackEvents"]
    assert any("provided mapping already exists" in item.get("ResourceStatusReason", "") for item in events)


def test_filters_have_the_rules_of_eventbridge():
    image = {
        "dynamodb": {"NewImage": {"id": {"S": "id_value_1"}, "presentKey": {"S": "presentValue"}, "n": {"N": "42"}}}
    }
    found = {
        "exists-false-on-an-object": matches(image, {"dynamodb": {"NewImage": {"presentKey": [{"exists": False}]}}}),
        "exists-true-on-a-leaf": matches(image, {"dynamodb": {"NewImage": {"presentKey": {"S": [{"exists": True}]}}}}),
        "numeric-on-a-number": matches(image, {"dynamodb": {"NewImage": {"n": {"N": [{"numeric": [">", 0]}]}}}}),
        "prefix": matches(image, {"dynamodb": {"NewImage": {"id": {"S": [{"prefix": "id_"}]}}}}),
    }
    assert found == answer("dynamodb-esm.filters")


def test_records_of_what_was_given_up():
    record = Record("k", "1", 1_600_000_000.5, 10, {})
    kinesis = invocation_record(Discard([record], AGE_EXCEEDED, 8, None), KinesisSource(STREAM), "s", "f", 1.5)
    assert sorted(kinesis) == answer("kinesis-esm.age-record")
    assert kinesis["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"] == "2020-09-13T12:26:40.500Z"
    last = Outcome(error="Unhandled")
    dynamo = invocation_record(Discard([record], RETRIES_EXHAUSTED, 2, last), DynamoDbSource(TABLE), "s", "f", 1.5)
    assert re.fullmatch(
        answer("dynamodb-esm.arrivals"), dynamo["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"]
    )
    assert dynamo["timestamp"] == "1970-01-01T00:00:01.500Z" and "responseContext" in dynamo


def test_sizes_of_stream_records_are_those_of_keys_and_images(cloud):
    for body, size in answer("dynamodb-streams.size-bytes"):
        assert record_size(body) == size
    stream = table(cloud, "sizes")
    [[body, size], *_] = answer("dynamodb-streams.size-bytes")
    cloud.dynamodb.put_item(TableName="sizes", Item=body["NewImage"])
    client = cloud.client("dynamodbstreams")
    shard = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = client.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    [record] = client.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert record["dynamodb"]["SizeBytes"] == size


def table(cloud, name: str) -> str:
    made = cloud.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return made["TableDescription"]["LatestStreamArn"]


def test_batch_get_item_tells_what_it_costs(cloud):
    table(cloud, "costs")
    cloud.dynamodb.put_item(TableName="costs", Item={"id": {"S": "big"}, "data": {"S": "x" * 5 * 1024}})
    keys = [{"id": {"S": name}} for name in ("big", "missing")]

    def units(**settings) -> float:
        found = cloud.dynamodb.batch_get_item(
            RequestItems={"costs": {"Keys": keys, **settings}}, ReturnConsumedCapacity="TOTAL"
        )
        [consumed] = found["ConsumedCapacity"]
        assert consumed["TableName"] == "costs" and len(found["Responses"]["costs"]) == 1
        return consumed["CapacityUnits"]

    assert units() == answer("dynamodb.batch-get-capacity")
    assert units(ConsistentRead=True) == 2 * answer("dynamodb.batch-get-capacity")
    assert "ConsumedCapacity" not in cloud.dynamodb.batch_get_item(RequestItems={"costs": {"Keys": keys}})


def test_a_secret_s_name_has_the_allowed_characters(cloud):
    with pytest.raises(ClientError) as refused:
        cloud.secretsmanager.create_secret(Name="Inv Name", SecretString="x")
    error = SimpleNamespace(**refused.value.response["Error"])
    assert {"Code": error.Code, "Message": error.Message} == answer("secretsmanager.invalid-name")
    cloud.secretsmanager.create_secret(Name="a/valid_+=.@!-name", SecretString="x")
