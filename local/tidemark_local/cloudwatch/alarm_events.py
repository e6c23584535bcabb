"""Changes of alarms' states on EventBridge.

CloudWatch tells each of them, whether the alarm has actions or not; the members are those of the examples in
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html. The reason and the time
of the state before are not kept, and left out.
"""

import time
from datetime import UTC, datetime
from typing import Any

from ..eventbridge import state_events
from ..host.context import LocalContext

_KIND = "CloudWatch Alarm State Change"


def announce(context: LocalContext, alarm: dict[str, Any], old: str, new: str, reason: str) -> None:
    """Puts one change on the default bus."""
    state = {"value": new, "reason": reason, "timestamp": stamp(time.time())}
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": {"value": old},
        "configuration": _configuration(alarm),
    }
    state_events.announce(context, "aws.cloudwatch", _KIND, detail, [alarm["AlarmArn"]])


def _configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if not alarm.get("MetricName"):
        return {**described, **({"alarmRule": alarm["AlarmRule"]} if alarm.get("AlarmRule") else {})}
    metric = {
        "namespace": alarm["Namespace"],
        "name": alarm["MetricName"],
        "dimensions": {item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []},
    }
    measured = {
        "metric": metric,
        "period": int(alarm.get("Period") or 60),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
    }
    return {**described, "metrics": [{"id": "m1", "metricStat": measured, "returnData": True}]}


def stamp(seconds: Any) -> str:
    """As alarms write times: 2026-03-01T12:00:00.000+0000."""
    moment = datetime.fromtimestamp(float(seconds or 0), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
