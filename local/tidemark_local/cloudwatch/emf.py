"""Log events in the embedded metric format become CloudWatch metrics.

"Specification: Embedded metric format"
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Every log event of every group is looked at, as on AWS: of Lambda functions, SageMaker and PutLogEvents. What a Glue job
prints is not: an event must be the whole document, and nothing says how Glue cuts a job's output into events.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch_logs

from ..host.context import LocalContext
from ..host.limits import limit
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

logger = logging.getLogger("tidemark.emf")
_VALUES, _DIMENSIONS, _METRICS = limit("emf.values"), limit("emf.dimensions"), limit("emf.metrics")
_GLUE = "/aws-glue/"


@dataclass(frozen=True)
class Datum:
    """One value of one metric in one dimension set; `timestamp` in seconds."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    value: float
    unit: str
    timestamp: float


class EmfError(ValueError):
    """A document that announces metrics but breaks the specification. Names the member, not the payload."""


def register(context: LocalContext) -> None:
    """Reads metrics from log events as they are stored. Call it once, before requests are served."""
    append = cloudwatch_logs._append_log_events

    def append_and_extract(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        append(stream, events)
        for event in events:
            try:
                found = list(metrics_of(event["message"]))
                for datum in [] if found and _is_of_glue(stream) else found:
                    context.put_metric(
                        datum.namespace, datum.name, datum.dimensions, datum.value, datum.unit, datum.timestamp
                    )
            except EmfError as error:
                logger.warning("a log event announces metrics that cannot be read: %s", error)
                context.put_metric("AWS/Logs", "EMFValidationErrors", {}, 1, "Count")

    cloudwatch_logs._append_log_events = append_and_extract


def _is_of_glue(stream: dict[str, Any]) -> bool:
    groups = [group for name, group in cloudwatch_logs._log_groups.items() if name.startswith(_GLUE)]
    return any(stream is own for group in groups for own in group["streams"].values())


def metrics_of(message: str) -> Iterator[Datum]:
    """The data a log message announces; none for a message in another format.

    Raises EmfError when `_aws.CloudWatchMetrics` is there but breaks the specification.
    """
    if '"CloudWatchMetrics"' not in message or not message.lstrip().startswith("{"):
        return
    try:
        document = json.loads(message)
    except ValueError:
        return
    metadata = document.get("_aws")
    if not isinstance(metadata, dict) or "CloudWatchMetrics" not in metadata:
        return
    timestamp = metadata.get("Timestamp")
    if not isinstance(timestamp, (int, float)) or isinstance(timestamp, bool):
        raise EmfError(f"_aws.Timestamp is {type(timestamp).__name__}: milliseconds since 1970 are needed")
    for directive in _list(metadata["CloudWatchMetrics"], "_aws.CloudWatchMetrics"):
        namespace = directive.get("Namespace")
        if not isinstance(namespace, str) or not namespace:
            raise EmfError("Namespace is missing: a text of 1 to 1024 characters is needed")
        metrics = _list(directive.get("Metrics", []), "Metrics")
        if len(metrics) > _METRICS:
            raise EmfError(f"a directive has {len(metrics)} metrics: at most {_METRICS} are allowed")
        for names in _list(directive.get("Dimensions", [[]]), "Dimensions"):
            dimensions = _dimensions(document, names)
            for metric in metrics:
                for value in _values(document, metric):
                    yield Datum(
                        namespace, metric["Name"], dimensions, value, metric.get("Unit", "None"), timestamp / 1000
                    )


def _dimensions(document: dict[str, Any], names: Any) -> dict[str, str]:
    names = _list(names, "Dimensions[]")
    if len(names) > _DIMENSIONS:
        raise EmfError(f"a dimension set has {len(names)} names: at most {_DIMENSIONS} are allowed")
    for name in names:
        if not isinstance(document.get(name), str):
            raise EmfError(
                f"dimension {name} is {type(document.get(name)).__name__}: a text member of the root is needed"
            )
    return {name: document[name] for name in names}


def _values(document: dict[str, Any], metric: Any) -> list[float]:
    name = metric.get("Name") if isinstance(metric, dict) else None
    if not isinstance(name, str):
        raise EmfError("a metric has no Name: a text is needed")
    if name not in document:
        return []  # "if the target is missing, the metric is not extracted"
    values = document[name] if isinstance(document[name], list) else [document[name]]
    if len(values) > _VALUES:
        raise EmfError(f"metric {name} has {len(values)} values: at most {_VALUES} are allowed")
    for value in values:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise EmfError(f"metric {name} has a {type(value).__name__}: numbers are needed")
    return values


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise EmfError(f"{name} is {type(value).__name__}: a list is needed")
    return value


PLUGIN = Plugin(
    name="cloudwatch.emf",
    service="CloudWatch",
    words=__doc__,
    alone="Stores log events, and reads no metric from them.",
    register=register,
    operations=["logs:PutLogEvents"],
    relies_on=[
        ReliesOn(
            "services.cloudwatch_logs",
            functions={"_append_log_events": "(stream, events)"},
            values=["_log_groups"],
            has={"_put_log_events": ["_append_log_events"]},
        ),
        ReliesOn("services.lambda_svc", has={"_emit_lambda_logs": ["_append_log_events"]}),
    ],
)
