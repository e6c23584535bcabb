"""SNS: "The publisher must have the kms:GenerateDataKey and kms:Decrypt permissions for the AWS KMS key"
(https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html); the encryption context is `aws:sns:topicArn`
(https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html). Codes are those of the API model; the text
is in https://github.com/aws/aws-cdk/issues/24337.
"""

import uuid

from ...host.relies_on import ReliesOn
from ..keys import DECRYPT, GENERATE, KeyRefusal, KeyUse
from . import Request, passed_on

_CODES = {
    "denied": "KMSAccessDenied",
    "not-found": "KMSNotFound",
    "disabled": "KMSDisabled",
    "invalid-state": "KMSInvalidState",
}


def uses(request: Request) -> list[KeyUse]:
    parameters = request.parameters
    if parameters.get("Action") not in ("Publish", "PublishBatch"):
        return []
    return uses_of_topic(parameters.get("TopicArn") or parameters.get("TargetArn") or "")


def uses_of_topic(arn: str) -> list[KeyUse]:
    """What a publisher asks of the topic's key."""
    from ministack.services import sns

    topic = sns._topic_by_arn_any_scope(arn) if arn else None
    key = ((topic or {}).get("attributes") or {}).get("KmsMasterKeyId")
    if not key:
        return []
    return [KeyUse(action, key, "sns", {"aws:sns:topicArn": arn}) for action in (GENERATE, DECRYPT)]


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    from ministack.services import sns

    return sns._error(_CODES[refusal.kind], passed_on(refusal, str(uuid.uuid4())), 400)


RELIES_ON = [
    ReliesOn("services.sns", functions={"_error": "(code, message, status)", "_topic_by_arn_any_scope": "(topic_arn)"})
]
