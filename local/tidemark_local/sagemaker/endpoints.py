"""Endpoints: the API operations and their changes of status.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html, API_UpdateEndpoint.html,
API_UpdateEndpointWeightsAndCapacities.html. An update is blue/green all at once: the new variants start beside the
old ones and take over when all of them answer their health check, else the old ones stay.
"""

import logging
import threading

from .errors import validation
from .models import find_endpoint_config, find_model
from .state import SageMakerState, now, page, selected
from .variants import StartError, Variant

logger = logging.getLogger("tidemark.sagemaker.endpoints")
_BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


def create(state: SageMakerState, data: dict) -> dict:
    name, arn = data["EndpointName"], state.arn("endpoint", data["EndpointName"])
    with state.lock:
        if name in state.endpoints:
            raise validation(f'Cannot create already existing endpoint "{arn}".')
        config = find_endpoint_config(state, data["EndpointConfigName"])
        variants = _variants(state, name, config)
        created = now()
        endpoint = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": config["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": created,
            "LastModifiedTime": created,
            **selected(data, "DeploymentConfig"),
            "_variants": [],
        }
        state.endpoints[name] = endpoint
        state.tag(arn, data.get("Tags"))
    _in_background(_bring_up, state, endpoint, variants, config["EndpointConfigName"])
    return {"EndpointArn": arn}


def _variants(state: SageMakerState, endpoint: str, config: dict) -> list[Variant]:
    return [
        Variant(state.context, endpoint, variant, find_model(state, variant["ModelName"]))
        for variant in config["ProductionVariants"]
    ]


def _in_background(work, *args) -> None:
    threading.Thread(target=work, args=args, name=f"endpoint-{work.__name__}", daemon=True).start()


def _bring_up(state: SageMakerState, endpoint: dict, fresh: list[Variant], config_name: str) -> None:
    """Starts the new variants together; they replace the old ones, or are given up when one of them does not start."""
    failures: list[str] = []

    def start(variant: Variant) -> None:
        try:
            variant.start()
        except StartError as error:
            failures.append(str(error))
        except Exception as error:
            logger.exception("variant %s of %s", variant.name, endpoint["EndpointName"])
            failures.append(f"Request to service failed: {error}")

    threads = [threading.Thread(target=start, args=(variant,), daemon=True) for variant in fresh]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with state.lock:
        # DeleteEndpoint may have come while the variants were starting.
        deleted = state.endpoints.get(endpoint["EndpointName"]) is not endpoint
        old = endpoint["_variants"]
        if failures or deleted:
            gone = fresh
            # "If the update fails, the endpoint rolls back to the configuration it had": it stays in service with the
            # old one.
            endpoint["EndpointStatus"] = "InService" if old else "Failed"
            endpoint["FailureReason"] = failures[0] if failures else "The endpoint was deleted."
        else:
            gone = old
            endpoint["_variants"], endpoint["EndpointConfigName"] = fresh, config_name
            endpoint["EndpointStatus"] = "InService"
            endpoint.pop("FailureReason", None)
        endpoint["LastModifiedTime"] = now()
    for variant in gone:
        variant.stop()


def find(state: SageMakerState, name: str) -> dict:
    if name not in state.endpoints:
        raise validation(f'Could not find endpoint "{state.arn("endpoint", name)}".')
    return state.endpoints[name]


def _idle(state: SageMakerState, name: str) -> dict:
    endpoint = find(state, name)
    if endpoint["EndpointStatus"] in _BUSY:
        raise validation(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')
    return endpoint


def update(state: SageMakerState, data: dict) -> dict:
    """UpdateEndpoint. RetainAllVariantProperties keeps weights and instance counts of variants with the same name."""
    with state.lock:
        endpoint = _idle(state, data["EndpointName"])
        config = find_endpoint_config(state, data["EndpointConfigName"])
        fresh = _variants(state, endpoint["EndpointName"], config)
        excluded = {item["VariantPropertyType"] for item in data.get("ExcludeRetainedVariantProperties", [])}
        if data.get("RetainAllVariantProperties"):
            old = {variant.name: variant for variant in endpoint["_variants"]}
            for variant in fresh:
                before = old.get(variant.name)
                if before and "DesiredWeight" not in excluded:
                    variant.weight = before.weight
                if before and "DesiredInstanceCount" not in excluded:
                    variant.instances = before.instances
        endpoint["EndpointStatus"], endpoint["LastModifiedTime"] = "Updating", now()
        endpoint.update(selected(data, "DeploymentConfig"))
    _in_background(_bring_up, state, endpoint, fresh, config["EndpointConfigName"])
    return {"EndpointArn": endpoint["EndpointArn"]}


def update_weights(state: SageMakerState, data: dict) -> dict:
    """UpdateEndpointWeightsAndCapacities: status Updating, then InService with the new weights."""
    with state.lock:
        endpoint = _idle(state, data["EndpointName"])
        known = {variant.name: variant for variant in endpoint["_variants"]}
        desired = data["DesiredWeightsAndCapacities"]
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
            answer["ProductionVariants"] = [
                {
                    "VariantName": variant.name,
                    "DeployedImages": [_image(variant)],
                    "CurrentWeight": variant.weight,
                    "DesiredWeight": variant.weight,
                    "CurrentInstanceCount": variant.instances,
                    "DesiredInstanceCount": variant.instances,
                }
                for variant in endpoint["_variants"]
            ]
    return answer


def _image(variant: Variant) -> dict:
    image = variant.model["_container"].get("Image", "")
    return {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": variant.model["CreationTime"]}


def delete(state: SageMakerState, data: dict) -> dict:
    """DeleteEndpoint frees everything the endpoint uses; its configuration and models stay."""
    with state.lock:
        endpoint = find(state, data["EndpointName"])
        state.endpoints.pop(data["EndpointName"])
        state.tags.pop(endpoint["EndpointArn"], None)
        variants, endpoint["_variants"] = endpoint["_variants"], []
    for variant in variants:
        _in_background(variant.stop)
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
