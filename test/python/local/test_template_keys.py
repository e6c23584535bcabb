"""The key that a template gives a resource is kept, and changed and taken away with the template."""

import json

import pytest
from jobs_support import running_cloud
from keys_support import ACCOUNT, Caller, new_key, refused

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:news"
QUEUE = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/jobs"
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def resources(key: str | None) -> dict:
    replica = {"Region": "us-east-1", **({"SSESpecification": {"KMSMasterKeyId": key}} if key else {})}
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    bucket = {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    }
    of_table = {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}
    of_global = {"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}}
    of_stream = {"StreamEncryption": {"EncryptionType": "KMS", "KeyId": key}}
    return {
        "Table": ("AWS::DynamoDB::Table", {"TableName": "one", **TABLE, **(of_table if key else {})}),
        "Global": (
            "AWS::DynamoDB::GlobalTable",
            {"TableName": "everywhere", **TABLE, "Replicas": [replica], **(of_global if key else {})},
        ),
        "Stream": ("AWS::Kinesis::Stream", {"Name": "events", "ShardCount": 1, **(of_stream if key else {})}),
        "Bucket": ("AWS::S3::Bucket", {"BucketName": "lake", **({"BucketEncryption": bucket} if key else {})}),
        "Topic": ("AWS::SNS::Topic", {"TopicName": "news", **({"KmsMasterKeyId": key} if key else {})}),
        "Queue": ("AWS::SQS::Queue", {"QueueName": "jobs", **({"KmsMasterKeyId": key} if key else {})}),
        "Secret": ("AWS::SecretsManager::Secret", {"Name": "hook", **({"KmsKeyId": key} if key else {})}),
    }


def deploy(cloud, operation: str, waiter: str, key: str | None) -> None:
    found = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources(key).items()}
    getattr(cloud.cloudformation, operation)(StackName="keys", TemplateBody=json.dumps({"Resources": found}))
    cloud.cloudformation.get_waiter(waiter).wait(StackName="keys", WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def keys(cloud) -> list[str | None]:
    """The key of each resource, as its service describes it."""
    tables = [cloud.dynamodb.describe_table(TableName=name)["Table"] for name in ("one", "everywhere")]
    stream = cloud.kinesis.describe_stream(StreamName="events")["StreamDescription"]
    rule = cloud.s3.get_bucket_encryption(Bucket="lake")["ServerSideEncryptionConfiguration"]["Rules"][0]
    return [
        *[table.get("SSEDescription", {}).get("KMSMasterKeyArn") for table in tables],
        stream.get("KeyId"),
        rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
        cloud.sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"].get("KmsMasterKeyId"),
        cloud.sqs.get_queue_attributes(QueueUrl=QUEUE, AttributeNames=["KmsMasterKeyId"])
        .get("Attributes", {})
        .get("KmsMasterKeyId"),
        cloud.secretsmanager.describe_secret(SecretId="hook").get("KmsKeyId"),
    ]


def test_each_resource_has_its_key_through_its_life(cloud):
    first, second = new_key(cloud), new_key(cloud)
    deploy(cloud, "create_stack", "stack_create_complete", first)
    assert keys(cloud) == [first] * 7
    caller = Caller(cloud, "writer", "s3")
    refused(lambda: caller.client.put_object(Bucket="lake", Key="k", Body=b"1"))
    deploy(cloud, "update_stack", "stack_update_complete", second)
    assert keys(cloud) == [second] * 7
    deploy(cloud, "update_stack", "stack_update_complete", None)
    assert keys(cloud) == [None] * 7
    caller.client.put_object(Bucket="lake", Key="k", Body=b"1")
