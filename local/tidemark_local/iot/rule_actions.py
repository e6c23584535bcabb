"""Actions of topic rules: a function is called by its permission and through its queue, a queue with the rule's role.

- "AWS IoT … needs permission to invoke the Lambda function": its resource policy decides, and the call is asynchronous
  (https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html);
- "If a problem occurs when triggering an action … the error action is triggered" with the message's own bytes in
  `base64OriginalPayload` (https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html);
- a queue is written to with the role of the action
  (https://docs.aws.amazon.com/iot/latest/developerguide/sqs-rule-action.html).

Other actions stay with the emulator.
"""

import asyncio
import json
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iot

from ..deliveries.sending import Sender, Undelivered, send_as_service, send_with_role
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession
from ..iam.assume_role import may_assume

IOT = "iot.amazonaws.com"


def register(context: LocalContext) -> None:
    """Takes over the actions to functions and queues. Call it once."""
    others = iot._dispatch_rule_action

    async def dispatch(account_id: str, region: str, rule_name: str, action: dict[str, Any], event: Any) -> None:
        function, queue = (action.get("lambda") or {}).get("functionArn"), action.get("sqs")
        if not function and not queue:
            await others(account_id, region, rule_name, action, event)
            return
        with request_scope(account_id, region):
            rule_arn = iot._topic_rule_arn(rule_name)
            if function:
                sender = Sender(IOT, rule_arn)
                await asyncio.to_thread(send_as_service, context, sender, function, json.dumps(event))
            else:
                # The role's call comes back to this process, whose loop must not wait for it.
                await asyncio.to_thread(_to_queue, context, rule_arn, queue or {}, event)

    iot._dispatch_rule_action = dispatch


def _to_queue(context: LocalContext, rule_arn: str, action: dict[str, Any], event: Any) -> None:
    role = action.get("roleArn", "")
    if not may_assume(context, role, IOT, rule_arn):
        raise Undelivered("FAILED_TO_ASSUME_ROLE", f"Role {role} cannot be assumed by principal '{IOT}'.")
    account, name = action["queueUrl"].rstrip("/").split("/")[-2:]
    arn = f"arn:aws:sqs:{context.region}:{account}:{name}"
    send_with_role(RoleSession(context, role), arn, event if isinstance(event, str) else json.dumps(event))


PLUGIN = Plugin(
    name="iot.rule_actions",
    service="AWS IoT Core",
    words=__doc__,
    alone="Calls functions without asking, never again when they fail, and writes to queues without a role.",
    register=register,
    operations=["iot-data:Publish"],
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn(
            "services.iot",
            functions={
                "_dispatch_rule_action": "(account_id, region, rule_name, action, event)",
                "_topic_rule_arn": "(name)",
            },
            has={
                "_run_rule_actions": ["_dispatch_rule_action"],
                "_dispatch_rule_error_action": ["_dispatch_rule_action"],
            },
        ),
    ],
)
