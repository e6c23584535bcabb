"""Scalable targets and their policies: what is registered, put and described.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html,
API_PutScalingPolicy.html and their siblings; of SageMaker the instances of endpoint variants
(https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html). A target tracking policy
makes its alarms itself.
"""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from ..host.relies_on import ReliesOn
from ..sagemaker.errors import SageMakerError, validation
from ..sagemaker.fleets import serving
from ..sagemaker.state import SageMakerState

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
_RESOURCE = re.compile(r"^endpoint/([^/]+)/variant/([^/]+)$")
# Target tracking rings above the target after three minutes, and nine tenths below it after fifteen.
_HIGH_PERIODS, _LOW_PERIODS, _LOW_SHARE = 3, 15, 0.9


def place_of(resource: str) -> tuple[str, str]:
    """Endpoint and variant that a resource id names. Raises ValidationException."""
    found = _RESOURCE.match(resource)
    if not found:
        raise validation(
            f"Unsupported resource type or resource id: {resource}; endpoint/<name>/variant/<name> is needed."
        )
    return found[1], found[2]


def register_target(state: SageMakerState, data: dict) -> dict:
    resource = _checked(data)
    endpoint, variant = place_of(resource)
    with state.lock:
        known = state.endpoints.get(endpoint)
        config = (
            next((one.config for one in serving(known["_variants"]) if one.name == variant), None) if known else None
        )
        if config is None:
            raise validation(
                f"Could not find variant {variant} of endpoint {endpoint}: register it when it is in service."
            )
        if config.get("ServerlessConfig"):
            raise validation(f"The dimension {DIMENSION} is not of serverless variants.")
        if re.match(r"ml\.t\d", config["InstanceType"]):
            raise validation(f"Automatic scaling is not supported for burstable instances: {config['InstanceType']}.")
        target = state.scalable_targets.setdefault(resource, {"CreationTime": time.time(), "policies": {}})
        low = data.get("MinCapacity", target.get("MinCapacity"))
        high = data.get("MaxCapacity", target.get("MaxCapacity"))
        if low is None or high is None or low > high:
            if "MinCapacity" not in target:
                state.scalable_targets.pop(resource)
            raise validation(
                "MinCapacity and MaxCapacity are needed, and maximum capacity cannot be less than minimum capacity."
            )
        target.update(MinCapacity=low, MaxCapacity=high)
        target.setdefault("arn", f"{_arn(state)}:scalable-target/{uuid.uuid4().hex}")
    return {"ScalableTargetARN": target["arn"]}


def _arn(state: SageMakerState) -> str:
    return f"arn:aws:application-autoscaling:{state.context.region}:{state.context.account}"


def _checked(data: dict) -> str:
    if data["ServiceNamespace"] != "sagemaker" or data.get("ScalableDimension") != DIMENSION:
        raise validation(
            f"The local cloud scales {DIMENSION} of sagemaker: found {data.get('ScalableDimension')} of "
            f"{data['ServiceNamespace']}."
        )
    return data["ResourceId"]


def _target(state: SageMakerState, resource: str) -> dict:
    if resource not in state.scalable_targets:
        raise SageMakerError(
            "ObjectNotFoundException",
            f"No scalable target found for service namespace: sagemaker, resource ID: {resource}, scalable dimension: "
            f"{DIMENSION}",
        )
    return state.scalable_targets[resource]


def deregister_target(state: SageMakerState, data: dict) -> dict:
    """Deregistering "deletes the scaling policies and the scheduled actions that are associated with it"."""
    resource = _checked(data)
    with state.lock:
        target = _target(state, resource)
        state.scalable_targets.pop(resource)
    for policy in target["policies"].values():
        _delete_alarms(state, policy)
    return {}


def describe_targets(state: SageMakerState, data: dict) -> dict:
    wanted = data.get("ResourceIds")
    with state.lock:
        return {
            "ScalableTargets": [
                {
                    **{"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": DIMENSION},
                    **{"MinCapacity": target["MinCapacity"], "MaxCapacity": target["MaxCapacity"]},
                    "RoleARN": f"arn:aws:iam::{state.context.account}:role/aws-service-role/"
                    "sagemaker.application-autoscaling.amazonaws.com/"
                    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
                    **{"CreationTime": target["CreationTime"], "ScalableTargetARN": target["arn"]},
                }
                for resource, target in state.scalable_targets.items()
                if wanted is None or resource in wanted
            ]
        }


def put_policy(state: SageMakerState, data: dict) -> dict:
    resource, tracking = _checked(data), data.get("TargetTrackingScalingPolicyConfiguration")
    if data.get("PolicyType") != "TargetTrackingScaling" or not tracking:
        raise validation("The local cloud knows policies of the type TargetTrackingScaling: give their configuration.")
    kind = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    if kind != METRIC:
        raise validation(f"The local cloud tracks {METRIC}: found {kind}.")
    with state.lock:
        target = _target(state, resource)
        policy = target["policies"].setdefault(
            data["PolicyName"],
            {
                "PolicyARN": f"{_arn(state)}:scalingPolicy:{uuid.uuid4()}:resource/sagemaker/{resource}:policyName/"
                f"{data['PolicyName']}",
                "CreationTime": time.time(),
                "Alarms": _alarms(state, resource),
            },
        )
        policy.update(
            PolicyName=data["PolicyName"],
            ServiceNamespace="sagemaker",
            ResourceId=resource,
            ScalableDimension=DIMENSION,
            PolicyType=data["PolicyType"],
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
    _put_alarms(state, policy)
    return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}


def _alarms(state: SageMakerState, resource: str) -> list[dict[str, str]]:
    names = [f"TargetTracking-{resource}-Alarm{word}-{uuid.uuid4()}" for word in ("High", "Low")]
    prefix = f"arn:aws:cloudwatch:{state.context.region}:{state.context.account}:alarm:"
    return [{"AlarmName": name, "AlarmARN": prefix + name} for name in names]


def _put_alarms(state: SageMakerState, policy: dict) -> None:
    endpoint, variant = place_of(policy["ResourceId"])
    target = policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
    high, low = (alarm["AlarmName"] for alarm in policy["Alarms"])
    for name, comparison, threshold, periods in (
        (high, "GreaterThanThreshold", target, _HIGH_PERIODS),
        (low, "LessThanThreshold", target * _LOW_SHARE, _LOW_PERIODS),
    ):
        _cloudwatch(
            state,
            "_put_metric_alarm",
            {
                **{"AlarmName": name, "ComparisonOperator": comparison, "Threshold": threshold},
                **{"Namespace": "AWS/SageMaker", "MetricName": "InvocationsPerInstance", "Statistic": "Sum"},
                **{"Period": 60, "EvaluationPeriods": periods, "TreatMissingData": "missing"},
                "Dimensions": [
                    {"Name": "EndpointName", "Value": endpoint},
                    {"Name": "VariantName", "Value": variant},
                ],
                "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}.",
            },
        )


def _delete_alarms(state: SageMakerState, policy: dict) -> None:
    _cloudwatch(state, "_delete_alarms", {"AlarmNames": [alarm["AlarmName"] for alarm in policy["Alarms"]]})


def _cloudwatch(state: SageMakerState, function: str, data: dict) -> Any:
    from ministack.core.responses import request_scope
    from ministack.services import cloudwatch

    calls = {
        "_put_metric_alarm": lambda: cloudwatch._put_metric_alarm({}, data, False, True),
        "_delete_alarms": lambda: cloudwatch._delete_alarms({}, data, False, True),
    }
    with request_scope(state.context.account, state.context.region):
        return calls[function]()


def describe_policies(state: SageMakerState, data: dict) -> dict:
    resource, names = data.get("ResourceId"), data.get("PolicyNames")
    with state.lock:
        return {
            "ScalingPolicies": [
                dict(policy)
                for own, target in state.scalable_targets.items()
                if resource in (None, own)
                for name, policy in target["policies"].items()
                if not names or name in names
            ]
        }


def delete_policy(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        policies = _target(state, _checked(data))["policies"]
        if data["PolicyName"] not in policies:
            raise SageMakerError("ObjectNotFoundException", f"No scaling policy found: {data['PolicyName']}")
        policy = policies.pop(data["PolicyName"])
    _delete_alarms(state, policy)
    return {}


OPERATIONS: dict[str, Callable[[SageMakerState, dict], dict]] = {
    "RegisterScalableTarget": register_target,
    "DeregisterScalableTarget": deregister_target,
    "DescribeScalableTargets": describe_targets,
    "PutScalingPolicy": put_policy,
    "DescribeScalingPolicies": describe_policies,
    "DeleteScalingPolicy": delete_policy,
}

RELIES_ON = [
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn(
        "services.cloudwatch",
        functions={
            "_delete_alarms": "(params, cbor_data, is_cbor, is_json)",
            "_put_metric_alarm": "(params, cbor_data, is_cbor, is_json)",
        },
    ),
]
