"""A bucket policy that denies requests with `aws:SecureTransport` false, as `enforceSSL` writes it: AWS says that the
key is true for requests sent over TLS (https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html).
Here every request counts as such; a denial for any other reason stays one."""

import json

import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, running_cloud

BUCKET = "tls-only"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.s3.create_bucket(Bucket=BUCKET)
        yield running


def deny_where_transport_is_secure(cloud, value: str) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{BUCKET}", OBJECTS],
        "Condition": {"Bool": {"aws:SecureTransport": value}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


@pytest.fixture
def without_policy(cloud):
    yield
    cloud.s3.delete_bucket_policy(Bucket=BUCKET)


def test_a_role_with_the_grant_gets_at_a_bucket_that_is_for_tls_only(cloud, without_policy):
    deny_where_transport_is_secure(cloud, "false")
    client = cloud.user("writer", allow(["s3:PutObject", "s3:GetObject"], OBJECTS))("s3")
    client.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    assert client.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"


def test_the_condition_is_evaluated_and_not_left_out(cloud, without_policy):
    client = cloud.user("refused", allow(["s3:PutObject"], OBJECTS))("s3")
    client.put_object(Bucket=BUCKET, Key="b", Body=b"1")
    deny_where_transport_is_secure(cloud, "true")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=BUCKET, Key="b", Body=b"2")


def test_a_bucket_for_tls_only_still_refuses_who_has_no_grant(cloud, without_policy):
    deny_where_transport_is_secure(cloud, "false")
    client = cloud.user("reader", allow(["s3:GetObject"], OBJECTS))("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_object(Bucket=BUCKET, Key="c", Body=b"1")
