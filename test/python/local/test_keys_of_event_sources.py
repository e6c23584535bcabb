"""Event source mappings on streams under a customer managed key: the function's role decrypts, at every read."""

import pytest
from jobs_support import allow, document, running_cloud, until
from keys_support import denials, new_key
from stream_support import READ_DYNAMODB, READ_KINESIS, Stream, StreamFunction

READ = allow([*READ_KINESIS, *READ_DYNAMODB])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def key(cloud):
    return new_key(cloud)


def grant(cloud, function, *statements) -> None:
    cloud.iam.put_role_policy(RoleName=function.name, PolicyName="grants", PolicyDocument=document(READ, *statements))


def problem(function) -> str:
    return until(lambda: function.settled()["LastProcessingResult"], lambda found: found.startswith("PROBLEM"), 10)


def test_kinesis_a_grant_that_is_taken_away_stops_the_reading_and_given_back_starts_it(cloud, key):
    stream = Stream(cloud, "encrypted")
    cloud.kinesis.start_stream_encryption(StreamName=stream.name, EncryptionType="KMS", KeyId=key)
    function = StreamFunction(cloud, "of-kinesis", stream.arn, allow("kms:Decrypt", key))
    stream.put("first")
    function.wait_for(lambda found: found == [["first"]])
    grant(cloud, function)
    assert "is not authorized to decrypt records in stream" in problem(function)
    stream.put("second")
    assert {"kms:Decrypt"} == {line["action"] for line in denials(cloud)}
    grant(cloud, function, allow("kms:Decrypt", key))
    assert function.wait_for(lambda found: len(found) == 2) == [["first"], ["second"]]


def test_kinesis_without_the_grant_nothing_is_ever_read(cloud, key):
    stream = Stream(cloud, "never")
    cloud.kinesis.start_stream_encryption(StreamName=stream.name, EncryptionType="KMS", KeyId=key)
    function = StreamFunction(cloud, "without", stream.arn)
    assert "KMSAccessDeniedException" in problem(function)


def test_a_tables_stream_needs_the_tables_key(cloud, key):
    arn = cloud.dynamodb.create_table(
        TableName="encrypted",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )["TableDescription"]["LatestStreamArn"]
    function = StreamFunction(cloud, "of-table", arn)
    assert "KMS key access denied" in problem(function)
    cloud.dynamodb.put_item(TableName="encrypted", Item={"id": {"S": "1"}, "v": {"S": "first"}})
    grant(cloud, function, allow("kms:Decrypt", key))
    function.wait_for(lambda found: found == [["first"]])
