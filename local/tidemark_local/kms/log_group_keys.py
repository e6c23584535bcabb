"""A log group's key must let CloudWatch Logs of the region in.

"Set permissions on the KMS key": its policy names `logs.<region>.amazonaws.com`, with the log group as
`kms:EncryptionContext:aws:logs:arn` (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html).
The page lists more actions than are asked about here: which of them a new group needs is not said. The error stands in
https://github.com/hashicorp/terraform-provider-aws/issues/29282.
"""

from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..iam import audit
from .keys import DECRYPT, GENERATE, KeyUse, refusal_for_service

_KIND = "AWS::Logs::LogGroup"


def register(context: LocalContext) -> None:
    """Asks for the key of each log group that is made or changed. Call it once, before requests are served."""
    create = cloudwatch_logs._create_log_group

    def create_with_key(data: dict[str, Any]):
        refused = refusal(context, data.get("logGroupName", ""), data.get("kmsKeyId"))
        return error_response_json("AccessDeniedException", refused, 400) if refused else create(data)

    cloudwatch_logs._create_log_group = create_with_key
    handlers = provisioners._RESOURCE_HANDLERS[_KIND]
    create_by_template, update_by_template = handlers["create"], handlers["update"]

    def create_by_template_with_key(logical_id: str, properties: dict[str, Any], stack_name: str):
        name = properties.get("LogGroupName") or f"/aws/cloudformation/{stack_name}/{logical_id}"
        refused = refusal(context, name, properties.get("KmsKeyId"))
        if refused:
            raise ValueError(refused)
        return create_by_template(logical_id, properties, stack_name)

    def update_by_template_with_key(physical_id: str, old: dict, new: dict, stack_name: str, *more: Any, **named: Any):
        refused = refusal(context, new.get("LogGroupName") or physical_id, new.get("KmsKeyId"))
        if refused:
            raise ValueError(refused)
        return update_by_template(physical_id, old, new, stack_name, *more, **named)

    handlers.update(create=create_by_template_with_key, update=update_by_template_with_key)


def refusal(context: LocalContext, group: str, key: str | None) -> str | None:
    """None when the group needs no key or its key lets CloudWatch Logs in, else AWS's words. It is recorded."""
    if not key:
        return None
    account, region = get_account_id(), get_region()
    arn, principal = f"arn:aws:logs:{region}:{account}:log-group:{group}", f"logs.{region}.amazonaws.com"
    for action in (GENERATE, DECRYPT):
        use = KeyUse(action, key, "logs", {"aws:logs:arn": arn})
        refused = refusal_for_service(principal, use, arn, account, region)
        if refused:
            audit.record(context, principal, action, refused.key_arn, refused.decision or refused.kind)
            return f"The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"
    return None


PLUGIN = Plugin(
    name="kms.log_group_keys",
    service="KMS",
    words=__doc__,
    alone="Takes any key for a log group.",
    register=register,
    operations=["logs:CreateLogGroup"],
    templates={"AWS::Logs::LogGroup": ["create"]},
    relies_on=[
        ReliesOn("services.cloudformation.provisioners", values=["_RESOURCE_HANDLERS"]),
        ReliesOn(
            "services.cloudwatch_logs",
            functions={"_create_log_group": "(data)"},
            has={"handle_request": ["_create_log_group"]},
        ),
    ],
)
