"""Kinesis, SNS, SQS, Secrets Manager and CloudWatch Logs under a customer managed key."""

import json

import aws_facts
import pytest
from delivery_support import refused_update
from jobs_support import running_cloud, until
from keys_support import ACCOUNT, TO_ACCOUNT, Caller, new_key, refused


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture(scope="module")
def key(cloud):
    return new_key(cloud)


def said(error: dict, caller: Caller, key: str) -> str:
    return error["message"].replace(caller.arn, "<caller>").replace(key, "<key>").partition("; Request ID")[0]


class TestKinesis:
    @pytest.fixture(scope="class")
    @staticmethod
    def caller(cloud, key):
        cloud.kinesis.create_stream(StreamName="events", ShardCount=1)
        cloud.kinesis.get_waiter("stream_exists").wait(StreamName="events", WaiterConfig={"Delay": 1})
        cloud.kinesis.start_stream_encryption(StreamName="events", EncryptionType="KMS", KeyId=key)
        return Caller(cloud, "producer", "kinesis")

    @staticmethod
    def put(caller):
        record = {"PartitionKey": "k", "Data": b"1"}
        caller.client.put_record(StreamName="events", **record)
        caller.client.put_records(StreamName="events", Records=[record])

    @staticmethod
    def get(caller):
        shard = caller.client.list_shards(StreamName="events")["Shards"][0]["ShardId"]
        iterator = caller.client.get_shard_iterator(
            StreamName="events", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return caller.client.get_records(ShardIterator=iterator)["Records"]

    def test_producers_need_generate_data_key(self, caller, key):
        caller.grant("kms:Decrypt")
        error = refused(lambda: self.put(caller))
        assert (error["code"], error["status"]) == ("KMSAccessDeniedException", 400)
        aws_facts.check("kinesis.key-refusal", said(error, caller, key))
        caller.grant("kms:GenerateDataKey")
        self.put(caller)

    def test_consumers_need_decrypt(self, caller):
        caller.grant("kms:GenerateDataKey")
        error = refused(lambda: self.get(caller))
        assert error["code"] == "KMSAccessDeniedException"
        assert aws_facts.answer("kinesis.key-refusal-of-consumers") in error["message"]
        caller.grant("kms:Decrypt")
        self.get(caller)

    def test_the_context_is_the_stream(self, caller):
        stream = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/"
        for name, fits in (("events", True), ("other", False)):
            condition = {"StringEquals": {"kms:EncryptionContext:aws:kinesis:arn": stream + name}}
            caller.grant("kms:GenerateDataKey", condition=condition)
            if fits:
                self.put(caller)
            else:
                refused(lambda: self.put(caller))


class TestSns:
    @pytest.fixture(scope="class")
    @staticmethod
    def topic(cloud, key):
        return cloud.sns.create_topic(Name="news", Attributes={"KmsMasterKeyId": key})["TopicArn"]

    @pytest.fixture(scope="class")
    @staticmethod
    def caller(cloud):
        return Caller(cloud, "publisher", "sns")

    @pytest.mark.parametrize("only", ["kms:Decrypt", "kms:GenerateDataKey"])
    def test_publishers_need_both(self, caller, topic, key, only):
        caller.grant(only)
        for publish in (
            lambda: caller.client.publish(TopicArn=topic, Message="m"),
            lambda: caller.client.publish_batch(
                TopicArn=topic, PublishBatchRequestEntries=[{"Id": "1", "Message": "m"}]
            ),
        ):
            error = refused(publish)
            assert (error["code"], error["status"]) == ("KMSAccessDenied", 400)
        if only == "kms:GenerateDataKey":
            aws_facts.check("sns.key-refusal", said(error, caller, key))
        caller.grant("kms:Decrypt", "kms:GenerateDataKey*")
        caller.client.publish(TopicArn=topic, Message="m")

    def test_the_context_is_the_topic(self, caller, topic):
        for arn, fits in ((topic, True), (f"{topic}x", False)):
            condition = {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": arn}}
            caller.grant("kms:Decrypt", "kms:GenerateDataKey", condition=condition)
            if fits:
                caller.client.publish(TopicArn=topic, Message="m")
            else:
                refused(lambda: caller.client.publish(TopicArn=topic, Message="m"))


class TestSqs:
    @pytest.fixture(scope="class")
    @staticmethod
    def queue(cloud, key):
        return cloud.sqs.create_queue(QueueName="jobs", Attributes={"KmsMasterKeyId": key})["QueueUrl"]

    @pytest.fixture(scope="class")
    @staticmethod
    def caller(cloud):
        return Caller(cloud, "sender", "sqs")

    def test_producers_need_both_and_consumers_decrypt(self, caller, queue, key):
        caller.grant("kms:Decrypt")
        error = refused(lambda: caller.client.send_message(QueueUrl=queue, MessageBody="m"))
        assert (error["code"], error["status"]) == ("KMS.AccessDeniedException", 400)
        aws_facts.check("sqs.key-refusal", said(error, caller, key))
        entries = [{"Id": "1", "MessageBody": "m"}]
        refused(lambda: caller.client.send_message_batch(QueueUrl=queue, Entries=entries))
        caller.client.receive_message(QueueUrl=queue)
        caller.grant("kms:GenerateDataKey")
        refused(lambda: caller.client.receive_message(QueueUrl=queue))
        error = refused(lambda: caller.client.send_message(QueueUrl=queue, MessageBody="m"))
        assert error["message"].startswith("The ciphertext refers to a customer master key")
        caller.grant("kms:Decrypt", "kms:GenerateDataKey")
        caller.client.send_message(QueueUrl=queue, MessageBody="m")

    def test_what_touches_no_message_needs_no_key(self, caller, queue):
        caller.grant()
        caller.client.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])
        caller.client.purge_queue(QueueUrl=queue)


class TestSecretsManager:
    @pytest.fixture(scope="class")
    @staticmethod
    def secret(cloud, key):
        return cloud.secretsmanager.create_secret(Name="hook", SecretString="s", KmsKeyId=key)["ARN"]

    @pytest.fixture(scope="class")
    @staticmethod
    def caller(cloud):
        return Caller(cloud, "holder", "secretsmanager")

    def test_reading_a_value_needs_decrypt_and_storing_one_generate_data_key(self, caller, secret):
        caller.grant("kms:GenerateDataKey")
        error = refused(lambda: caller.client.get_secret_value(SecretId=secret))
        assert (error["code"], error["status"]) == ("AccessDeniedException", 400)
        aws_facts.check("secretsmanager.key-refusal", error["message"])
        caller.client.put_secret_value(SecretId=secret, SecretString="t")
        caller.client.describe_secret(SecretId=secret)
        caller.grant("kms:Decrypt")
        assert caller.client.get_secret_value(SecretId=secret)["SecretString"] == "t"
        refused(lambda: caller.client.update_secret(SecretId=secret, SecretString="u"))

    def test_giving_a_secret_a_key_tries_both(self, caller, secret, key):
        caller.grant("kms:GenerateDataKey")
        refused(lambda: caller.client.create_secret(Name="other", SecretString="s", KmsKeyId=key))
        refused(lambda: caller.client.update_secret(SecretId=secret, KmsKeyId=key))
        caller.grant("kms:GenerateDataKey", "kms:Decrypt")
        caller.client.create_secret(Name="other", SecretString="s", KmsKeyId=key)

    def test_the_context_is_the_secret(self, caller, secret):
        for arn, fits in ((secret, True), (f"{secret}x", False)):
            condition = {
                "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
                "kms:EncryptionContext:SecretARN": arn,
            }
            caller.grant("kms:Decrypt", condition={"StringEquals": condition})
            if fits:
                caller.client.get_secret_value(SecretId=secret)
            else:
                refused(lambda: caller.client.get_secret_value(SecretId=secret))


class TestLogs:
    @staticmethod
    def to_logs(arn: str) -> dict:
        return {
            "Effect": "Allow",
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn}},
        }

    def test_a_log_groups_key_must_let_the_service_in(self, cloud, key):
        arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:encrypted"
        for wrong in (key, new_key(cloud, TO_ACCOUNT, self.to_logs(f"{arn}-not"))):
            error = refused(lambda wrong=wrong: cloud.logs.create_log_group(logGroupName="encrypted", kmsKeyId=wrong))
            assert (error["code"], error["status"]) == ("AccessDeniedException", 400)
            aws_facts.check("logs.key-refusal", error["message"].replace(arn, "<group>"))
        right = new_key(cloud, TO_ACCOUNT, self.to_logs(arn))
        cloud.logs.create_log_group(logGroupName="encrypted", kmsKeyId=right)
        cloud.logs.create_log_group(logGroupName="plain")

    def test_a_template_is_refused_likewise(self, cloud, key):
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "made", "KmsKeyId": key}}
        cloud.cloudformation.create_stack(StackName="logs", TemplateBody=json.dumps({"Resources": {"Group": group}}))

        def status() -> str:
            return cloud.cloudformation.describe_stacks(StackName="logs")["Stacks"][0]["StackStatus"]

        assert until(status, lambda found: not found.endswith("IN_PROGRESS"), 20).startswith("ROLLBACK")

    def test_and_so_is_its_update(self, cloud, key):
        before = {"LogGroupName": "changed"}
        refused = refused_update(cloud, "logs-changed", "AWS::Logs::LogGroup", before, {**before, "KmsKeyId": key})
        assert "not allowed to be used with Arn" in refused
