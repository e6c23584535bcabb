"""What an event source mapping needs each time it reads: its function's role may use the stream's key.

"AWS Lambda use roles to consume Kinesis streams. Make sure to add the kms:Decrypt permission to the roles that these
consumers use" (https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html). The poller reads the
emulator's stores, so it asks here. That the role may read the stream at all is tried once, by calls
(lambda_esm/sources.py).
"""

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn
from ..iam import audit
from .key_uses import dynamodb, kinesis
from .keys import DECRYPT, KeyUse, refusal_for_role


def refusal(context: LocalContext, source_arn: str, role_arn: str) -> str | None:
    """None when the role may use the key of the stream, else the message of the service's error. A refusal is
    recorded."""
    use = _use(context, source_arn)
    try:
        refused = refusal_for_role(context, role_arn, use) if use else None
    except ValueError as gone:
        return str(gone)
    if refused is None:
        return None
    audit.record(context, refused.principal, refused.use.action, refused.key_arn, refused.decision or refused.kind)
    return kinesis.message(refused) if source_arn.split(":")[2] == "kinesis" else dynamodb.message(refused)


def _use(context: LocalContext, source_arn: str) -> KeyUse | None:
    from ministack.core.responses import request_scope
    from ministack.services import kinesis as streams

    with request_scope(context.account, context.region):
        if source_arn.split(":")[2] == "dynamodb":
            return dynamodb.use_of_table(source_arn.split(":", 5)[5].split("/")[1], context.account)
        stream = streams._resolve_stream_by_arn(source_arn)
        return kinesis.use_of_stream(stream, DECRYPT) if stream else None


RELIES_ON = [
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("services.kinesis", functions={"_resolve_stream_by_arn": "(stream_arn)"}),
]
