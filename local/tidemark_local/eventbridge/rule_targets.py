"""Targets of EventBridge rules: who may be reached, how often, and what becomes of an event that reaches nobody.

- "Permissions for EventBridge to access targets": "For Lambda, Amazon SNS, Amazon SQS … EventBridge uses resource-based
  policies", for Step Functions the target's role
  (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html, eb-use-identity-based.html);
- retries and dead-letter queues (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html);
- metrics (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html).

Other kinds of targets (event buses, API destinations) stay with the emulator.
"""

import functools
import json
import logging
import threading
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, request_scope
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from ..deliveries.retry import Failure, deliver
from ..deliveries.sending import Sender, Undelivered, ask, put_message, send_as_service, send_with_role
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession
from ..iam.assume_role import may_assume
from . import CLOCK_SECONDS

logger = logging.getLogger("tidemark.rules")
EVENTS = "events.amazonaws.com"
_SERVICES = ("lambda", "sns", "sqs", "states")
_CFN_TYPE = "AWS::Events::Rule"


def register(context: LocalContext) -> None:
    """Takes over the delivery to functions, topics, queues and state machines. Call it once."""
    others = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        arn = target.get("Arn", "")
        if (arn.split(":") + [""] * 3)[2] not in _SERVICES:
            others(target, event, rule, view)
            return
        view = view or eventbridge._pattern_event_view(event)
        delivery = _Delivery(context, rule, target, event["EventId"], view)
        # A thread of its own, as a role's calls come back to this process, and PutEvents waits for no target.
        threading.Thread(target=delivery.run, name="rule-target", daemon=True).start()

    eventbridge._invoke_target = invoke_target
    eventbridge._SCHEDULER_TICK_INTERVAL = CLOCK_SECONDS
    _refuse_targets_without_a_role(context)


class _Delivery:
    """One event on its way to one target of one rule."""

    def __init__(self, context: LocalContext, rule: dict, target: dict, event_id: str, view: Any):
        self._context, self._rule, self._target = context, rule, target
        self._event_id, self._event = event_id, _text(view.event_with_detail())
        self._input = _input_of(target, rule, view)
        self._sender = Sender(EVENTS, rule["Arn"])

    def run(self) -> None:
        try:
            with request_scope(self._context.account, self._context.region):
                failure, retries = deliver(self._attempt, self._target.get("RetryPolicy") or {})
                self._count("Invocations")
                self._count("RetryInvocationAttempts", retries)
                if failure:
                    self._give_up(failure)
        except Exception:
            logger.exception("an event of %s was lost", self._rule["Arn"])

    def _attempt(self) -> None:
        self._count("InvocationAttempts")
        arn, role = self._target["Arn"], self._target.get("RoleArn")
        if role:
            if not may_assume(self._context, role, EVENTS, self._rule["Arn"]):
                raise Undelivered("FAILED_TO_ASSUME_ROLE", f"Role {role} cannot be assumed by principal '{EVENTS}'.")
            send_with_role(RoleSession(self._context, role), arn, self._input, execution_name(self._event_id))
        elif arn.split(":")[2] == "states":
            raise Undelivered("NO_PERMISSIONS", f"RoleArn is required for target {arn}.")
        elif arn.endswith(".fifo"):
            ask(self._context, self._sender, "sqs:SendMessage", arn)
            eventbridge._dispatch_to_sqs(
                eventbridge.parse_arn(arn), self._input, self._target.get("SqsParameters") or {}
            )
        else:
            send_as_service(self._context, self._sender, arn, self._input)

    def _give_up(self, failure: Failure) -> None:
        logger.warning("%s could not reach %s: %s", self._rule["Arn"], self._target["Arn"], failure.message)
        self._count("FailedInvocations")
        queue = (self._target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        try:
            ask(self._context, self._sender, "sqs:SendMessage", queue)
            put_message(queue, self._event, self._attributes(failure))
            self._count("InvocationsSentToDlq")
        except Undelivered as error:
            logger.error("%s could not reach its dead-letter queue: %s", self._rule["Arn"], error.message)
            self._count("InvocationsFailedToBeSentToDlq")

    def _attributes(self, failure: Failure) -> dict[str, tuple[str, str]]:
        found = {
            "RULE_ARN": self._rule["Arn"],
            "TARGET_ARN": self._target["Arn"],
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "RETRY_ATTEMPTS": str(failure.retries),
        }
        if failure.exhausted:
            found["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
        return {name: ("String", value) for name, value in found.items()}

    def _count(self, metric: str, value: int = 1) -> None:
        """Nothing is sent for zero. A rule of the default bus has the one dimension, one of another bus both."""
        if not value:
            return
        dimensions = {"RuleName": self._rule["Name"]}
        bus = self._rule.get("EventBusName", "default")
        if bus != "default":
            dimensions["EventBusName"] = bus
        self._context.put_metric("AWS/Events", metric, dimensions, value, "Count")


def execution_name(event_id: str) -> str:
    """The name of an execution that a rule starts: 73 characters, with an underscore."""
    return f"{event_id}_{uuid.uuid4()}"


def _input_of(target: dict[str, Any], rule: dict[str, Any], view: Any) -> str:
    """What the target is sent: the transformed event, a constant, a part of the event, or all of it."""
    event = view.event_with_detail()
    if target.get("InputTransformer"):
        return eventbridge._apply_input_transformer(target["InputTransformer"], rule, view)
    if target.get("Input"):
        return target["Input"]
    found = event
    for part in filter(None, target.get("InputPath", "").removeprefix("$").split(".")):
        found = found.get(part) if isinstance(found, dict) else None
    return _text(event if found is None else found)


def _text(event: Any) -> str:
    """JSON without spaces, as it was recorded."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def _refuse_targets_without_a_role(context: LocalContext) -> None:
    """PutTargets looks at a state machine's role before it takes the target; CloudFormation calls PutTargets."""
    checked = eventbridge._validate_target_arn

    def problem(target: dict[str, Any]) -> str | None:
        arn, role = target.get("Arn", ""), target.get("RoleArn")
        if not role:
            return f"RoleArn is required for target {arn}." if arn.split(":")[2] == "states" else None
        # The rule's ARN is not known here: a trust policy that names one is asked again at each event.
        source = f"arn:aws:events:{context.region}:{context.account}:rule/*"
        if may_assume(context, role, EVENTS, source) or _names_a_source(role):
            return None
        return f"Provided role '{role}' cannot be assumed by principal '{EVENTS}'."

    def validate(target: dict[str, Any]):
        error = checked(target)
        if error:
            return error
        found = problem(target)
        return error_response_json("ValidationException", found, 400) if found else None

    eventbridge._validate_target_arn = validate
    handlers = provisioners._RESOURCE_HANDLERS[_CFN_TYPE]
    for step, properties_at in (("create", 1), ("update", 2)):
        handlers[step] = _validated(handlers[step], properties_at, problem)


def _names_a_source(role: str) -> bool:
    from ministack.services import iam

    found = iam._roles.get(role.rsplit("/", 1)[-1])
    return found is not None and "sourcearn" in json.dumps(found.get("AssumeRolePolicyDocument")).lower()


def _validated(change: Callable, properties_at: int, problem: Callable[[dict[str, Any]], str | None]) -> Callable:
    @functools.wraps(change)
    def validated(*arguments: Any, **named: Any):
        for target in arguments[properties_at].get("Targets") or []:
            found = problem(target)
            if found:
                raise ValueError(f"{found} (Service: EventBridge, Status Code: 400)")
        return change(*arguments, **named)

    return validated


PLUGIN = Plugin(
    name="eventbridge.rule_targets",
    service="EventBridge",
    words=__doc__,
    alone="Delivers once, without asking a policy, a role or a key, and forgets what failed.",
    register=register,
    operations=["events:PutTargets", "events:PutEvents"],
    templates={"AWS::Events::Rule": ["create", "update"]},
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn(
            "services.cloudformation.provisioners",
            values=["_RESOURCE_HANDLERS"],
            has={"_eb_rule_update": ["_put_targets"]},
        ),
        ReliesOn(
            "services.eventbridge",
            functions={
                "_apply_input_transformer": "(transformer, rule, view)",
                "_dispatch_to_sqs": "(spec, payload, sqs_parameters)",
                "_invoke_target": "(target, event, rule, view)",
                "_pattern_event_view": "(event)",
                "_validate_target_arn": "(target)",
            },
            values=["_SCHEDULER_TICK_INTERVAL"],
            has={
                "_dispatch_event": ["_invoke_target"],
                "_tick_scheduled_rules": ["_invoke_target"],
                "_put_targets": ["_validate_target_arn"],
                "_scheduler_loop": ["sleep(_SCHEDULER_TICK_INTERVAL)"],
            },
        ),
        ReliesOn("services.iam", values=["_roles"]),
    ],
)
