"""Targets of EventBridge Scheduler: everything is done with the schedule's role.

- "Scheduler … assumes the execution role"; a trust policy may name the schedule's *group*, not the schedule
  (https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html);
- the dead-letter event: the payload, with what went wrong in the message's attributes, sent with the role's
  `sqs:SendMessage` (https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html);
- the words `<aws.scheduler.…>` of an input stand for what is known of the firing
  (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html);
- metrics (https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html).
"""

import functools
import json
import logging
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

from ..deliveries.retry import Failure, deliver
from ..deliveries.sending import Undelivered, send_with_role
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession
from ..iam.assume_role import may_assume
from . import CLOCK_SECONDS

logger = logging.getLogger("tidemark.schedules")
SCHEDULER = "scheduler.amazonaws.com"
NOT_ASSUMABLE = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
_CFN_TYPE = "AWS::Scheduler::Schedule"


def register(context: LocalContext) -> None:
    """Takes over the targets of schedules. Call it once, after rule_targets."""
    of_rules = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: dict[str, Any], source: dict[str, Any], view: Any = None) -> None:
        if source.get("Arn", "").split(":")[2:3] != ["scheduler"]:
            of_rules(target, event, source, view)
            return
        delivery = _Delivery(context, source, target, event)
        threading.Thread(target=delivery.run, name="schedule-target", daemon=True).start()

    eventbridge._invoke_target = invoke_target
    scheduler._SCHEDULE_TICK_INTERVAL = CLOCK_SECONDS
    _refuse_roles_that_cannot_be_assumed(context)


class _Delivery:
    """One firing of one schedule."""

    def __init__(self, context: LocalContext, schedule: dict[str, Any], target: dict[str, Any], event: dict[str, Any]):
        self._context, self._schedule, self._target = context, schedule, target
        self._group = group_arn(context, schedule.get("GroupName", "default"))
        whole = eventbridge._pattern_event_view(event).event_with_detail()
        self._payload = target.get("Input") or json.dumps(whole)
        self._scheduled = datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._execution = str(uuid.uuid4())
        self._attempts = 0

    def run(self) -> None:
        try:
            with request_scope(self._context.account, self._context.region):
                failure, _retries = deliver(self._attempt, self._target.get("RetryPolicy") or {})
                if failure:
                    self._give_up(failure)
        except Exception:
            logger.exception("a firing of %s was lost", self._schedule["Arn"])

    def _attempt(self) -> None:
        self._count("InvocationAttemptCount")
        self._attempts += 1
        try:
            send_with_role(self._session(), self._target["Arn"], self._told(), self._execution)
        except Undelivered:
            self._count("TargetErrorCount")
            raise

    def _told(self) -> str:
        """The input with its context attributes filled in."""
        known = {
            "schedule-arn": self._schedule["Arn"],
            "scheduled-time": self._scheduled,
            "execution-id": self._execution,
            "attempt-number": str(self._attempts),
        }
        return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda word: known.get(word[1], word[0]), self._payload)

    def _session(self) -> RoleSession:
        role = self._target["RoleArn"]
        if not may_assume(self._context, role, SCHEDULER, self._group):
            raise Undelivered("AWS.Scheduler.FailedToAssumeRole", f"Role {role} cannot be assumed by {SCHEDULER}.")
        return RoleSession(self._context, role)

    def _give_up(self, failure: Failure) -> None:
        logger.warning("%s could not reach %s: %s", self._schedule["Arn"], self._target["Arn"], failure.message)
        queue = (self._target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            self._count("InvocationDroppedCount")
            return
        try:
            send_with_role(self._session(), queue, self._payload, attributes=self._attributes(failure))
            self._count("InvocationsSentToDeadLetterCount")
        except Undelivered as error:
            logger.error("%s could not reach its dead-letter queue: %s", self._schedule["Arn"], error.message)
            self._count("InvocationsFailedToBeSentToDeadLetterCount")

    def _attributes(self, failure: Failure) -> dict[str, tuple[str, str]]:
        found = {
            "ERROR_CODE": failure.code,
            "ERROR_MESSAGE": failure.message,
            "EXECUTION_ID": self._execution,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(failure.retries),
            "SCHEDULED_TIME": self._scheduled,
            "SCHEDULE_ARN": self._schedule["Arn"],
            "TARGET_ARN": self._target["Arn"],
        }
        if failure.exhausted:
            found["EXHAUSTED_RETRY_CONDITION"] = failure.exhausted
        return {name: ("String", value) for name, value in found.items()}

    def _count(self, metric: str) -> None:
        group = self._schedule.get("GroupName", "default")
        self._context.put_metric("AWS/Scheduler", metric, {"ScheduleGroup": group}, 1, "Count")


def group_arn(context: LocalContext, group: str) -> str:
    """What Scheduler gives as `aws:SourceArn`."""
    return f"arn:aws:scheduler:{context.region}:{context.account}:schedule-group/{group}"


def _refuse_roles_that_cannot_be_assumed(context: LocalContext) -> None:
    """CreateSchedule and UpdateSchedule look at the role's trust policy; CloudFormation calls them."""

    def checked(operation: Callable) -> Callable:
        def change(name: str, body: dict[str, Any]):
            role = (body.get("Target") or {}).get("RoleArn")
            if role and not may_assume(context, role, SCHEDULER, group_arn(context, body.get("GroupName", "default"))):
                return scheduler._error(400, "ValidationException", NOT_ASSUMABLE)
            return operation(name, body)

        return change

    scheduler._create_schedule = checked(scheduler._create_schedule)
    scheduler._update_schedule = checked(scheduler._update_schedule)
    handlers = provisioners._RESOURCE_HANDLERS[_CFN_TYPE]
    for step, properties_at in (("create", 1), ("update", 2)):
        handlers[step] = _validated(context, handlers[step], properties_at)


def _validated(context: LocalContext, change: Callable, properties_at: int) -> Callable:
    """The emulator drops what CreateSchedule answers, and changes a schedule without UpdateSchedule."""

    @functools.wraps(change)
    def validated(*arguments: Any, **named: Any):
        properties = arguments[properties_at]
        role = (properties.get("Target") or {}).get("RoleArn")
        group = group_arn(context, properties.get("GroupName", "default"))
        if role and not may_assume(context, role, SCHEDULER, group):
            raise ValueError(f"{NOT_ASSUMABLE} (Service: Scheduler, Status Code: 400)")
        return change(*arguments, **named)

    return validated


PLUGIN = Plugin(
    name="eventbridge.schedule_targets",
    service="EventBridge Scheduler",
    words=__doc__,
    alone="Delivers once, without the role of the schedule, and forgets what failed.",
    register=register,
    operations=["scheduler:CreateSchedule", "scheduler:UpdateSchedule"],
    templates={"AWS::Scheduler::Schedule": ["create"]},
    relies_on=[
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn(
            "services.cloudformation.provisioners",
            values=["_RESOURCE_HANDLERS"],
            has={"_scheduler_schedule_create": ["_create_schedule"]},
        ),
        ReliesOn(
            "services.eventbridge",
            functions={"_invoke_target": "(target, event, rule, view)", "_pattern_event_view": "(event)"},
        ),
        ReliesOn(
            "services.scheduler",
            functions={
                "_create_schedule": "(name, body)",
                "_error": "(status, code, message)",
                "_update_schedule": "(name, body)",
            },
            values=["_SCHEDULE_TICK_INTERVAL"],
            has={
                "_tick_schedules": ["_invoke_target"],
                "_ticker_loop": ["sleep(_SCHEDULE_TICK_INTERVAL)"],
                "handle_request": ["_create_schedule", "_update_schedule"],
            },
        ),
    ],
)
