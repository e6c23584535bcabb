"""Blue/green updates: how traffic moves from the old fleet to the new one, and when it moves back.

"Blue/Green Deployments", "Use canary traffic shifting", "Auto-Rollback Configuration and Monitoring"
(https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html, …-blue-green-canary.html,
…-configuration.html): the new (green) fleet starts beside the old (blue) one; "SageMaker AI routes a portion of the
incoming traffic … to the canary. Then the baking period begins"; "If any of the alarms trip during the baking period,
then SageMaker AI initiates a rollback and all traffic returns to the blue fleet. If none of the alarms trip, then all
of the traffic shifts to the green fleet and there is a final baking period."
Waits are those of the request times the launcher's time scale.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn
from . import iam
from .errors import validation
from .state import SageMakerState

# A fleet's instances end in some minutes; the endpoint is RollingBack meanwhile.
_ROLL_BACK_SECONDS = 60
_LOOK_SECONDS = 1.0
# Percent of the instances that a batch of a rolling update may have.
_LEAST_BATCH, _MOST_BATCH = 5, 50
_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html"


@dataclass(frozen=True)
class Rollout:
    """The plan of one update. All at once, without waits and alarms, unless the request says otherwise."""

    shares: tuple[float, ...] = (1.0,)
    """Part of the traffic that the green fleet has after each step."""
    wait_seconds: float = 0
    """After each step but the last."""
    termination_seconds: float = 0
    """After the last step."""
    alarms: tuple[str, ...] = ()
    rolling: bool = False
    """The old fleet's instances end as the new one's come: going back starts them again."""


def plan(config: dict | None, instances: int, variants: int = 1) -> Rollout:
    """The rollout that a DeploymentConfig asks for, to a green fleet of so many instances and variants.

    Raises ValidationException for what AWS's reference rules out, and for a percentage of capacity that is less than
    one instance: how AWS rounds it is not documented.
    """
    if not config:
        return Rollout()
    alarms = tuple(alarm["AlarmName"] for alarm in (config.get("AutoRollbackConfiguration") or {}).get("Alarms", []))
    if config.get("RollingUpdatePolicy"):
        return _rolling(config, instances, variants, alarms)
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    wait, termination = routing["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0)
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= wait + termination:
        raise validation(
            f"MaximumExecutionTimeoutInSeconds {limit} must be larger than the total of TerminationWaitInSeconds "
            f"{termination} and WaitIntervalInSeconds {wait}."
        )
    return Rollout(_shares(routing, instances), wait, termination, alarms)


def _rolling(config: dict, instances: int, variants: int, alarms: tuple[str, ...]) -> Rollout:
    """Batch by batch: "Only one update policy should be used in the deployment configuration", and rolling deployments
    have no endpoints of several variants, and no serverless ones
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)."""
    policy = config["RollingUpdatePolicy"]
    if config.get("BlueGreenUpdatePolicy"):
        raise validation("Only one update policy should be used in the deployment configuration.")
    if variants > 1 or instances == 0:
        raise validation(
            "Rolling deployments are not supported for endpoints with multiple production variants or serverless "
            "endpoints."
        )
    size, wait = policy["MaximumBatchSize"], policy["WaitIntervalInSeconds"]
    if size["Type"] == "CAPACITY_PERCENT" and not _LEAST_BATCH <= size["Value"] <= _MOST_BATCH:
        raise validation(
            f"MaximumBatchSize: {size['Value']} percent found; value must be between 5% to 50% of the variant's total "
            "instance count."
        )
    on = _instances(size, "MaximumBatchSize", instances)
    shares = tuple(min(1.0, step * on / instances) for step in range(1, math.ceil(instances / on) + 1))
    # Each batch has its baking period, the last too.
    return Rollout(shares, wait, wait, alarms, rolling=True)


def _shares(routing: dict, instances: int) -> tuple[float, ...]:
    kind = routing["Type"]
    if kind == "ALL_AT_ONCE":
        return (1.0,)
    member = "CanarySize" if kind == "CANARY" else "LinearStepSize"
    if not routing.get(member):
        raise validation(f"{member} is required when the traffic routing type is {kind}.")
    on = _instances(routing[member], member, instances)
    if kind == "CANARY":
        return (on / instances, 1.0)
    return tuple(min(1.0, step * on / instances) for step in range(1, math.ceil(instances / on) + 1))


def _instances(size: dict, member: str, instances: int) -> int:
    """How many instances a capacity size turns on: "Value must be less than or equal to 50% of the variant's total
    instance count."
    """
    if size["Type"] == "INSTANCE_COUNT":
        on = size["Value"]
    else:
        on = size["Value"] * instances // 100
        if on < 1:
            raise validation(
                f"{member}: {size['Value']} percent of {instances} instances is less than one. The local cloud does "
                f"not guess how AWS rounds it: ask for an INSTANCE_COUNT."
            )
    if on * 2 > instances:
        raise validation(
            f"{member}: {on} of {instances} instances found; at most 50% of the variant's total instance count "
            f"is allowed ({_GUIDE})."
        )
    return on


def check_alarms(state: SageMakerState, alarms: Sequence[str], roles: Sequence[str]) -> None:
    """Each alarm exists, and each of the models' roles may describe it: "Ensure that your IAM execution role has
    permission to perform the cloudwatch:DescribeAlarms action on the auto-rollback alarms you specify."

    Raises ValidationException.
    """
    context = state.context
    for name in alarms:
        if alarm_state(context, name) is None:
            raise validation(f"Could not find the CloudWatch alarm {name} of AutoRollbackConfiguration.")
        arn = alarm_arn(context, name)
        for role in roles:
            if not iam.role_may(context, role, "cloudwatch:DescribeAlarms", arn):
                raise validation(f"The execution role {role} may not perform cloudwatch:DescribeAlarms on {arn}.")


def alarm_arn(context: LocalContext, name: str) -> str:
    return f"arn:aws:cloudwatch:{context.region}:{context.account}:alarm:{name}"


def alarm_state(context: LocalContext, name: str) -> str | None:
    """`OK`, `ALARM` or `INSUFFICIENT_DATA`; None when there is no such alarm."""
    from ministack.core.responses import request_scope
    from ministack.services import cloudwatch

    with request_scope(context.account, context.region):
        alarm = cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)
        return alarm["StateValue"] if alarm else None


def ringing(context: LocalContext, alarms: Sequence[str], seconds: float, given_up: Callable[[], bool]) -> str | None:
    """Watches alarms for so long (s, before scaling): the name of the first in state ALARM, or None. Ends early when
    `given_up`."""
    deadline = time.monotonic() + seconds * context.time_scale
    while True:
        for name in alarms:
            if alarm_state(context, name) == "ALARM":
                return name
        left = deadline - time.monotonic()
        if left <= 0 or given_up():
            return None
        time.sleep(min(left, max(0.05, _LOOK_SECONDS * context.time_scale)))


def roll_back_pause(context: LocalContext) -> None:
    """The time in which an endpoint is seen as RollingBack."""
    time.sleep(max(0.3, _ROLL_BACK_SECONDS * context.time_scale))


RELIES_ON = [
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("services.cloudwatch", values=["_alarms", "_composite_alarms"]),
]
