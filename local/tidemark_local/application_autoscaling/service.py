"""Application Auto Scaling for SageMaker: targets, target tracking policies with their alarms, and the scaling itself.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html: capacity
grows as the metric is above the target, falls slower than it grew, stays between the target's ends, and is not touched
while the endpoint changes ("auto scaling is blocked while the update operation is in progress",
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html).
"""

import json
import logging
import math
import threading
import time
from typing import Any

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..sagemaker import endpoints
from ..sagemaker.errors import SageMakerError
from ..sagemaker.rollout import alarm_state
from ..sagemaker.state import SageMakerState
from . import targets

logger = logging.getLogger("tidemark.application_autoscaling")
_PREFIX = "AnyScaleFrontendService."
_LOOK_SECONDS, _SHORTEST_SECONDS = 10, 0.25


def register(context: LocalContext) -> None:
    """Adds the service to MiniStack, and begins to scale. Call it once, after sagemaker.service."""
    from ministack import app
    from ministack.core import iam_actions, router

    state = SageMakerState.of(context)
    known = iam_actions.extract_resource_arn

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple[int, dict, bytes]:
        status, data = _answer(state, headers.get("x-amz-target", "").removeprefix(_PREFIX), body)
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()

    def extract(service: str, *rest: Any) -> str:
        if service != "application-autoscaling":
            return known(service, *rest)
        # The Describe operations have no resource type, the others that of targets
        # (https://docs.aws.amazon.com/service-authorization/latest/reference/list_applicationautoscaling.html).
        operation = rest[2].get("x-amz-target", "").removeprefix(_PREFIX)
        arn = f"arn:aws:application-autoscaling:{context.region}:{context.account}:scalable-target/{'0' * 32}"
        return "*" if operation.startswith("Describe") else arn

    router.SERVICE_PATTERNS["application-autoscaling"] = {
        "target_prefixes": [_PREFIX],
        "credential_scope": "application-autoscaling",
    }
    app.SERVICE_HANDLERS["application-autoscaling"] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE["application-autoscaling"] = "application-autoscaling"
    iam_actions._BOTOCORE_SERVICE_MAP["application-autoscaling"] = ["application-autoscaling"]
    iam_actions.extract_resource_arn = extract
    stopped = threading.Event()
    context.on_stop(stopped.set)
    threading.Thread(target=_regularly, args=(state, stopped), name="autoscaling", daemon=True).start()


def _answer(state: SageMakerState, operation: str, body: bytes) -> tuple[int, dict]:
    try:
        if operation not in targets.OPERATIONS:
            raise SageMakerError("UnknownOperationException", f"The local cloud does not know {operation}.")
        return 200, targets.OPERATIONS[operation](state, json.loads(body or b"{}"))
    except SageMakerError as error:
        return error.status, {"__type": error.code, "Message": error.message}


def _regularly(state: SageMakerState, stopped: threading.Event) -> None:
    last: dict[str, float] = {}
    while not stopped.wait(max(_SHORTEST_SECONDS, _LOOK_SECONDS * state.context.time_scale)):
        for policy in targets.describe_policies(state, {})["ScalingPolicies"]:
            try:
                scale(state, policy, last)
            except Exception:
                logger.exception("scaling of %s", policy["ResourceId"])


def scale(state: SageMakerState, policy: dict, last: dict[str, float]) -> None:
    """One look at a policy: another number of instances where its alarm rings and its cool-down is over."""
    resource, config = policy["ResourceId"], policy["TargetTrackingScalingPolicyConfiguration"]
    endpoint, name = targets.place_of(resource)
    high, low = (alarm_state(state.context, alarm["AlarmName"]) == "ALARM" for alarm in policy["Alarms"])
    cooldown = config.get("ScaleOutCooldown" if high else "ScaleInCooldown", 300) * state.context.time_scale
    if not (high or low) or time.monotonic() - last.get(resource, -math.inf) < cooldown:
        return
    with state.lock:
        target, found = state.scalable_targets.get(resource), state.endpoints.get(endpoint)
        if target is None or found is None or found["EndpointStatus"] != "InService":
            return
        variant = next((one for one in found["_variants"] if one.name == name), None)
        if variant is None:
            return
        load = _per_instance(state, endpoint, name)
        wanted = math.ceil(variant.instances * load / config["TargetValue"])
        wanted = max(wanted, variant.instances + 1) if high else min(wanted, variant.instances)
        wanted = min(max(wanted, target["MinCapacity"]), target["MaxCapacity"])
        if wanted == variant.instances:
            return
        desired = [{"VariantName": name, "DesiredInstanceCount": wanted}]
        endpoints.update_weights(state, {"EndpointName": endpoint, "DesiredWeightsAndCapacities": desired})
        last[resource] = time.monotonic()


def _per_instance(state: SageMakerState, endpoint: str, variant: str) -> float:
    """Requests of the last minute (before scaling) for each instance."""
    from ministack.core.responses import request_scope
    from ministack.services import cloudwatch

    since = time.time() - 60 * state.context.time_scale
    with request_scope(state.context.account, state.context.region):
        dimensions = cloudwatch._dims_key({"EndpointName": endpoint, "VariantName": variant})
        points = list(cloudwatch._metrics.get(("AWS/SageMaker", "InvocationsPerInstance", dimensions)) or [])
    return sum(point["Value"] for point in points if point["Timestamp"] >= since)


PLUGIN = Plugin(
    name="application_autoscaling.service",
    service="Application Auto Scaling",
    words=__doc__,
    alone="Does not have it.",
    register=register,
    operations=tuple(f"application-autoscaling:{name}" for name in targets.OPERATIONS),
    relies_on=[
        ReliesOn("app", values=["SERVICE_HANDLERS"], has={"_dispatch_service_request": ["extract_resource_arn("]}),
        ReliesOn(
            "core.iam_actions",
            functions={
                "extract_resource_arn": "(service, method, path, headers, body, query_params, region, account_id)"
            },
            values=["SERVICE_TO_IAM_NAMESPACE", "_BOTOCORE_SERVICE_MAP"],
        ),
        ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
        ReliesOn("core.router", values=["SERVICE_PATTERNS"]),
        ReliesOn("services.cloudwatch", functions={"_dims_key": "(dims)"}, values=["_metrics"]),
    ],
)
