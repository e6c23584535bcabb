"""Endpoints: the API operations and their changes of status.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html, API_UpdateEndpoint.html,
API_UpdateEndpointWeightsAndCapacities.html. How an update moves the traffic stands in rollout.py and fleets.py.
"""

import threading

from ..service_quotas import quotas
from . import fleets, rollout
from .errors import resource_limit_exceeded, validation
from .models import find_endpoint_config
from .state import SageMakerState, now, page, selected
from .variants import Variant

_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def create(state: SageMakerState, data: dict) -> dict:
    name, arn = data["EndpointName"], state.arn("endpoint", data["EndpointName"])
    with state.lock:
        if name in state.endpoints:
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        config = find_endpoint_config(state, data["EndpointConfigName"])
        fresh = fleets.make(state, name, config)
        _check_quota(state, fresh)
        created = now()
        endpoint = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": config["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": created,
            "LastModifiedTime": created,
            "_deployment": data.get("DeploymentConfig"),
            "_variants": [],
            "_green": fresh,
            "_green_share": 0.0,
            "_deleting": False,
        }
        state.endpoints[name] = endpoint
        state.tag(arn, data.get("Tags"))
    # "Specifying the deployment configuration does not automatically perform a blue/green update": it is kept for
    # updates with RetainDeploymentConfig.
    _in_background(fleets.bring_up, state, endpoint, config["EndpointConfigName"], rollout.Rollout())
    return {"EndpointArn": arn}


def _in_background(work, *args) -> None:
    threading.Thread(target=work, args=args, name=f"endpoint-{work.__name__}", daemon=True).start()


def _check_quota(state: SageMakerState, fresh: list[Variant]) -> None:
    """A new fleet counts beside all that run: an update needs room for both. Raises ResourceLimitExceeded."""
    asked: dict[str, int] = {}
    for variant in fresh:
        kind = variant.config.get("InstanceType")
        if kind:
            asked[kind] = asked.get(kind, 0) + variant.instances
    for kind, count in asked.items():
        refused = quotas.refusal(
            state.context.quotas, f"{kind} for endpoint usage", fleets.instances(state, kind), count
        )
        if refused:
            raise resource_limit_exceeded(refused)


def find(state: SageMakerState, name: str) -> dict:
    if name not in state.endpoints:
        raise validation(f'Could not find endpoint "{state.arn("endpoint", name)}".')
    return state.endpoints[name]


def _idle(state: SageMakerState, name: str) -> dict:
    endpoint = find(state, name)
    if endpoint["EndpointStatus"] in _BUSY:
        raise validation(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
    if endpoint["EndpointStatus"] == "Failed":
        # DescribeEndpoint, EndpointStatus: "DeleteEndpoint is the only operation that can be performed on a failed
        # endpoint."
        raise validation(
            f'Cannot update the failed endpoint "{endpoint["EndpointArn"]}": DeleteEndpoint is the only operation that '
            "can be performed on a failed endpoint."
        )
    return endpoint


def update(state: SageMakerState, data: dict) -> dict:
    """UpdateEndpoint. RetainAllVariantProperties keeps weights and instance counts of variants with the same name."""
    with state.lock:
        endpoint = _idle(state, data["EndpointName"])
        config = find_endpoint_config(state, data["EndpointConfigName"])
        fresh = fleets.make(state, endpoint["EndpointName"], config)
        _retain(data, endpoint["_variants"], fresh)
        deployment = endpoint["_deployment"] if data.get("RetainDeploymentConfig") else data.get("DeploymentConfig")
        plan = rollout.plan(
            deployment, min(variant.instances for variant in fleets.serving(fresh)), len(fleets.serving(fresh))
        )
        _check_same_variants(endpoint, fresh, plan)
        _check_scaled(state, endpoint, fresh)
        rollout.check_alarms(state, plan.alarms, [variant.model["ExecutionRoleArn"] for variant in fresh])
        _check_quota(state, fresh)
        for variant in fresh:
            variant.config_name = config["EndpointConfigName"]
        # After UpdateRollbackFailed the former new fleet serves too, until this change is done.
        endpoint["_mixed"] = endpoint["_green"]
        endpoint["EndpointStatus"], endpoint["LastModifiedTime"] = "Updating", now()
        endpoint["_deployment"], endpoint["_green"], endpoint["_green_share"] = deployment, fresh, 0.0
        endpoint["_pending"] = {"EndpointConfigName": config["EndpointConfigName"], "StartTime": now()}
    _in_background(fleets.bring_up, state, endpoint, config["EndpointConfigName"], plan)
    return {"EndpointArn": endpoint["EndpointArn"]}


def _retain(data: dict, old: list[Variant], fresh: list[Variant]) -> None:
    """RetainAllVariantProperties: "The default value is false", then weights and counts are the configuration's."""
    if not data.get("RetainAllVariantProperties"):
        return
    excluded = {item["VariantPropertyType"] for item in data.get("ExcludeRetainedVariantProperties", [])}
    before = {variant.name: variant for variant in old}
    for variant in fresh:
        was = before.get(variant.name)
        if was and "DesiredWeight" not in excluded:
            variant.weight = was.weight
        if was and "DesiredInstanceCount" not in excluded:
            variant.instances = was.instances


def _check_same_variants(endpoint: dict, fresh: list[Variant], plan: rollout.Rollout) -> None:
    """Deployment guardrails want the variants to keep their names
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html)."""
    old, new = ({variant.name for variant in fleets.serving(fleet)} for fleet in (endpoint["_variants"], fresh))
    if plan != rollout.Rollout() and old != new:
        raise validation(
            f"A deployment configuration needs the same variant names in the old and the new endpoint configuration: "
            f"{sorted(new)} found, {sorted(old)} serve."
        )


def _check_scaled(state: SageMakerState, endpoint: dict, fresh: list[Variant]) -> None:
    """ "If the update would change the instance type for any model that is a target for auto scaling, the update fails"
    (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html)."""
    before = {variant.name: variant.config.get("InstanceType") for variant in endpoint["_variants"]}
    for variant in fresh:
        resource = f"endpoint/{endpoint['EndpointName']}/variant/{variant.name}"
        old, new = before.get(variant.name), variant.config.get("InstanceType")
        if resource in state.scalable_targets and old is not None and old != new:
            raise validation(
                f"Variant {variant.name} is a target of automatic scaling: deregister it before its instance type "
                f"changes from {old} to {new}."
            )


def _check_growth(state: SageMakerState, known: dict[str, Variant], desired: list[dict]) -> None:
    """More instances count against the account's quota. Raises ValidationException for a variant that is not there, and
    ResourceLimitExceeded."""
    for item in desired:
        variant = known.get(item["VariantName"])
        kind = variant.config.get("InstanceType") if variant else None
        more = item.get("DesiredInstanceCount", 0) - (variant.instances if variant else 0)
        if kind and more > 0:
            refused = quotas.refusal(
                state.context.quotas, f"{kind} for endpoint usage", fleets.instances(state, kind), more
            )
            if refused:
                raise resource_limit_exceeded(refused)


def update_weights(state: SageMakerState, data: dict) -> dict:
    """UpdateEndpointWeightsAndCapacities: status Updating, then InService with the new weights."""
    with state.lock:
        endpoint = _idle(state, data["EndpointName"])
        known = {variant.name: variant for variant in endpoint["_variants"]}
        desired = data["DesiredWeightsAndCapacities"]
        _check_growth(state, known, desired)
        for item in desired:
            if item["VariantName"] not in known:
                raise validation(
                    f'The variant name(s) "{item["VariantName"]}" is/are not present within endpoint '
                    f'configuration "{endpoint["EndpointConfigName"]}".'
                )
        endpoint["EndpointStatus"], endpoint["LastModifiedTime"] = "Updating", now()

    def apply() -> None:
        with state.lock:
            for item in desired:
                variant = known[item["VariantName"]]
                variant.weight = item.get("DesiredWeight", variant.weight)
                variant.instances = item.get("DesiredInstanceCount", variant.instances)
            endpoint["EndpointStatus"], endpoint["LastModifiedTime"] = "InService", now()

    threading.Timer(0.2, apply).start()
    return {"EndpointArn": endpoint["EndpointArn"]}


def describe(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        endpoint = find(state, data["EndpointName"])
        answer = {key: value for key, value in endpoint.items() if not key.startswith("_")}
        if endpoint["_variants"]:
            for member, shadow in (("ProductionVariants", False), ("ShadowProductionVariants", True)):
                found = [_summary(variant) for variant in endpoint["_variants"] if variant.is_shadow is shadow]
                if found:
                    answer[member] = found
        if endpoint["_deployment"]:
            answer["LastDeploymentConfig"] = endpoint["_deployment"]
        if endpoint["EndpointStatus"] in ("Updating", "RollingBack") and endpoint.get("_pending"):
            answer["PendingDeploymentSummary"] = endpoint["_pending"]
    return answer


def _summary(variant: Variant) -> dict:
    serverless = variant.config.get("ServerlessConfig")
    return {
        "VariantName": variant.name,
        "DeployedImages": [_image(variant)],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        **(
            {"CurrentServerlessConfig": serverless}
            if serverless
            else {"CurrentInstanceCount": variant.instances, "DesiredInstanceCount": variant.instances}
        ),
    }


def _image(variant: Variant) -> dict:
    image = variant.model["_container"].get("Image", "")
    return {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": variant.model["CreationTime"]}


def delete(state: SageMakerState, data: dict) -> dict:
    """DeleteEndpoint frees everything the endpoint uses, with status Deleting meanwhile; its configuration and models
    stay."""
    with state.lock:
        endpoint = find(state, data["EndpointName"])
        if endpoint["_deleting"]:
            raise validation(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
        endpoint["_deleting"], endpoint["EndpointStatus"] = True, "Deleting"
        variants, endpoint["_variants"] = [*endpoint["_variants"], *endpoint.get("_mixed", [])], []
        # "If any are and you have permission to deregister the variant, Application Auto Scaling deregisters those".
        for variant in variants:
            state.scalable_targets.pop(f"endpoint/{data['EndpointName']}/variant/{variant.name}", None)

    def end() -> None:
        for variant in variants:
            variant.stop()
        with state.lock:
            if state.endpoints.get(data["EndpointName"]) is endpoint:
                state.endpoints.pop(data["EndpointName"])
                state.tags.pop(endpoint["EndpointArn"], None)

    _in_background(end)
    return {}


def list_endpoints(state: SageMakerState, data: dict) -> dict:
    def keep(endpoint: dict) -> bool:
        return data.get("StatusEquals") in (None, endpoint["EndpointStatus"])

    with state.lock:
        answer = page(
            list(state.endpoints.values()),
            data,
            key="Endpoints",
            keep=keep,
            name="EndpointName",
            sort={"Name": "EndpointName", "Status": "EndpointStatus"},
        )
    answer["Endpoints"] = [
        selected(item, "EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        for item in answer["Endpoints"]
    ]
    return answer


OPERATIONS = {
    "CreateEndpoint": create,
    "DescribeEndpoint": describe,
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DeleteEndpoint": delete,
    "ListEndpoints": list_endpoints,
}
