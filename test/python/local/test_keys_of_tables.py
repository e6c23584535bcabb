"""DynamoDB under a customer managed key: every access to a table's data needs kms:Decrypt, its writes too."""

import aws_facts
import pytest
from jobs_support import document, running_cloud
from keys_support import ACCOUNT, TO_ACCOUNT, Caller, denials, new_key, refused

KEY = {"id": {"S": "1"}}
CONTEXT = "kms:EncryptionContext:aws:dynamodb:tableName"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def deny_decrypt_to(arn: str) -> dict:
    return {"Effect": "Deny", "Principal": {"AWS": arn}, "Action": "kms:Decrypt", "Resource": "*"}


@pytest.fixture(scope="module")
def key(cloud):
    return new_key(cloud)


def table(cloud, name: str, key: str | None) -> str:
    """Makes a table with one item and a stream; its stream's ARN."""
    arn = cloud.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        **({"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}} if key else {}),
    )["TableDescription"]["LatestStreamArn"]
    cloud.dynamodb.put_item(TableName=name, Item=KEY)
    return arn


CALLS = {
    "GetItem": lambda c: c.get_item(TableName="scores", Key=KEY),
    "BatchGetItem": lambda c: c.batch_get_item(RequestItems={"scores": {"Keys": [KEY]}}),
    "Query": lambda c: c.query(
        TableName="scores", KeyConditionExpression="id = :i", ExpressionAttributeValues={":i": {"S": "1"}}
    ),
    "Scan": lambda c: c.scan(TableName="scores"),
    "PutItem": lambda c: c.put_item(TableName="scores", Item=KEY),
    "UpdateItem": lambda c: c.update_item(TableName="scores", Key=KEY),
    "DeleteItem": lambda c: c.delete_item(TableName="scores", Key={"id": {"S": "2"}}),
    "BatchWriteItem": lambda c: c.batch_write_item(RequestItems={"scores": [{"PutRequest": {"Item": KEY}}]}),
    "TransactGetItems": lambda c: c.transact_get_items(TransactItems=[{"Get": {"TableName": "scores", "Key": KEY}}]),
    "TransactWriteItems": lambda c: c.transact_write_items(
        TransactItems=[{"Put": {"TableName": "scores", "Item": KEY}}]
    ),
    "ByArn": lambda c: c.get_item(TableName=f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/scores", Key=KEY),
    "PartiQL": lambda c: c.execute_statement(Statement="SELECT * FROM \"scores\" WHERE id = '1'"),
}


@pytest.fixture(scope="module")
def reader(cloud, key):
    table(cloud, "scores", key)
    return Caller(cloud, "reader", "dynamodb")


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_access_needs_the_key_and_no_more_than_kms_decrypt(reader, call):
    reader.grant()
    error = refused(lambda: call(reader.client))
    assert (error["code"], error["status"]) == ("AccessDeniedException", 400)
    aws_facts.check("dynamodb.key-refusal", error["message"].partition("; Request ID")[0])
    reader.grant("kms:Decrypt")
    call(reader.client)


def test_generate_data_key_alone_lets_nobody_write(reader):
    reader.grant("kms:GenerateDataKey", "kms:Encrypt")
    refused(lambda: CALLS["PutItem"](reader.client))


def test_the_refusal_is_on_record_with_caller_and_key(cloud, reader, key):
    reader.grant()
    before = len(denials(cloud))
    refused(lambda: CALLS["GetItem"](reader.client))
    [line] = denials(cloud)[before:]
    assert (line["action"], line["resource"], line["principal"]) == ("kms:Decrypt", key, reader.arn)


def test_the_service_and_the_table_can_be_conditions(cloud, reader, key):
    table(cloud, "other", key)
    reader.grant(
        "kms:Decrypt",
        condition={
            "StringEquals": {
                "kms:ViaService": "dynamodb.us-east-1.amazonaws.com",
                "kms:CallerAccount": ACCOUNT,
                CONTEXT: "scores",
                "kms:EncryptionContext:aws:dynamodb:subscriberId": ACCOUNT,
            }
        },
    )
    CALLS["GetItem"](reader.client)
    refused(lambda: reader.client.get_item(TableName="other", Key=KEY))
    reader.grant("kms:Decrypt", condition={"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}})
    refused(lambda: CALLS["GetItem"](reader.client))


def test_a_batch_over_two_tables_needs_both_keys(cloud, reader):
    table(cloud, "apart", new_key(cloud, TO_ACCOUNT, deny_decrypt_to(reader.arn)))
    reader.grant("kms:Decrypt")
    both = {"scores": {"Keys": [KEY]}, "apart": {"Keys": [KEY]}}
    refused(lambda: reader.client.batch_get_item(RequestItems=both))


def test_identity_policies_count_only_where_the_key_policy_lets_them(cloud, reader):
    reader.grant("kms:*")
    named = new_key(cloud)
    table(cloud, "named", named)
    nobody = {**TO_ACCOUNT, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/somebody"}}
    cloud.kms.put_key_policy(KeyId=named, PolicyName="default", Policy=document(nobody))
    refused(lambda: reader.client.get_item(TableName="named", Key=KEY))
    mine = {**nobody, "Principal": {"AWS": reader.arn}, "Action": "kms:Decrypt"}
    cloud.kms.put_key_policy(KeyId=named, PolicyName="default", Policy=document(mine))
    reader.grant()
    reader.client.get_item(TableName="named", Key=KEY)


def test_the_stream_of_a_table_is_read_with_the_tables_key(cloud, key):
    arn = table(cloud, "streamed", key)
    consumer = Caller(cloud, "reader-of-streams", "dynamodb")
    shard = consumer.client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = consumer.client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    read = {"ShardIterator": iterator["ShardIterator"]}
    assert refused(lambda: consumer.client.get_records(**read))["code"] == "AccessDeniedException"
    consumer.grant("kms:Decrypt")
    assert len(consumer.client.get_records(**read)["Records"]) == 1


def test_a_table_without_a_key_of_ours_needs_none(cloud, reader):
    table(cloud, "plain", None)
    table(cloud, "managed", "alias/aws/dynamodb")
    reader.grant()
    for name in ("plain", "managed"):
        reader.client.get_item(TableName=name, Key=KEY)


def test_making_a_table_under_a_key_needs_its_grants(cloud, key):
    maker = Caller(cloud, "maker", "dynamodb", "kms:DescribeKey")
    make = dict(
        TableName="made",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    assert "kms:CreateGrant" in refused(lambda: maker.client.create_table(**make))["message"]
    maker.grant("kms:DescribeKey", "kms:CreateGrant")
    maker.client.create_table(**make)


def test_a_disabled_key_lets_nobody_in(cloud, reader):
    other = new_key(cloud)
    table(cloud, "disabled", other)
    reader.grant("kms:*")
    cloud.kms.disable_key(KeyId=other)
    assert "DisabledException" in refused(lambda: reader.client.get_item(TableName="disabled", Key=KEY))["message"]


def test_a_grant_on_the_key_is_as_good_as_a_policy_and_keeps_its_context(cloud, reader, key):
    reader.grant()
    grant = cloud.kms.create_grant(
        KeyId=key,
        GranteePrincipal=reader.arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"aws:dynamodb:tableName": "scores"}},
    )["GrantId"]
    CALLS["GetItem"](reader.client)
    refused(lambda: reader.client.get_item(TableName="other", Key=KEY))
    cloud.kms.revoke_grant(KeyId=key, GrantId=grant)
    refused(lambda: CALLS["GetItem"](reader.client))
