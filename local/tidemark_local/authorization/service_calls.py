"""Whether an AWS service may act on a resource: the resource's own policy decides, as the identity is the service's.

"Policy evaluation logic": a service principal has no identity policy, so an Allow must stand in the policy of the
topic, queue or function
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
"""

from dataclasses import dataclass
from typing import Any

from .. import audit
from ..context import LocalContext


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
    """None when the call is allowed, else AWS's words for why not; a refusal is written down (audit.py)."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import request_scope

    with request_scope(context.account, context.region):
        found = iam_evaluator._resource_policy(call.action.split(":")[0], call.resource_arn)
        policy = found[0] if found else None
        decision = iam_evaluator.evaluate_resource_policy(
            policy, _evaluation(context, call), service=call.principal
        ).decision
    if decision == "Allow":
        return None
    audit.record(context, call.principal, call.action, call.resource_arn, decision)
    why = (
        "with an explicit deny in a resource-based policy"
        if decision == "Deny"
        else f"because no resource-based policy allows the {call.action} action"
    )
    return f"User: {call.principal} is not authorized to perform: {call.action} on resource: {call.resource_arn} {why}"


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
