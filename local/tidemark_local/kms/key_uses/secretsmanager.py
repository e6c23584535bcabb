"""Secrets Manager: reading a secret value decrypts its data key, storing one generates it.

GetSecretValue calls Decrypt; CreateSecret, PutSecretValue and UpdateSecret with a value call GenerateDataKey; "when you
establish or change the CMK that is associated with secret, Secrets Manager calls the GenerateDataKey and Decrypt
operations", with `SecretVersionId` RequestToValidateKeyAccess. The encryption context is `SecretARN` and
`SecretVersionId` (https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html). The error's
text is in https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/issues/53.
"""

from typing import Any

from ...host.relies_on import ReliesOn
from ..keys import DECRYPT, GENERATE, KeyRefusal, KeyUse
from . import Request, json_answer, text

_VALUES = ("SecretString", "SecretBinary")
_VALIDATION = "RequestToValidateKeyAccess"


def uses(request: Request) -> list[KeyUse]:
    from ministack.services import secretsmanager

    operation, members = request.operation, request.members
    if operation == "BatchGetSecretValue":
        ids = [item for item in members.get("SecretIdList") or [] if isinstance(item, str)]
        found = [secret for item in ids if (secret := secretsmanager._resolve(item)[1])]
        return [use for secret in found for use in _uses(secret, "", DECRYPT)]
    if operation == "CreateSecret":
        return _uses({"KmsKeyId": text(members, "KmsKeyId")}, _VALIDATION, GENERATE, DECRYPT)
    secret = secretsmanager._resolve(text(members, "SecretId"))[1]
    if not secret:
        return []
    if operation == "GetSecretValue":
        stage = text(members, "VersionStage") or "AWSCURRENT"
        version = text(members, "VersionId") or secretsmanager._find_stage_version(secret, stage)[0]
        return _uses(secret, version or "", DECRYPT)
    if operation not in ("PutSecretValue", "UpdateSecret"):
        return []
    changed = {**secret, "KmsKeyId": text(members, "KmsKeyId")} if text(members, "KmsKeyId") else None
    validation = _uses(changed, _VALIDATION, GENERATE, DECRYPT) if changed else []
    written = any(members.get(name) for name in _VALUES)
    token = text(members, "ClientRequestToken")
    return validation + (_uses(changed or secret, token, GENERATE) if written else [])


def answer(refusal: KeyRefusal) -> tuple[int, dict[str, str], bytes]:
    if refusal.kind == "denied":
        return json_answer(400, "AccessDeniedException", "Access to KMS is not allowed")
    code = "DecryptionFailure" if refusal.use.action == DECRYPT else "EncryptionFailure"
    return json_answer(400, code, refusal.message)


def _uses(secret: dict[str, Any], version: str, *actions: str) -> list[KeyUse]:
    pairs = {"SecretARN": secret.get("ARN", ""), "SecretVersionId": version}
    context = {name: value for name, value in pairs.items() if value}
    key = secret.get("KmsKeyId")
    return [KeyUse(action, key, "secretsmanager", context) for action in actions] if key else []


RELIES_ON = [
    ReliesOn(
        "services.secretsmanager",
        functions={"_find_stage_version": "(secret, stage)", "_resolve": "(secret_id, use_arn_scope)"},
    )
]
