"""The CloudFormation types of SageMaker, made through the same operations as the API's.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackagegroup.html,
…-model.html, …-endpointconfig.html, …-endpoint.html: `Ref` is the ARN for all of them.
"""

import time
from collections.abc import Callable

from ..host.relies_on import ReliesOn
from ..requests import gate
from ..requests.models import operation as api_operation
from ..requests.templates import coerced
from . import endpoints, mlflow, models, registry
from .errors import SageMakerError, validation
from .state import SageMakerState

_CREATE_SECONDS = 300


def register(state: SageMakerState) -> None:
    """Adds the types to MiniStack's table of resource handlers."""
    from ministack.services.cloudformation import provisioners

    def generated(logical_id: str, stack_name: str) -> str:
        return provisioners._physical_name(stack_name, logical_id, max_len=63).replace("_", "-")

    def add(
        kind: str, member: str, operation: str, create: Callable, delete: Callable, wait: Callable | None = None
    ) -> None:
        def make(logical_id: str, props: dict, stack_name: str) -> tuple[str, dict]:
            data = _typed(operation, {member: generated(logical_id, stack_name), **props})
            found = gate.findings("sagemaker", operation, data)
            if found.violations:
                raise validation(found.text())
            arn = next(iter(create(state, data).values()))
            if wait:
                wait(data[member])
            return arn, {f"{kind}Arn": arn, member: data[member]}

        def remove(physical_id: str, props: dict) -> None:
            name = physical_id.rsplit("/", 1)[-1]
            try:
                delete(state, {member: _name(state, kind, name)})
            except SageMakerError as error:
                if error.code != "ValidationException":
                    raise

        def update(physical_id: str, old: dict, new: dict, stack_name: str) -> tuple[str, dict]:
            state.tags.pop(physical_id, None)
            state.tag(physical_id, new.get("Tags"))
            return physical_id, {f"{kind}Arn": physical_id, member: _name(state, kind, physical_id.rsplit("/", 1)[-1])}

        provisioners._RESOURCE_HANDLERS[f"AWS::SageMaker::{kind}"] = {
            "create": make,
            "update": update,
            "delete": remove,
        }

    def in_service(name: str) -> None:
        deadline = time.monotonic() + _CREATE_SECONDS
        while state.endpoints[name]["EndpointStatus"] == "Creating" and time.monotonic() < deadline:
            time.sleep(0.1)
        if state.endpoints[name]["EndpointStatus"] != "InService":
            raise RuntimeError(
                f"endpoint {name}: {state.endpoints[name].get('FailureReason', 'not in service in time')}"
            )

    add(
        "ModelPackageGroup",
        "ModelPackageGroupName",
        "CreateModelPackageGroup",
        registry.create_group,
        registry.delete_group,
    )
    add("Model", "ModelName", "CreateModel", models.create_model, models.delete_model)
    add(
        "EndpointConfig",
        "EndpointConfigName",
        "CreateEndpointConfig",
        models.create_endpoint_config,
        models.delete_endpoint_config,
    )
    add("Endpoint", "EndpointName", "CreateEndpoint", endpoints.create, endpoints.delete, in_service)
    provisioners._RESOURCE_HANDLERS["AWS::SageMaker::MlflowApp"] = mlflow.template_handler(state, _typed)


def _name(state: SageMakerState, kind: str, lower: str) -> str:
    """The name as it was given: ARNs hold it in lower case."""
    records = {
        "ModelPackageGroup": state.package_groups,
        "Model": state.models,
        "EndpointConfig": state.endpoint_configs,
        "Endpoint": state.endpoints,
    }[kind]
    return next((name for name in records if name.lower() == lower), lower)


def _typed(operation: str, data: dict) -> dict:
    return coerced(api_operation("sagemaker", operation).input_shape, data)


RELIES_ON = [
    ReliesOn(
        "services.cloudformation.provisioners",
        functions={"_physical_name": "(stack_name, logical_id, lowercase, max_len, seeded)"},
        values=["_RESOURCE_HANDLERS"],
    )
]
