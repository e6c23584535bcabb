"""Kinesis: "Your Kinesis stream producers must have the kms:GenerateDataKey permission", consumers kms:Decrypt.

"Kinesis Data Streams uses the stream ARN as the encryption context in all AWS KMS calls"
(https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html). The errors are those of the API model;
the text for consumers is from
https://github.com/spring-attic/spring-cloud-stream-binder-aws-kinesis/pull/188.
"""

from typing import Any

from ...host.relies_on import ReliesOn
from ..keys import DECRYPT, GENERATE, KeyRefusal, KeyUse
from . import Request, json_answer, text

_WRITES = {"PutRecord", "PutRecords"}
_CODES = {
    "denied": "KMSAccessDeniedException",
    "not-found": "KMSNotFoundException",
    "disabled": "KMSDisabledException",
    "invalid-state": "KMSInvalidStateException",
}


def uses(request: Request) -> list[KeyUse]:
    stream, action = _stream(request)
    use = use_of_stream(stream, action) if stream else None
    return [use] if use else []


def use_of_stream(stream: dict[str, Any], action: str) -> KeyUse | None:
    """What a producer (kms:GenerateDataKey) or consumer (kms:Decrypt) of the stream asks of its key."""
    if stream.get("EncryptionType") != "KMS" or not stream.get("KeyId"):
        return None
    return KeyUse(action, stream["KeyId"], "kinesis", {"aws:kinesis:arn": stream["StreamARN"]})


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    return json_answer(400, _CODES[refusal.kind], message(refusal))


def message(refusal: KeyRefusal) -> str:
    if refusal.kind == "denied" and refusal.use.action == DECRYPT:
        stream = refusal.use.encryption_context.get("aws:kinesis:arn", "").rsplit("/", 1)[-1]
        return f"User {refusal.principal} is not authorized to decrypt records in stream {stream}"
    return refusal.message


def _stream(request: Request) -> tuple[dict[str, Any] | None, str]:
    from ministack.services import kinesis

    if request.operation in _WRITES:
        return kinesis._resolve_stream(request.members)[1], GENERATE
    if request.operation == "GetRecords":
        state = kinesis._shard_iterators.get(text(request.members, "ShardIterator"))
        return (kinesis._streams.get(state["stream"]) if state else None), DECRYPT
    if request.operation == "SubscribeToShard":
        consumer = kinesis._consumer_from_arn(text(request.members, "ConsumerARN")) or {}
        return kinesis._resolve_stream_by_arn(consumer.get("StreamARN", "")), DECRYPT
    return None, ""


RELIES_ON = [
    ReliesOn(
        "services.kinesis",
        functions={
            "_consumer_from_arn": "(consumer_arn)",
            "_resolve_stream": "(data)",
            "_resolve_stream_by_arn": "(stream_arn)",
        },
        values=["_shard_iterators", "_streams"],
    )
]
