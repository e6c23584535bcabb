"""Subscriptions of log groups to functions: by the function's permission and through its queue.

"Using subscription filters": the function gets the lines in gzip and base64, and "CloudWatch Logs … needs permission to
execute your function" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). The call is
asynchronous, so what fails is tried twice more and ends in the dead-letter queue
(https://docs.aws.amazon.com/lambda/latest/dg/services-cloudwatchlogs.html). What the permission refuses is dropped.
"""

import base64
import gzip
import json
import logging
import time
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch_logs

from ..deliveries.sending import Sender, Undelivered, send_as_service
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

logger = logging.getLogger("tidemark.logs")
LOGS = "logs.amazonaws.com"


def register(context: LocalContext) -> None:
    """Takes over what subscriptions send to functions. Call it once."""

    def fan_out(group: str, stream: str, events: list[dict[str, Any]]) -> None:
        found = cloudwatch_logs._log_groups.get(group) or {}
        for subscription in (found.get("subscriptionFilters") or {}).values():
            function = subscription.get("destinationArn", "")
            # A function that is subscribed to its own log would call itself for ever.
            if ":function:" not in function or group == f"/aws/lambda/{function.split(':function:')[-1].split(':')[0]}":
                continue
            lines = [event for event in events if _matches(subscription, event)]
            if lines:
                _send(context, subscription, group, stream, lines)

    cloudwatch_logs._fanout_to_subscription_filters = fan_out


def _matches(subscription: dict[str, Any], event: dict[str, Any]) -> bool:
    pattern = subscription.get("filterPattern", "")
    return cloudwatch_logs._subscription_pattern_matches(pattern, event.get("message", ""))


def _send(context: LocalContext, subscription: dict[str, Any], group: str, stream: str, lines: list[dict]) -> None:
    now, account = int(time.time() * 1000), get_account_id()
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": account,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [subscription.get("filterName", "")],
        "logEvents": [
            {
                # As on AWS: of 56 digits, and one line's own.
                "id": f"{now:020d}{index:036d}",
                "timestamp": line.get("timestamp", now),
                "message": line.get("message", ""),
            }
            for index, line in enumerate(lines)
        ],
    }
    data = base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()
    sender = Sender(LOGS, f"arn:aws:logs:{get_region()}:{account}:log-group:{group}:*")
    try:
        send_as_service(context, sender, subscription["destinationArn"], json.dumps({"awslogs": {"data": data}}))
    except Undelivered as error:
        logger.warning("the subscription %s reached nobody: %s", subscription.get("filterName"), error.message)


PLUGIN = Plugin(
    name="cloudwatch.log_subscriptions",
    service="CloudWatch Logs",
    words=__doc__,
    alone="Calls functions without asking, and never again when they fail.",
    register=register,
    operations=["logs:PutLogEvents"],
    relies_on=[
        ReliesOn("core.responses", functions={"get_account_id": "()", "get_region": "()"}),
        ReliesOn(
            "services.cloudwatch_logs",
            functions={
                "_fanout_to_subscription_filters": "(group_name, stream_name, events)",
                "_subscription_pattern_matches": "(pattern, message)",
            },
            values=["_log_groups"],
            has={"_put_log_events": ["_fanout_to_subscription_filters"]},
        ),
    ],
)
