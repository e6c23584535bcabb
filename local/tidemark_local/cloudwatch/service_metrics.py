"""The metrics that services publish about themselves, as far as alarms and dashboards use them, and the alarms on them.

- AWS/Lambda Invocations, Errors, Duration, Throttles, IteratorAge
  (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html)
- AWS/Kinesis IncomingRecords, IncomingBytes, GetRecords.IteratorAgeMilliseconds
  (https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html)
- AWS/States ExecutionsStarted, ExecutionsSucceeded, ExecutionsFailed, ExecutionsTimedOut, ExecutionsAborted,
ExecutionTime
  (https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html)
- AWS/SQS ApproximateNumberOfMessagesVisible, ApproximateAgeOfOldestMessage, once a minute
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html)
"""

import base64
import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, kinesis, lambda_svc, sqs, stepfunctions

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..lambda_esm import mappings

logger = logging.getLogger("tidemark.metrics")
_ALARM_SECONDS, _QUEUE_SECONDS = 5.0, 60.0
_SHORTEST_ALARM_SECONDS = 0.25


def register(context: LocalContext) -> None:
    """Begins to publish. Call it once, after lambda_esm.mappings."""
    _lambda(context)
    _kinesis(context)
    _states(context)
    stopped = threading.Event()
    context.on_stop(stopped.set)
    threading.Thread(target=_regularly, args=(context, stopped), name="metrics", daemon=True).start()


def _lambda(context: LocalContext) -> None:
    dispatch = lambda_svc._execute_function_dispatch

    def counted(function: dict, config: dict, event: Any, request_id: str, started: float):
        result = dispatch(function, config, event, request_id, started)
        dimensions = {"FunctionName": config.get("FunctionName", "unknown")}
        failed = bool(result.get("error")) if isinstance(result, dict) else False
        context.put_metric("AWS/Lambda", "Invocations", dimensions, 1, "Count")
        context.put_metric("AWS/Lambda", "Errors", dimensions, int(failed), "Count")
        context.put_metric("AWS/Lambda", "Throttles", dimensions, 0, "Count")
        context.put_metric("AWS/Lambda", "Duration", dimensions, (time.time() - started) * 1000, "Milliseconds")
        return result

    def throttled(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        """The emulator's own count, which leaves out invocations by event sources. It reports a throttle twice, the
        second time as an error; "throttled requests … don't count as either Invocations or Errors"."""
        if throttle and not error:
            context.put_metric("AWS/Lambda", "Throttles", {"FunctionName": function_name}, 1, "Count")

    lambda_svc._execute_function_dispatch = counted
    lambda_svc._emit_lambda_metrics = throttled
    poller = mappings.current
    if poller is None:
        raise RuntimeError("service_metrics needs lambda_esm.mappings to be registered before it")
    poller.on_batch.append(
        lambda name, age: context.put_metric(
            "AWS/Lambda", "IteratorAge", {"FunctionName": name}, age * 1000, "Milliseconds"
        )
    )
    poller.on_read.append(
        lambda stream, age: context.put_metric(
            "AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds", {"StreamName": stream}, age * 1000, "Milliseconds"
        )
    )


def _kinesis(context: LocalContext) -> None:
    def counting(operation: Callable, records_of: Callable[[dict], list[dict]]) -> Callable:
        def put(data: dict[str, Any]):
            answer = operation(data)
            name, _stream = kinesis._resolve_stream(data)
            if answer[0] == 200 and name:
                dimensions = {"StreamName": name}
                records = records_of(data)
                size = sum(len(base64.b64decode(kinesis._ensure_base64(item.get("Data", "")))) for item in records)
                context.put_metric("AWS/Kinesis", "IncomingRecords", dimensions, len(records), "Count")
                context.put_metric("AWS/Kinesis", "IncomingBytes", dimensions, size, "Bytes")
            return answer

        return put

    kinesis._put_record = counting(kinesis._put_record, lambda data: [data])
    kinesis._put_records = counting(kinesis._put_records, lambda data: data.get("Records", []))


def _states(context: LocalContext) -> None:
    emit = stepfunctions._emit_execution_status_event
    names = {
        "RUNNING": "ExecutionsStarted",
        "SUCCEEDED": "ExecutionsSucceeded",
        "FAILED": "ExecutionsFailed",
        "TIMED_OUT": "ExecutionsTimedOut",
        "ABORTED": "ExecutionsAborted",
    }

    def counted(execution: dict[str, Any]) -> None:
        emit(execution)
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        context.put_metric("AWS/States", names[execution["status"]], dimensions, 1, "Count")
        if execution.get("stopDate"):
            taken = (_moment(execution["stopDate"]) - _moment(execution["startDate"])) * 1000
            context.put_metric("AWS/States", "ExecutionTime", dimensions, taken, "Milliseconds")

    stepfunctions._emit_execution_status_event = counted


def _moment(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else datetime.fromisoformat(value).timestamp()


def _regularly(context: LocalContext, stopped: threading.Event) -> None:
    queues_due = 0.0
    while not stopped.wait(max(_SHORTEST_ALARM_SECONDS, _ALARM_SECONDS * context.time_scale)):
        try:
            with request_scope(context.account, context.region):
                if time.monotonic() >= queues_due:
                    queues_due = time.monotonic() + _QUEUE_SECONDS
                    _queues(context)
                cloudwatch._evaluate_all_alarms()
        except Exception:
            logger.exception("metrics of queues or alarms could not be brought up to date")


def _queues(context: LocalContext) -> None:
    now = time.time()
    for url, queue in list(sqs._queues.items()):
        visible = [message for message in list(queue["messages"]) if message["visible_at"] <= now]
        dimensions = {"QueueName": url.rsplit("/", 1)[-1]}
        age = max((now - message["sent_at"] for message in visible), default=0.0)
        context.put_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, len(visible), "Count")
        context.put_metric("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, age, "Seconds")


PLUGIN = Plugin(
    name="cloudwatch.service_metrics",
    service="CloudWatch",
    words=__doc__,
    alone="Has metrics of Lambda alone.",
    register=register,
    operations=["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"],
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn("services.cloudwatch", functions={"_evaluate_all_alarms": "()"}),
        ReliesOn(
            "services.kinesis",
            functions={
                "_ensure_base64": "(value)",
                "_put_record": "(data)",
                "_put_records": "(data)",
                "_resolve_stream": "(data)",
            },
            has={"handle_request": ["_put_records"]},
        ),
        ReliesOn(
            "services.lambda_svc",
            functions={
                "_emit_lambda_metrics": "(function_name, duration_ms, error, throttle)",
                "_execute_function_dispatch": "(func, config, event, request_id, started)",
            },
            has={"_execute_function": ["_execute_function_dispatch"], "_invoke": ["_emit_lambda_metrics"]},
        ),
        ReliesOn("services.sqs", values=["_queues"]),
        ReliesOn(
            "services.stepfunctions",
            functions={"_emit_execution_status_event": "(execution)"},
            has={"_fail_execution": ["_emit_execution_status_event"]},
        ),
    ],
)
