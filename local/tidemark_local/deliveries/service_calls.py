"""Whether an AWS service may act on a resource: the resource's own policy decides, as the identity is the service's,
and the policy of the key that encrypts the resource.

"Policy evaluation logic": a service principal has no identity policy, so an Allow must stand in the policy of the
topic, queue or function
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
"""

from dataclasses import dataclass
from typing import Any

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn
from ..iam import audit
from ..kms.key_uses import sns, sqs
from ..kms.keys import DECRYPT, GENERATE, KeyUse, refusal_for_service


@dataclass(frozen=True)
class ServiceCall:
    """A service's call on its own behalf, e.g. an alarm that publishes to a topic."""

    principal: str
    """The service principal, e.g. `cloudwatch.amazonaws.com`."""
    action: str
    """The IAM action, e.g. `sns:Publish`."""
    resource_arn: str
    source_arn: str
    """For `aws:SourceArn`: the alarm, rule, schedule or topic on whose behalf the service calls."""


def refusal(context: LocalContext, call: ServiceCall) -> str | None:
    """None when the call is allowed, else AWS's words for why not; a refusal is written down (iam/audit.py)."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import request_scope

    with request_scope(context.account, context.region):
        found = iam_evaluator._resource_policy(call.action.split(":")[0], call.resource_arn)
        policy = found[0] if found else None
        decision = iam_evaluator.evaluate_resource_policy(
            policy, _evaluation(context, call), service=call.principal
        ).decision
    if decision == "Allow":
        return _key_refusal(context, call)
    audit.record(context, call.principal, call.action, call.resource_arn, decision)
    why = (
        "with an explicit deny in a resource-based policy"
        if decision == "Deny"
        else f"because no resource-based policy allows the {call.action} action"
    )
    return f"User: {call.principal} is not authorized to perform: {call.action} on resource: {call.resource_arn} {why}"


def _key_refusal(context: LocalContext, call: ServiceCall) -> str | None:
    """What a service that writes to an encrypted topic or queue needs of its key: kms:GenerateDataKey and kms:Decrypt
    by the key policy (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html)."""
    from ministack.core.responses import request_scope

    with request_scope(context.account, context.region):
        for use in _key_uses(call):
            refused = refusal_for_service(call.principal, use, call.source_arn, context.account, context.region)
            if refused:
                audit.record(context, call.principal, use.action, refused.key_arn, refused.decision or refused.kind)
                return refused.message
    return None


def _key_uses(call: ServiceCall) -> list[KeyUse]:
    if call.action == "sns:Publish":
        return sns.uses_of_topic(call.resource_arn)
    if call.action == "sqs:SendMessage":
        return sqs.uses_of_queue(call.resource_arn, GENERATE, DECRYPT)
    return []


def _evaluation(context: LocalContext, call: ServiceCall) -> Any:
    from ministack.core.iam_evaluator import EvalContext

    return EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=call.action,
        resource_arn=call.resource_arn,
        region=context.region,
        secure_transport=True,
        service_context={
            "aws:sourcearn": call.source_arn,
            "aws:sourceaccount": context.account,
            "aws:sourceowner": context.account,
        },
    )


RELIES_ON = [
    ReliesOn(
        "core.iam_evaluator",
        functions={
            "_resource_policy": "(service, resource_arn)",
            "evaluate_resource_policy": "(doc, ctx, service, named_only, direct_only)",
        },
    ),
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
]
