"""Asynchronous invocations: the event queue of a function, its retries, dead-letter queue and destinations.

- "How Lambda handles errors and retries with asynchronous invocation"
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html): two retries of a function error,
  "with a one-minute wait before the first retry, and two minutes before the second"; throttled events go back to the
  queue "for up to 6 hours", from 1 second to 5 minutes apart;
- "Adding a dead-letter queue": "Lambda sends the event to the dead-letter queue as-is, with additional information in
  attributes" (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html), with the function's
  role; destinations get an invocation record;
- metrics (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html).
"""

import contextvars
import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from ..deliveries.sending import Undelivered, send_with_role
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession

logger = logging.getLogger("tidemark.async")
RETRY_WAITS = (60, 120)  # seconds, as on AWS; the event's age counts them in full
TIME_SCALE = 1 / 60  # the local cloud sleeps a second for each minute
DEFAULT_RETRIES, DEFAULT_AGE_SECONDS = 2, 21_600
_THROTTLED_SECONDS, _THROTTLED_LIMIT_SECONDS = 1.0, 300.0
_MESSAGE_BYTES = 1024  # "ErrorMessage: the first 1 KB of the error message"


@dataclass
class Event:
    """One event on its way through a function's queue. `invocations` counts calls that reached the function."""

    payload: Any
    request_id: str
    invocations: int = 0
    result: dict[str, Any] | None = None


def register(context: LocalContext) -> None:
    """Takes over asynchronous invocations. Call it once, before requests are served."""

    def invoke(function: dict[str, Any], payload: Any) -> None:
        queue = _Queue(context, function, Event(payload, str(uuid.uuid4())))
        scope = contextvars.copy_context()
        threading.Thread(target=scope.run, args=(queue.run,), name="async-invocation", daemon=True).start()

    lambda_svc.invoke_async_with_retry = invoke
    _keep_dead_letter_queues()


def _keep_dead_letter_queues() -> None:
    """The emulator drops a function's DeadLetterConfig when a template makes or changes it."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    create, update = handlers["create"], handlers["update"]

    def keep(result: tuple[str, dict[str, Any]], properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        config, wanted = lambda_svc._functions[result[0]]["config"], properties.get("DeadLetterConfig")
        config.pop("DeadLetterConfig", None)
        if wanted:
            config["DeadLetterConfig"] = wanted
        return result

    def create_with_queue(logical_id: str, properties: dict[str, Any], stack_name: str):
        return keep(create(logical_id, properties, stack_name), properties)

    def update_with_queue(physical_id: str, old: dict, new: dict, stack_name: str, logical_id: str | None = None):
        return keep(update(physical_id, old, new, stack_name, logical_id), new)

    handlers.update(create=create_with_queue, update=update_with_queue)


class _Queue:
    """What becomes of one event of one function."""

    def __init__(self, context: LocalContext, function: dict[str, Any], event: Event):
        self._context, self._function, self._event = context, function, event
        self._config = function.get("config") or function
        found = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST")
        self._settings: dict[str, Any] = found or {}

    def run(self) -> None:
        try:
            with request_scope(self._context.account, self._context.region):
                self._count("AsyncEventsReceived")
                self._finish(self._attempts())
        except Exception:
            logger.exception("an event of %s was lost", self._config.get("FunctionName"))

    def _attempts(self) -> str:
        """Invokes until it works or is given up; the condition that an invocation record names."""
        retries = self._settings.get("MaximumRetryAttempts")
        retries = DEFAULT_RETRIES if retries is None else int(retries)
        oldest = int(self._settings.get("MaximumEventAgeInSeconds") or DEFAULT_AGE_SECONDS)
        age, throttled, failures = 0.0, 0, 0
        while True:
            began = time.monotonic()
            result = _execute(self._function, self._config, self._event)
            age += time.monotonic() - began
            if result.get("throttle"):
                wait = min(_THROTTLED_SECONDS * 2**throttled, _THROTTLED_LIMIT_SECONDS)
                throttled += 1
            else:
                if not result.get("error"):
                    return "Success"
                if failures >= retries:
                    return "RetriesExhausted"
                wait = float(RETRY_WAITS[min(failures, len(RETRY_WAITS) - 1)])
                failures += 1
            age += wait
            if age > oldest:
                return "EventAgeExceeded"
            time.sleep(wait if result.get("throttle") else wait * TIME_SCALE)

    def _finish(self, condition: str) -> None:
        failed = condition != "Success"
        destinations = self._settings.get("DestinationConfig") or {}
        destination = (destinations.get("OnFailure" if failed else "OnSuccess") or {}).get("Destination")
        if destination:
            body = json.dumps(self._record(condition))
            self._send(destination, body, {}, "DestinationDeliveryFailures")
        if not failed:
            return
        self._count("AsyncEventsDropped")
        queue = (self._config.get("DeadLetterConfig") or {}).get("TargetArn")
        if queue:
            self._send(queue, json.dumps(self._event.payload), self._attributes(), "DeadLetterErrors")

    def _send(self, arn: str, body: str, attributes: dict[str, tuple[str, str]], failure_metric: str) -> None:
        try:
            send_with_role(RoleSession(self._context, self._config["Role"]), arn, body, attributes=attributes)
        except (Undelivered, ValueError) as error:
            logger.error("%s could not reach %s: %s", self._config["FunctionName"], arn, error)
            self._count(failure_metric)

    def _attributes(self) -> dict[str, tuple[str, str]]:
        body = (self._event.result or {}).get("body")
        message = str(body.get("errorMessage", "")) if isinstance(body, dict) else str(body or "")
        cut = message.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
        return {
            "RequestID": ("String", self._event.request_id),
            "ErrorCode": ("Number", "200" if self._event.invocations else "429"),
            "ErrorMessage": ("String", cut or "Unknown"),
        }

    def _record(self, condition: str) -> dict[str, Any]:
        """The invocation record of a destination."""
        version, result = self._config.get("Version") or "$LATEST", self._event.result
        response: dict[str, Any] = {"statusCode": 200, "executedVersion": version}
        if condition != "Success":
            response["functionError"] = (result or {}).get("function_error") or "Unhandled"
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        document = {
            "version": "1.0",
            "timestamp": moment,
            "requestContext": {
                "requestId": self._event.request_id,
                "functionArn": _qualified(self._config["FunctionArn"], version),
                "condition": condition,
                "approximateInvokeCount": self._event.invocations,
            },
            "requestPayload": self._event.payload,
        }
        return document | ({"responseContext": response, "responsePayload": result.get("body")} if result else {})

    def _count(self, metric: str) -> None:
        self._context.put_metric("AWS/Lambda", metric, {"FunctionName": self._config["FunctionName"]}, 1, "Count")


def _execute(function: dict[str, Any], config: dict[str, Any], event: Event) -> dict[str, Any]:
    """One invocation, under the event's own request id, which stays the same in a retry."""
    slot, _limit = lambda_svc._acquire_execution_slot(function, config)
    if slot is None:
        lambda_svc._emit_lambda_metrics(config["FunctionName"], duration_ms=0.0, error=False, throttle=True)
        return {"throttle": True, "error": True}
    try:
        event.invocations += 1
        event.result = lambda_svc._execute_function_dispatch(
            function, config, event.payload, event.request_id, time.time()
        )
        return event.result
    finally:
        lambda_svc._release_execution_slot(slot)


def _qualified(arn: str, version: str) -> str:
    return arn if len(arn.split(":")) > 7 else f"{arn}:{version}"


PLUGIN = Plugin(
    name="lambda_functions.async_invocations",
    service="Lambda",
    words=__doc__,
    alone="Retries every failure alike, and fills the dead-letter queue without the role of the function.",
    register=register,
    operations=["lambda:Invoke"],
    templates={"AWS::Lambda::Function": ["create", "update"]},
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn("services.cloudformation.provisioners", values=["_RESOURCE_HANDLERS"]),
        ReliesOn(
            "services.lambda_svc",
            functions={
                "_acquire_execution_slot": "(func, config)",
                "_emit_lambda_metrics": "(function_name, duration_ms, error, throttle)",
                "_execute_function_dispatch": "(func, config, event, request_id, started)",
                "_release_execution_slot": "(key)",
                "invoke_async_with_retry": "(func, event)",
            },
            values=["_functions"],
            has={"_invoke": ["invoke_async_with_retry"]},
        ),
    ],
)
