"""For each limit of AWS's: a call of a given size or number, and the code that answers what is beyond."""

import json
import time

from limits_support import inline, many, permissions, puts, schedule, targets, transaction
from tidemark_local.host.limits import limit

# id → the call for a size or number, and the code that answers what is beyond
CASES = {
    "cloudformation.outputs": (
        lambda aws, n: aws.stack({"Outputs": {f"O{i}": {"Value": "x"} for i in range(n)}}),
        "ValidationError",
    ),
    "cloudformation.parameters": (
        lambda aws, n: aws.stack({"Parameters": {f"P{i}": {"Type": "String", "Default": "x"} for i in range(n)}}),
        "ValidationError",
    ),
    "cloudformation.resources": (
        lambda aws, n: aws.stack(
            {"Resources": {f"R{i}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for i in range(n)}}
        ),
        "ValidationError",
    ),
    "cloudformation.template-body-bytes": (
        lambda aws, n: aws.cloudformation.create_stack(
            StackName=aws.name(),
            TemplateBody='{"Resources": {"H": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}'.ljust(n),
        ),
        "ValidationError",
    ),
    "cloudformation.template-url-bytes": (lambda aws, n: aws.stack({}, n), "ValidationError"),
    "cloudwatch.metric-data": (
        lambda aws, n: aws.cloudwatch.put_metric_data(
            Namespace="n", MetricData=[{"MetricName": "m", "Value": 1.0}] * n
        ),
        "InvalidParameterValue",
    ),
    "dynamodb.batch-get-keys": (
        lambda aws, n: aws.dynamodb.batch_get_item(
            RequestItems={"table": {"Keys": many(n, lambda index: {"k": {"S": str(index)}})}}
        ),
        "ValidationException",
    ),
    "dynamodb.batch-write-requests": (
        lambda aws, n: aws.dynamodb.batch_write_item(
            RequestItems={"table": many(n, lambda index: {"PutRequest": {"Item": {"k": {"S": str(index)}}}})}
        ),
        "ValidationException",
    ),
    "dynamodb.hash-key-bytes": (
        lambda aws, n: aws.dynamodb.put_item(TableName="table", Item={"k": {"S": "x" * n}}),
        "ValidationException",
    ),
    "dynamodb.item-bytes": (
        lambda aws, n: aws.dynamodb.put_item(TableName="table", Item=aws.item(n)),
        "ValidationException",
    ),
    "dynamodb.transaction-actions": (
        lambda aws, n: aws.dynamodb.transact_write_items(TransactItems=puts(aws, n)),
        "ValidationException",
    ),
    "dynamodb.transaction-bytes": (transaction, "ValidationException"),
    "events.entries": (
        lambda aws, n: aws.events.put_events(Entries=[{"Source": "a", "DetailType": "b", "Detail": "{}"}] * n),
        "ValidationException",
    ),
    "events.entries-bytes": (
        lambda aws, n: aws.events.put_events(
            Entries=[{"Source": "a", "DetailType": "b", "Detail": json.dumps({"x": "x" * (n - 11)})}]
        ),
        "ValidationException",
    ),
    "events.targets": (targets, "LimitExceededException"),
    "iam.inline-policies-characters": (inline, "LimitExceeded"),
    "iam.managed-policy-characters": (
        lambda aws, n: aws.iam.create_policy(PolicyName=aws.name(), PolicyDocument=aws.policy(n)),
        "LimitExceeded",
    ),
    "iam.trust-policy-characters": (
        lambda aws, n: aws.iam.create_role(RoleName=aws.name(), AssumeRolePolicyDocument=aws.trust(n)),
        "LimitExceeded",
    ),
    "kinesis.record-bytes": (
        lambda aws, n: aws.kinesis.put_record(StreamName="stream", Data=b"x" * (n - 3), PartitionKey="key"),
        "ValidationException",
    ),
    "kinesis.records": (
        lambda aws, n: aws.kinesis.put_records(StreamName="stream", Records=[{"Data": b"x", "PartitionKey": "k"}] * n),
        "ValidationException",
    ),
    "kms.policy-bytes": (lambda aws, n: aws.kms.create_key(Policy=aws.key_policy(n)), "LimitExceededException"),
    "lambda.asynchronous-payload-bytes": (
        lambda aws, n: getattr(aws, "lambda").invoke(
            FunctionName="limits", InvocationType="Event", Payload=json.dumps({"x": "x" * (n - 9)})
        ),
        "RequestEntityTooLargeException",
    ),
    "lambda.environment-bytes": (
        lambda aws, n: getattr(aws, "lambda").update_function_configuration(
            FunctionName="limits", Environment={"Variables": {"AB": "x" * (n - 9)}}
        ),
        "InvalidParameterValueException",
    ),
    "lambda.policy-bytes": (permissions, "PolicyLengthExceededException"),
    "lambda.synchronous-payload-bytes": (
        lambda aws, n: getattr(aws, "lambda").invoke(FunctionName="limits", Payload=json.dumps({"x": "x" * (n - 9)})),
        "RequestEntityTooLargeException",
    ),
    "lambda.timeout-seconds": (
        lambda aws, n: getattr(aws, "lambda").update_function_configuration(FunctionName="limits", Timeout=n),
        "ValidationException",
    ),
    "logs.batch-bytes": (
        lambda aws, n: aws.logs.put_log_events(
            logGroupName="group",
            logStreamName="stream",
            logEvents=[{"timestamp": int(time.time() * 1000), "message": "x" * (n // 2 - 26 + n % 2)}] * 2,
        ),
        "InvalidParameterException",
    ),
    "logs.event-bytes": (
        # an event of the full size doesn't fit in a batch: 26 bytes more count
        lambda aws, n: aws.logs.put_log_events(
            logGroupName="group",
            logStreamName="stream",
            logEvents=[
                {
                    "timestamp": int(time.time() * 1000),
                    "message": "x" * (n if n > limit("logs.event-bytes") else n - 26),
                }
            ],
        ),
        "InvalidParameterException",
    ),
    "s3.key-bytes": (
        lambda aws, n: aws.s3.put_object(Bucket=aws.cloud.bucket, Key="é" * (n // 2) + "x" * (n % 2), Body=b""),
        "KeyTooLongError",
    ),
    "s3.metadata-bytes": (
        lambda aws, n: aws.s3.put_object(Bucket=aws.cloud.bucket, Key="k", Body=b"", Metadata={"a": "x" * (n - 1)}),
        "MetadataTooLarge",
    ),
    "s3.policy-bytes": (
        lambda aws, n: aws.s3.put_bucket_policy(Bucket=aws.cloud.bucket, Policy=aws.bucket_policy(n)),
        "PolicyTooLarge",
    ),
    "sagemaker.invoke-bytes": (
        lambda aws, n: aws.sagemaker_runtime.invoke_endpoint(EndpointName="none", Body=b"x" * n),
        "ValidationError",
    ),
    "scheduler.input-bytes": (schedule, "ValidationException"),
    "secretsmanager.secret-bytes": (
        lambda aws, n: aws.secretsmanager.create_secret(Name=aws.name(), SecretString="x" * n),
        "ValidationException",
    ),
    "sns.message-bytes": (lambda aws, n: aws.sns.publish(TopicArn=aws.topic, Message="x" * n), "InvalidParameter"),
    "sns.subject-characters": (
        lambda aws, n: aws.sns.publish(TopicArn=aws.topic, Message="x", Subject="x" * n),
        "InvalidParameter",
    ),
    "sns.topic-name-characters": (lambda aws, n: aws.sns.create_topic(Name="x" * n), "InvalidParameter"),
    "sqs.batch-bytes": (
        lambda aws, n: aws.sqs.send_message_batch(
            QueueUrl=aws.queue,
            Entries=many(2, lambda index: {"Id": str(index), "MessageBody": "x" * (n // 2 + n % 2 * (index == 0))}),
        ),
        "AWS.SimpleQueueService.BatchRequestTooLong",
    ),
    "sqs.message-bytes": (
        lambda aws, n: aws.sqs.send_message(QueueUrl=aws.queue, MessageBody="x" * n),
        "InvalidParameterValue",
    ),
    "sqs.queue-name-characters": (lambda aws, n: aws.sqs.create_queue(QueueName="x" * n), "InvalidParameterValue"),
    "states.definition-bytes": (
        lambda aws, n: aws.stepfunctions.create_state_machine(
            name=aws.name(),
            roleArn=aws.cloud.role(aws.name(), "states"),
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}'.ljust(n),
        ),
        "ValidationException",
    ),
    "states.name-characters": (
        lambda aws, n: aws.stepfunctions.create_state_machine(
            name="x" * n,
            definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
            roleArn=aws.cloud.role(aws.name(), "states"),
        ),
        "ValidationException",
    ),
    "states.payload-bytes": (lambda aws, n: aws.state(n), "States.DataLimitExceeded"),
}
