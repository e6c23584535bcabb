"""SQS: "the producer must have the kms:GenerateDataKey and kms:Decrypt permissions", "the consumer must have the
kms:Decrypt permission" of the queue's key
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html).

The encryption context is `aws:sqs:arn`. The error `KMS.AccessDeniedException` and its text stand in
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-access-denied.html.
"""

import uuid

from ...host.relies_on import ReliesOn
from ..keys import DECRYPT, GENERATE, KeyRefusal, KeyUse
from . import Request, json_answer, passed_on, text

_SENDS = {"SendMessage", "SendMessageBatch"}
_CODES = {
    "denied": ("KmsAccessDenied", "KMS.AccessDeniedException"),
    "not-found": ("KmsNotFound", "KMS.NotFoundException"),
    "disabled": ("KmsDisabled", "KMS.DisabledException"),
    "invalid-state": ("KmsInvalidState", "KMS.KMSInvalidStateException"),
}


def uses(request: Request) -> list[KeyUse]:
    # Only the JSON protocol: the SDKs of today speak no other to SQS.
    if request.operation in _SENDS:
        return uses_of_queue(_arn(request), GENERATE, DECRYPT)
    if request.operation == "ReceiveMessage":
        return uses_of_queue(_arn(request), DECRYPT)
    return []


def uses_of_queue(arn: str, *actions: str) -> list[KeyUse]:
    """What a producer (kms:GenerateDataKey, kms:Decrypt) or a consumer (kms:Decrypt) asks of the queue's key."""
    from ministack.services import sqs

    queue = sqs._queue_by_arn(arn) if arn else None
    key = ((queue or {}).get("attributes") or {}).get("KmsMasterKeyId")
    return [KeyUse(action, key, "sqs", {"aws:sqs:arn": arn}) for action in actions] if key else []


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    code, query_code = _CODES[refusal.kind]
    message = passed_on(refusal, str(uuid.uuid4()))
    return json_answer(400, f"com.amazonaws.sqs#{code}", message, **{"x-amzn-query-error": f"{query_code};Sender"})


def _arn(request: Request) -> str:
    account, _, name = text(request.members, "QueueUrl").rstrip("/").rpartition("/")
    return f"arn:aws:sqs:{request.region}:{account.rsplit('/', 1)[-1]}:{name}"


RELIES_ON = [ReliesOn("services.sqs", functions={"_queue_by_arn": "(arn)"})]
