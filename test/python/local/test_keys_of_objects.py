"""S3 under a customer managed key, by the bucket's default and by the request's own headers."""

import aws_facts
import pytest
from jobs_support import document, running_cloud
from keys_support import TO_ACCOUNT, Caller, denials, new_key, refused

ENCRYPTED, BY_BUCKET, PLAIN = "encrypted", "by-bucket-key", "plain"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def key(cloud):
    found = new_key(cloud)
    for name, by_bucket in ((ENCRYPTED, False), (BY_BUCKET, True)):
        cloud.s3.create_bucket(Bucket=name)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": found}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": by_bucket}
        cloud.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        cloud.s3.put_object(Bucket=name, Key="stored", Body=b"1")
    cloud.s3.create_bucket(Bucket=PLAIN)
    cloud.s3.put_object(Bucket=PLAIN, Key="stored", Body=b"1")
    return found


@pytest.fixture(scope="module")
def caller(cloud, key):
    return Caller(cloud, "writer", "s3")


def put(caller, bucket=ENCRYPTED, **more):
    return caller.client.put_object(Bucket=bucket, Key="new", Body=b"2", **more)


def get(caller, bucket=ENCRYPTED, **more):
    return caller.client.get_object(Bucket=bucket, Key="stored", **more)["Body"].read()


def test_writing_needs_generate_data_key_and_reading_decrypt(caller, key):
    caller.grant("kms:Decrypt")
    error = refused(lambda: put(caller))
    assert (error["code"], error["status"]) == ("AccessDenied", 403)
    said = error["message"].replace(caller.arn, "<caller>").replace(key, "<key>")
    aws_facts.check("s3.key-refusal", said)
    assert get(caller) == b"1"
    caller.grant("kms:GenerateDataKey")
    put(caller)
    assert "kms:Decrypt" in refused(lambda: get(caller))["message"]


def test_a_listing_a_deletion_and_a_look_at_the_headers_need_no_key(caller):
    caller.grant()
    caller.client.list_objects_v2(Bucket=ENCRYPTED)
    caller.client.head_object(Bucket=ENCRYPTED, Key="stored")
    caller.client.delete_object(Bucket=ENCRYPTED, Key="nothing")
    refused(lambda: caller.client.head_object(Bucket=ENCRYPTED, Key="stored", ChecksumMode="ENABLED"))


def test_a_copy_decrypts_its_source_and_encrypts_its_target(caller):
    def copy(source, target):
        return caller.client.copy_object(Bucket=target, Key="copy", CopySource={"Bucket": source, "Key": "stored"})

    caller.grant("kms:GenerateDataKey")
    copy(PLAIN, ENCRYPTED)
    assert "kms:Decrypt" in refused(lambda: copy(ENCRYPTED, PLAIN))["message"]
    caller.grant("kms:Decrypt")
    copy(ENCRYPTED, PLAIN)
    assert "kms:GenerateDataKey" in refused(lambda: copy(PLAIN, ENCRYPTED))["message"]


def test_a_multipart_upload_needs_both(caller):
    caller.grant("kms:Decrypt")
    refused(lambda: caller.client.create_multipart_upload(Bucket=ENCRYPTED, Key="big"))
    caller.grant("kms:GenerateDataKey")
    upload = caller.client.create_multipart_upload(Bucket=ENCRYPTED, Key="big")["UploadId"]
    part = {"Bucket": ENCRYPTED, "Key": "big", "UploadId": upload}
    error = refused(lambda: caller.client.upload_part(**part, PartNumber=1, Body=b"1"))
    assert "kms:Decrypt" in error["message"]
    caller.grant("kms:GenerateDataKey", "kms:Decrypt")
    tag = caller.client.upload_part(**part, PartNumber=1, Body=b"1")["ETag"]
    caller.client.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"ETag": tag, "PartNumber": 1}]})
    caller.grant("kms:GenerateDataKey")
    refused(lambda: caller.client.get_object(Bucket=ENCRYPTED, Key="big"))


@pytest.mark.parametrize(
    ("bucket", "arn"), [(ENCRYPTED, f"arn:aws:s3:::{ENCRYPTED}/stored"), (BY_BUCKET, f"arn:aws:s3:::{BY_BUCKET}")]
)
def test_the_encryption_context_is_the_object_or_with_a_bucket_key_the_bucket(caller, bucket, arn):
    condition = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": arn}
    caller.grant("kms:Decrypt", condition={"StringEquals": condition})
    assert get(caller, bucket) == b"1"
    caller.grant("kms:Decrypt", condition={"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"{arn}x"}})
    refused(lambda: get(caller, bucket))


def test_a_key_named_by_the_request_counts_and_not_the_buckets(caller, cloud, key):
    caller.grant()
    put(caller, ServerSideEncryption="AES256")
    put(caller, PLAIN)
    refused(lambda: put(caller, PLAIN, ServerSideEncryption="aws:kms", SSEKMSKeyId=key))


def test_sse_kms_without_a_key_is_the_one_that_aws_manages(caller):
    caller.grant()
    answer = put(caller, PLAIN, ServerSideEncryption="aws:kms")
    assert answer["SSEKMSKeyId"].endswith(":alias/aws/s3")
    assert caller.client.get_object(Bucket=PLAIN, Key="new")["Body"].read() == b"2"


def test_an_old_version_is_read_with_the_key_it_was_written_with(caller, cloud, key):
    cloud.s3.put_bucket_versioning(Bucket=PLAIN, VersioningConfiguration={"Status": "Enabled"})
    old = cloud.s3.put_object(Bucket=PLAIN, Key="stored", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)[
        "VersionId"
    ]
    cloud.s3.put_object(Bucket=PLAIN, Key="stored", Body=b"2")
    caller.grant()
    assert get(caller, PLAIN) == b"2"
    refused(lambda: get(caller, PLAIN, VersionId=old))


def test_a_denial_in_the_key_policy_wins(caller, cloud):
    deny = {"Effect": "Deny", "Principal": {"AWS": caller.arn}, "Action": "kms:*", "Resource": "*"}
    other = new_key(cloud)
    cloud.kms.put_key_policy(KeyId=other, PolicyName="default", Policy=document(TO_ACCOUNT, deny))
    caller.grant("kms:*")
    error = refused(lambda: put(caller, PLAIN, ServerSideEncryption="aws:kms", SSEKMSKeyId=other))
    assert error["message"].endswith("with an explicit deny in a resource-based policy")


def test_a_key_that_is_gone_or_off_is_told_apart(caller, cloud):
    caller.grant("kms:*")
    missing = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"
    assert refused(lambda: put(caller, PLAIN, ServerSideEncryption="aws:kms", SSEKMSKeyId=missing))["code"] == (
        "KMS.NotFoundException"
    )
    off = new_key(cloud)
    cloud.kms.disable_key(KeyId=off)
    assert refused(lambda: put(caller, PLAIN, ServerSideEncryption="aws:kms", SSEKMSKeyId=off))["code"] == (
        "KMS.DisabledException"
    )


def test_the_refusal_is_on_record(caller, cloud, key):
    caller.grant()
    before = len(denials(cloud))
    refused(lambda: put(caller))
    [line] = denials(cloud)[before:]
    assert (line["action"], line["resource"], line["principal"]) == ("kms:GenerateDataKey", key, caller.arn)
