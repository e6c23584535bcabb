"""Actions of alarms: the message a topic gets, and the topic's policy that lets CloudWatch publish or not.

"If your trigger action fails because of SNS access policy restrictions, then the CloudWatch alarm history displays a
message": `Failed to execute action <topic>. Received error: "Resource: <alarm> is not authorized to perform:
SNS:Publish …"` (https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger). A topic made without a
policy has one that lets the account's services publish; a policy of one's own replaces it.
"""

import json
import logging
import time
from functools import cache
from typing import Any

from ministack.services import cloudwatch

from ..deliveries.sending import Undelivered, publish
from ..deliveries.service_calls import ServiceCall, refusal
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from . import alarm_events
from .alarm_events import stamp

logger = logging.getLogger("tidemark.alarms")
CLOUDWATCH = "cloudwatch.amazonaws.com"
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def register(context: LocalContext) -> None:
    """Takes over the actions of alarms on topics. Call it once."""

    def dispatch(alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
        alarm_events.announce(context, alarm, old, new, reason)
        if not alarm.get("ActionsEnabled", True):
            return
        for action in alarm.get(_ACTIONS.get(new, "")) or []:
            if cloudwatch._is_sns_action_arn(action):
                _notify(context, alarm, action, message_of(context, alarm, old, new, reason))

    cloudwatch._dispatch_alarm_actions = dispatch


def message_of(context: LocalContext, alarm: dict[str, Any], old: str, new: str, reason: str) -> dict[str, Any]:
    """What a topic is told of a change of state, in the members and words that were recorded on AWS."""
    metric = bool(alarm.get("MetricName"))
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": context.account,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm.get("AlarmConfigurationUpdatedTimestamp")),
        "NewStateValue": new,
        "NewStateReason": reason,
        "StateChangeTime": stamp(time.time()),
        "Region": region_name(context.region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        "ActionExecutedAfterMuteWindow": False,
        **({"Trigger": _trigger(alarm)} if metric else {"AlarmRule": alarm.get("AlarmRule", "")}),
    }


def _trigger(alarm: dict[str, Any]) -> dict[str, Any]:
    extended = alarm.get("ExtendedStatistic")
    statistic = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
    if not extended:
        statistic = {"StatisticType": "Statistic", "Statistic": _snake(alarm.get("Statistic") or "Average")}
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": item["Value"], "name": item["Name"]} for item in alarm.get("Dimensions") or []],
        "Period": int(alarm.get("Period") or 60),
        "EvaluationPeriods": int(alarm.get("EvaluationPeriods") or 1),
        **({"DatapointsToAlarm": int(alarm["DatapointsToAlarm"])} if alarm.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": alarm.get("ComparisonOperator", ""),
        "Threshold": float(alarm.get("Threshold") or 0),
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile") or "",
    }


def _notify(context: LocalContext, alarm: dict[str, Any], topic: str, message: dict[str, Any]) -> None:
    subject = f'{message["NewStateValue"]}: "{alarm["AlarmName"]}" in {message["Region"]}'[:100]
    refused = refusal(context, ServiceCall(CLOUDWATCH, "sns:Publish", topic, alarm["AlarmArn"]))
    error = refused and in_words_of_alarms(refused, alarm["AlarmArn"])
    if not error:
        try:
            publish(topic, json.dumps(message), subject)
        except Undelivered as failure:
            error = failure.message
    if error:
        logger.warning("%s could not notify: %s", alarm["AlarmName"], error)
    _record(alarm, topic, message, error)


def in_words_of_alarms(refused: str, alarm_arn: str) -> str:
    """The refusal as an alarm's history has it: it names the alarm, not the service, and SNS in capitals."""
    return refused.replace(f"User: {CLOUDWATCH}", f"Resource: {alarm_arn}", 1).replace("sns:Publish", "SNS:Publish")


def _record(alarm: dict[str, Any], topic: str, message: dict[str, Any], error: str | None) -> None:
    """One history item of type Action."""
    done = f"Successfully executed action {topic}"
    summary = f'Failed to execute action {topic}. Received error: "{error}"' if error else done
    data = {
        "actionState": "Failed" if error else "Succeeded",
        "stateUpdateTimestamp": int(time.time() * 1000),
        "notificationResource": topic,
        "publishedMessage": None if error else json.dumps({"default": json.dumps(message)}),
        "error": error,
    }
    cloudwatch._history_entries().append(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmType": "MetricAlarm" if alarm.get("MetricName") else "CompositeAlarm",
            "Timestamp": cloudwatch._ts_iso(time.time()),
            "HistoryItemType": "Action",
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )


@cache
def region_name(region: str) -> str:
    """The region in the words of alarm messages: `US East (N. Virginia)`, which botocore's endpoint data have."""
    from botocore.loaders import Loader

    for partition in Loader().load_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return partition["regions"][region]["description"]
    return region


def _snake(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() and index else letter for index, letter in enumerate(name)).upper()


PLUGIN = Plugin(
    name="cloudwatch.alarm_actions",
    service="CloudWatch",
    words=__doc__,
    alone="Publishes without asking the policy of the topic.",
    register=register,
    operations=["cloudwatch:SetAlarmState"],
    relies_on=[
        ReliesOn(
            "services.cloudwatch",
            functions={
                "_dispatch_alarm_actions": "(alarm, old_state, new_state, reason)",
                "_history_entries": "()",
                "_is_sns_action_arn": "(action)",
                "_ts_iso": "(epoch)",
            },
            has={"_set_alarm_state": ["_dispatch_alarm_actions"]},
        )
    ],
)
