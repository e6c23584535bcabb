"""States of metric alarms.

The emulator pools every dimension of a metric, looks at one mean over all periods, and only when PutMetricData is
called. Here an alarm sees its own metric, period by period: "Evaluating an alarm" and "Configuring how CloudWatch
alarms treat missing data" (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html). Alarms on metric math,
whose metrics the emulator forgets, are computed by metric_math.py.
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

from ministack.services import cloudwatch

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from . import metric_math
from .alarm_reasons import reason_data, reason_of

_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


_time_scale = 1.0


def register(context: LocalContext) -> None:
    """Takes over the evaluation of metric alarms, with periods as long as the launcher's time scale says. Call it
    once."""
    global _time_scale
    _time_scale = context.time_scale
    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._put_metric_alarm = _keeping_metrics(cloudwatch._put_metric_alarm)


def _keeping_metrics(put: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(put)
    def put_metric_alarm(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        metrics = (data or {}).get("Metrics")
        if metrics:
            try:
                for query in metrics:
                    if query.get("Expression"):
                        metric_math.parse(query["Expression"])
            except metric_math.MathError as error:
                return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        answer = put(params, data, is_cbor, is_json)
        alarm = cloudwatch._alarms.get((data or {}).get("AlarmName", ""))
        if metrics and alarm is not None:
            alarm["Metrics"] = metrics
            evaluate(alarm)
        return answer

    return put_metric_alarm


def evaluate(alarm: dict[str, Any]) -> None:
    """Brings one alarm up to date, within its account and region, and sends its actions when the state changes."""
    compare = _COMPARISONS.get(alarm.get("ComparisonOperator", ""))
    if compare is None or not (alarm.get("Metrics") or (alarm.get("Namespace") and alarm.get("MetricName"))):
        return
    values = _of_expression(alarm) if alarm.get("Metrics") else _periods(alarm)
    breaching = [None if value is None else compare(value, float(alarm.get("Threshold", 0))) for value in values]
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1))
    state = decide(breaching, needed, alarm.get("TreatMissingData") or "missing", alarm["StateValue"])
    if state == alarm["StateValue"]:
        return
    old, alarm["StateValue"] = alarm["StateValue"], state
    alarm["StateReason"] = reason_of(alarm, values, breaching, time.time())
    alarm["StateReasonData"] = reason_data(alarm, values, time.time())
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], old, state, alarm["StateReason"])
    cloudwatch._dispatch_alarm_actions(alarm, old, state, alarm["StateReason"])
    cloudwatch._evaluate_parent_alarms(alarm)


def decide(breaching: Sequence[bool | None], needed: int, missing: str, state: str) -> str:
    """The state after the given periods, oldest first; None is a period without data. `needed` of them must breach to
    alarm."""
    if all(value is None for value in breaching):
        return {"breaching": "ALARM", "notBreaching": "OK", "ignore": state}.get(missing, "INSUFFICIENT_DATA")
    filled = [missing == "breaching" if value is None else value for value in breaching]
    if missing in ("missing", "ignore"):
        filled = [value for value in breaching if value is not None]
        # Fewer datapoints than needed cannot prove an alarm, unless each of them breaches and the newest is one of
        # them.
        needed = min(needed, len(filled)) if breaching[-1] is not None else needed
    return "ALARM" if sum(filled) >= needed else "OK"


def _periods(alarm: dict[str, Any]) -> list[float | None]:
    """The alarm's statistic in each evaluation period, oldest first, the current one last; None where there is no
    data."""
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return _values(alarm, int(alarm.get("Period") or 60), statistic, _count(alarm), time.time())


def _count(alarm: dict[str, Any]) -> int:
    return int(alarm.get("EvaluationPeriods") or 1)


def _of_expression(alarm: dict[str, Any]) -> list[float | None]:
    """As `_periods`, of the one query that returns data."""
    end, count = time.time(), _count(alarm)
    found: dict[str, list[float | None]] = {}
    shown: dict[str, Any] = {}
    for query in alarm["Metrics"]:
        of = query.get("MetricStat")
        if of:
            found[query["Id"]] = _values(of["Metric"], int(of["Period"]), of["Stat"], count, end)
        if query.get("ReturnData", True):
            shown = query
    if "Expression" not in shown:
        return found.get(shown.get("Id", ""), [None] * count)
    tree = metric_math.parse(shown["Expression"])
    return [
        metric_math.value_of(tree, {name: values[index] for name, values in found.items()}) for index in range(count)
    ]


def _values(metric: dict[str, Any], seconds: int, statistic: str, count: int, end: float) -> list[float | None]:
    """A metric's statistic in the last `count` periods of so many seconds (before scaling), oldest first."""
    period = seconds * _time_scale
    dimensions = cloudwatch._dims_from_list(metric.get("Dimensions") or [])
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    points = list(cloudwatch._metrics.get(key) or [])
    values: list[float | None] = []
    for index in range(count, 0, -1):
        low, high = end - index * period, end - (index - 1) * period
        inside = [
            point for point in points if low <= point["Timestamp"] < high or (index == 1 and point["Timestamp"] == high)
        ]
        values.append(cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside) if inside else None)
    return values


PLUGIN = Plugin(
    name="cloudwatch.alarm_states",
    service="CloudWatch",
    words=__doc__,
    alone=(
        "Pools every dimension of a metric, looks at one mean over all periods, and only when PutMetricData is called."
    ),
    register=register,
    operations=["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
    relies_on=[
        ReliesOn(
            "services.cloudwatch",
            functions={
                "_calc_stats": "(points)",
                "_dims_from_list": "(dimensions)",
                "_dims_key": "(dims)",
                "_dispatch_alarm_actions": "(alarm, old_state, new_state, reason)",
                "_evaluate_alarm": "(alarm)",
                "_error": "(code, message, status, use_json, use_cbor)",
                "_evaluate_parent_alarms": "(child, seen)",
                "_put_metric_alarm": "(params, cbor_data, is_cbor, is_json)",
                "_record_history": "(alarm_name, old_state, new_state, reason, alarm_type, reason_data)",
                "_stat_value": "(stats, stat_name, points)",
            },
            values=["_alarms", "_metrics"],
            has={"_evaluate_all_alarms": ["_evaluate_alarm"], "handle_request": ["_put_metric_alarm"]},
            lacks={"_evaluate_alarm": ["Dimensions"], "_put_metric_alarm": ['"Metrics"']},
        )
    ],
)
