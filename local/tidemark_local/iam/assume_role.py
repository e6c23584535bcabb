"""Whether an AWS service may assume a role: the role's trust policy decides, with the service's source conditions.

"The confused deputy problem" (https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html): a service gives
`aws:SourceArn` and `aws:SourceAccount` when it assumes a role on behalf of one of its resources.
"""

import json

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn


def may_assume(context: LocalContext, role_arn: str, principal: str, source_arn: str) -> bool:
    """False also for a role that does not exist. `source_arn` is the resource on whose behalf the service acts."""
    from ministack.core import iam_evaluator
    from ministack.core.responses import request_scope
    from ministack.services import iam

    with request_scope(context.account, context.region):
        role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    document = (role or {}).get("AssumeRolePolicyDocument") or {}
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    keys = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=context.region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": context.account},
    )
    # A trust policy names no resource: the role itself is meant.
    policy = {"Statement": [{**statement, "Resource": "*"} for statement in statements]}
    return iam_evaluator.evaluate_resource_policy(policy, keys, service=principal).decision == "Allow"


RELIES_ON = [
    ReliesOn(
        "core.iam_evaluator", functions={"evaluate_resource_policy": "(doc, ctx, service, named_only, direct_only)"}
    ),
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("services.iam", values=["_roles"]),
]
