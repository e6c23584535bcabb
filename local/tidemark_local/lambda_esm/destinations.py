"""On-failure destinations: the invocation record, and its delivery with the function's role.

"Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
(https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html): SQS and SNS get metadata; S3 gets
the whole event in `payload` as well, under `aws/lambda/<ESM-UUID>/<shardID>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<Random
UUID>`.
"""

import json
import uuid
from datetime import datetime
from typing import Any

from ..deliveries.sending import queue_url
from .lane import Discard
from .sources import iso


def invocation_record(discard: Discard, source: Any, shard_id: str, function_arn: str, now: float) -> dict[str, Any]:
    """The metadata document of one discard; `now` in seconds. Records that got too old have no responseContext, also
    after invocations."""
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function_arn,
            "condition": discard.condition,
            "approximateInvokeCount": discard.invocations,
        }
    }
    if discard.last is not None:
        document["responseContext"] = {
            "statusCode": 200 if discard.last.invoked else 429,
            "executedVersion": discard.last.version,
            "functionError": discard.last.error,
        }
    document |= {
        "version": "1.0",
        "timestamp": iso(now),
        source.batch_info: source.discarded(shard_id, discard.records),
    }
    return document


def deliver(
    session: Any, source: Any, destination: str, document: dict[str, Any], discard: Discard, mapping: str, shard_id: str
) -> None:
    """Sends an invocation record to an SQS queue, SNS topic or S3 bucket by its ARN. Raises what the service raises,
    and ValueError for another kind of ARN."""
    service = (destination.split(":") + [""] * 3)[2]
    body = json.dumps(document)
    if service == "s3":
        payload = source.payload(discard.records)
        body = json.dumps(
            document | {"payload": json.dumps(payload, ensure_ascii=False, default=str)}, ensure_ascii=False
        )
        moment = datetime.strptime(document["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
        key = f"aws/lambda/{mapping}/{shard_id}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
        session.client("s3").put_object(Bucket=destination.rsplit(":", 1)[-1], Key=key, Body=body.encode())
    elif service == "sqs":
        client = session.client("sqs")
        client.send_message(QueueUrl=queue_url(client, destination), MessageBody=body)
    elif service == "sns":
        session.client("sns").publish(TopicArn=destination, Message=body)
    else:
        raise ValueError(
            f"on-failure destination {destination} is not supported: use the ARN of a queue, topic or bucket"
        )
