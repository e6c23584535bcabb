"""Whether a use of a customer managed KMS key is allowed: the key policy and the caller's identity policies decide.

"Determining access to AWS KMS keys": "every KMS key must have exactly one key policy"; identity policies count only
where the key policy lets the account use them
(https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html). A service that acts for its caller asks as
the caller, with `kms:ViaService`, `kms:CallerAccount` and the encryption context of the request
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html). AWS keeps plaintext data keys for minutes;
here every use is decided anew, so that a removed grant acts at once.
"""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn
from . import decisions

DECRYPT = "kms:Decrypt"
GENERATE = "kms:GenerateDataKey"
CREATE_GRANT = "kms:CreateGrant"
DESCRIBE = "kms:DescribeKey"
# KMS does not say who is refused what when it was given a ciphertext.
CIPHERTEXT = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
    "not allowed to access."
)
_STATES = {"DisabledException": "disabled", "KMSInvalidStateException": "invalid-state"}


@dataclass(frozen=True)
class KeyUse:
    """What a service asks of KMS while it serves a request."""

    action: str
    key: str
    """Id, ARN or alias, as the resource names it."""
    via: str
    """The service, e.g. `s3` for `kms:ViaService` s3.<region>.amazonaws.com."""
    encryption_context: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class KeyRefusal:
    """Why KMS refused."""

    kind: str
    """`denied`, `not-found`, `disabled` or `invalid-state`."""
    use: KeyUse
    key_arn: str
    principal: str
    """ARN of the user or session, or a service principal."""
    decision: str
    """As iam/audit.py writes it: ImplicitDeny or Deny; empty when no policy was asked."""
    message: str
    """KMS's words, the caller and the key by name."""

    @property
    def kms_message(self) -> str:
        """KMS's words as services pass them on: about a ciphertext they name neither the caller nor the key."""
        return CIPHERTEXT if self.kind == "denied" and self.use.action == DECRYPT else self.message


def refusal_for_caller(access_key_id: str, use: KeyUse, account: str, region: str) -> KeyRefusal | None:
    """None when the holder of these credentials may use the key so. Call it within the request's scope."""
    from ministack.core.iam_evaluator import AuthError, resolve_principal

    if is_managed_by_aws(use.key):
        return None
    key = _key(use)
    texts = None if isinstance(key, _Unusable) else decisions.texts(access_key_id, key, account)
    question = (use.action, use.key, use.via, *use.encryption_context.items())
    if decisions.known(question, texts):
        return None
    caller = resolve_principal(access_key_id, account)
    if isinstance(caller, AuthError):
        return None  # whoever signs wrongly is refused by the service itself
    if isinstance(key, _Unusable):
        return KeyRefusal(key.kind, use, use.key, caller.arn, "", key.message)
    refused = _decide(use, key, caller, account, region)
    if refused is None:
        decisions.keep(question, texts)
    return refused


def refusal_for_role(context: LocalContext, role_arn: str, use: KeyUse) -> KeyRefusal | None:
    """None when a service that works with the role, e.g. an event source mapping, may use the key so. Raises
    ValueError when no such role exists."""
    from ministack.core.responses import request_scope

    access_key = context.role_credentials(role_arn)["AWS_ACCESS_KEY_ID"]
    with request_scope(context.account, context.region):
        return refusal_for_caller(access_key, use, context.account, context.region)


def refusal_for_service(principal: str, use: KeyUse, source_arn: str, account: str, region: str) -> KeyRefusal | None:
    """None when the key policy lets an AWS service, e.g. `cloudwatch.amazonaws.com`, use the key on its own behalf.

    EventBridge sends no source: "Adding the aws:SourceAccount and aws:SourceArn to a AWS KMS policy is not supported
    for EventBridge-to-encrypted topics" (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
    """
    from ministack.core.iam_evaluator import evaluate_resource_policy

    if is_managed_by_aws(use.key):
        # Its policy lets principals of the account in, not services, and can't be changed.
        return _refused(use, use.key, principal, "ImplicitDeny", "resource")
    record = _key(use)
    if isinstance(record, _Unusable):
        return KeyRefusal(record.kind, use, use.key, principal, "", record.message)
    keys = {} if principal == "events.amazonaws.com" else {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    asked = _request(use, record["Arn"], region, "*", "Service", "", keys)
    decision = evaluate_resource_policy(record.get("Policy"), asked, service=principal).decision
    return None if decision == "Allow" else _refused(use, record["Arn"], principal, decision, "resource")


def is_managed_by_aws(key: str) -> bool:
    """Whether the name is that of an AWS managed key: "The key policy on the AWS managed key gives all users in the
    account permission to use" it (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html)."""
    return not key or "alias/aws/" in key


def _decide(use: KeyUse, record: dict[str, Any], caller: Any, account: str, region: str) -> KeyRefusal | None:
    from ministack.core.iam_evaluator import EvalResult, combine_resource_policy, evaluate

    arn = record["Arn"]
    asked = _request(use, arn, region, caller.arn, caller.type, caller.account, {}, caller.keys)
    # The account's root user has every permission that the key policy gives to the account.
    identity = (
        EvalResult("Allow", caller.arn) if caller.policies is None else evaluate(asked, caller.policies, *caller.limits)
    )
    result = combine_resource_policy(
        identity, asked, record.get("Policy"), account, required=True, limits=tuple(caller.limits)
    )
    if result.decision == "Allow" or (result.decision != "Deny" and _granted(record, use, caller.arn)):
        return None
    by = "identity" if identity.decision != "Allow" and not result.resource_policy_arn else "resource"
    return _refused(use, arn, caller.arn, result.decision, by)


def _request(
    use: KeyUse,
    key_arn: str,
    region: str,
    principal: str,
    kind: str,
    account: str,
    keys: dict[str, Any],
    principal_keys: dict[str, Any] | None = None,
) -> Any:
    from ministack.core.iam_evaluator import EvalContext

    pairs = {f"kms:encryptioncontext:{name}".lower(): value for name, value in use.encryption_context.items()}
    return EvalContext(
        principal_arn=principal,
        principal_type=kind,
        principal_account=account,
        action=use.action,
        resource_arn=key_arn,
        region=region,
        secure_transport=True,
        service_context={
            "kms:viaservice": f"{use.via}.{region}.amazonaws.com",
            "kms:calleraccount": account or None,
            "kms:encryptioncontextkeys": list(use.encryption_context) or None,
            "kms:grantisforawsresource": "true" if use.action == CREATE_GRANT else None,
            "aws:tagkeys": None,
            **pairs,
            **keys,
        },
        principal_keys=principal_keys or {},
    )


class _Unusable(NamedTuple):
    kind: str
    message: str


def _key(use: KeyUse) -> dict[str, Any] | _Unusable:
    """The key's record, or why it can't be used whoever asks."""
    from ministack.services import kms

    record = kms._resolve_key(use.key)
    if record is None:
        return _Unusable("not-found", f"Key '{use.key}' does not exist")
    unusable = kms._check_key_state(record) if record["KeyState"] != "Enabled" else None
    if not unusable:
        return record
    body = json.loads(unusable[2])
    kind = _STATES.get(str(body.get("__type", "")).rsplit("#", 1)[-1], "invalid-state")
    return _Unusable(kind, str(body.get("message", "")))


def _granted(record: dict[str, Any], use: KeyUse, principal: str) -> bool:
    """Whether a grant on the key lets the caller do it, its constraints kept
    (https://docs.aws.amazon.com/kms/latest/developerguide/grants.html)."""
    from ministack.core.iam_evaluator import _principal_matches
    from ministack.services import kms

    for grant in list(kms._grants.values()):
        if grant["KeyId"] != record["Arn"] or use.action.removeprefix("kms:") not in grant["Operations"]:
            continue
        limits = grant.get("Constraints") or {}
        subset, whole = limits.get("EncryptionContextSubset"), limits.get("EncryptionContextEquals")
        fits = (not subset or subset.items() <= use.encryption_context.items()) and (
            not whole or whole == use.encryption_context
        )
        if fits and _principal_matches({"AWS": grant["GranteePrincipal"]}, principal):
            return True
    return False


def _refused(use: KeyUse, arn: str, principal: str, decision: str, by: str) -> KeyRefusal:
    why = (
        f"with an explicit deny in {'a resource' if by == 'resource' else 'an identity'}-based policy"
        if decision == "Deny"
        else f"because no {by}-based policy allows the {use.action} action"
    )
    message = f"User: {principal} is not authorized to perform: {use.action} on resource: {arn} {why}"
    return KeyRefusal("denied", use, arn, principal, decision, message)


RELIES_ON = [
    ReliesOn(
        "core.iam_evaluator",
        functions={
            "_principal_matches": "(principal, caller_arn)",
            "combine_resource_policy": "(identity, ctx, policy, owner_account, required, limits)",
            "evaluate": "(ctx, policies, limits)",
            "evaluate_resource_policy": "(doc, ctx, service, named_only, direct_only)",
            "resolve_principal": "(access_key_id, account_id, credential)",
        },
    ),
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn(
        "services.kms", functions={"_check_key_state": "(rec)", "_resolve_key": "(key_id_or_arn)"}, values=["_grants"]
    ),
]
