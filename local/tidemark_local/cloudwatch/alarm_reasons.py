"""Why an alarm changed its state, in CloudWatch's words, and as data.

Recorded: "Threshold Crossed: 1 datapoint [21.5 (26/02/26 10:14:00)] was greater than the threshold (21.0)." and
"Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."
With M out of N, and for datapoints that are unknown, the texts are those of the console's history.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


def reason_of(
    alarm: dict[str, Any], values: Sequence[float | None], breaching: Sequence[bool | None], end: float
) -> str:
    """The StateReason after the given periods, oldest first; `end` of the last one in seconds. `alarm` has its new
    state already."""
    count, state = len(values), alarm["StateValue"]
    if all(value is None for value in values):
        missing = _TREATED.get(alarm.get("TreatMissingData") or "missing")
        if missing is None:
            return f"Insufficient Data: {count} datapoint{_s(count)} {_was(count)} unknown."
        return (
            f"Threshold Crossed: no datapoints were received for {count} period{_s(count)} and {count} missing "
            f"datapoint{_s(count)} {_was(count)} treated as [{missing}]."
        )
    wanted = state == "ALARM"
    points = [
        f"{float(value)} ({_date(end - (count - index) * int(alarm.get('Period') or 60))})"
        for index, (value, bad) in enumerate(zip(values, breaching, strict=True))
        if value is not None and bad == wanted
    ]
    if not points:  # those that are missing made the state
        gaps, missing = values.count(None), _TREATED.get(alarm.get("TreatMissingData") or "", "Missing")
        return f"Threshold Crossed: {gaps} missing datapoint{_s(gaps)} {_was(gaps)} treated as [{missing}]."
    found, needed = len(points), alarm.get("DatapointsToAlarm")
    compared = f"{'' if wanted else 'not '}{_WORDS[alarm['ComparisonOperator']]} the threshold ({_threshold(alarm)})"
    told = f"[{', '.join(reversed(points))}] {_was(found)} {compared}"
    if not needed or not wanted:
        return f"Threshold Crossed: {found} datapoint{_s(found)} {told}."
    return (
        f"Threshold Crossed: {found} out of the last {count} datapoints {told} "
        f"(minimum {needed} datapoint{_s(int(needed))} for OK -> ALARM transition)."
    )


def reason_data(alarm: dict[str, Any], values: Sequence[float | None], end: float) -> str:
    """StateReasonData: the datapoints as JSON."""
    period = int(alarm.get("Period") or 60)
    starts = [end - (len(values) - index) * period for index in range(len(values))]
    evaluated = [
        {"timestamp": _stamp(start), **({} if value is None else {"value": float(value)})}
        for start, value in zip(starts, values, strict=True)
    ]
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": _stamp(end),
            "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average",
            "period": period,
            "recentDatapoints": [float(value) for value in values if value is not None],
            "threshold": _threshold(alarm),
            "evaluatedDatapoints": evaluated[::-1],
        }
    )


def _threshold(alarm: dict[str, Any]) -> float:
    return float(alarm.get("Threshold") or 0)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%y %H:%M:%S")


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
