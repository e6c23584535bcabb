"""Models and endpoint configurations: the API operations.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and API_CreateEndpointConfig.html with
their siblings. A model's container is resolved here, at CreateModel, also when it names a model package.
"""

from .errors import validation
from .state import SageMakerState, now, page, selected


def create_model(state: SageMakerState, data: dict) -> dict:
    name, arn = data["ModelName"], state.arn("model", data["ModelName"])
    containers = [data["PrimaryContainer"]] if data.get("PrimaryContainer") else data.get("Containers") or []
    if data.get("PrimaryContainer") and data.get("Containers"):
        raise validation("You can specify either PrimaryContainer or Containers, not both.")
    if not containers:
        raise validation("You must provide a PrimaryContainer or Containers.")
    if len(containers) > 1:
        raise validation("The local cloud serves models of one container: inference pipelines are not supported here.")
    if not data.get("ExecutionRoleArn"):
        raise validation(
            "1 validation error detected: Value null at 'executionRoleArn' failed to satisfy constraint: Member "
            "must not be null"
        )
    container = containers[0]
    if not container.get("Image") and not container.get("ModelPackageName"):
        raise validation("You must specify Image or ModelPackageName for a container.")
    state.check_role(data["ExecutionRoleArn"])
    with state.lock:
        resolved = container
        if container.get("ModelPackageName"):
            resolved = _package_container(state, container)
        if name in state.models:
            raise validation(f'Cannot create already existing model "{arn}".')
        state.models[name] = {
            **selected(data, "ModelName", "PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig"),
            "InferenceExecutionConfig": data.get("InferenceExecutionConfig", {"Mode": "Serial"}),
            "EnableNetworkIsolation": data.get("EnableNetworkIsolation", False),
            "CreationTime": now(),
            "ModelArn": arn,
            "_container": resolved,
        }
        state.tag(arn, data.get("Tags"))
    return {"ModelArn": arn}


def _package_container(state: SageMakerState, container: dict) -> dict:
    """The container of a model package: "the model artifacts and image come from the package"; own Environment wins."""
    name = container["ModelPackageName"]
    arn = name if name.startswith("arn:") else state.arn("model-package", name)
    package = state.packages.get(arn)
    if package is None:
        raise validation(f"ModelPackage {arn} does not exist.")
    found = package.get("InferenceSpecification", {}).get("Containers") or [{}]
    return {**found[0], "Environment": {**found[0].get("Environment", {}), **container.get("Environment", {})}}


def find_model(state: SageMakerState, name: str) -> dict:
    if name not in state.models:
        raise validation(f'Could not find model "{state.arn("model", name)}".')
    return state.models[name]


def describe_model(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        record = find_model(state, data["ModelName"])
        return {key: value for key, value in record.items() if not key.startswith("_")}


def delete_model(state: SageMakerState, data: dict) -> dict:
    """DeleteModel deletes only the model's entry: running endpoints keep serving it."""
    with state.lock:
        record = find_model(state, data["ModelName"])
        state.models.pop(data["ModelName"])
        state.tags.pop(record["ModelArn"], None)
    return {}


def list_models(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        answer = page(list(state.models.values()), data, key="Models", name="ModelName", sort={"Name": "ModelName"})
    answer["Models"] = [selected(record, "ModelName", "ModelArn", "CreationTime") for record in answer["Models"]]
    return answer


def create_endpoint_config(state: SageMakerState, data: dict) -> dict:
    name, arn = data["EndpointConfigName"], state.arn("endpoint-config", data["EndpointConfigName"])
    production, shadows = data["ProductionVariants"], data.get("ShadowProductionVariants") or []
    _check_variants(production, shadows, data)
    with state.lock:
        for variant in (*production, *shadows):
            find_model(state, variant["ModelName"])
        if name in state.endpoint_configs:
            raise validation(f'Cannot create already existing endpoint configuration "{arn}".')
        state.endpoint_configs[name] = {
            **selected(data, "EndpointConfigName", "DataCaptureConfig", "KmsKeyId", "ExecutionRoleArn", "VpcConfig"),
            "ProductionVariants": _with_defaults(production),
            **({"ShadowProductionVariants": _with_defaults(shadows)} if shadows else {}),
            "EndpointConfigArn": arn,
            "EnableNetworkIsolation": data.get("EnableNetworkIsolation", False),
            "CreationTime": now(),
        }
        state.tag(arn, data.get("Tags"))
    return {"EndpointConfigArn": arn}


def _with_defaults(variants: list[dict]) -> list[dict]:
    """InitialVariantWeight: "If unspecified, it defaults to 1.0." A serverless variant has no instances."""
    return [
        {
            "InitialVariantWeight": 1.0,
            **({} if variant.get("ServerlessConfig") else {"InitialInstanceCount": 1}),
            **variant,
        }
        for variant in variants
    ]


def _check_variants(production: list[dict], shadows: list[dict], data: dict) -> None:
    """Raises ValidationException for what a configuration may not hold."""
    names = [variant["VariantName"] for variant in (*production, *shadows)]
    if len(names) != len(set(names)):
        raise validation("Production variant names must be unique within an endpoint configuration.")
    for variant in (*production, *shadows):
        if not variant.get("ModelName"):
            raise validation(
                f"Production variant {variant['VariantName']} needs a ModelName: inference components are "
                "not supported by the local cloud."
            )
        if not variant.get("ServerlessConfig") and not variant.get("InstanceType"):
            raise validation(
                f"Production variant {variant['VariantName']} needs an InstanceType or a ServerlessConfig."
            )
    # "If you use this field, you can only specify one variant for ProductionVariants and one variant for
    # ShadowProductionVariants."
    if shadows and (len(production), len(shadows)) != (1, 1):
        raise validation(
            f"ShadowProductionVariants: found {len(production)} production and {len(shadows)} shadow variants; you can "
            "only specify one variant for ProductionVariants and one variant for ShadowProductionVariants."
        )
    _check_serverless(production, shadows, data)


def _check_serverless(production: list[dict], shadows: list[dict], data: dict) -> None:
    """ "Feature exclusions" (https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html) and the
    exclusions of shadow tests (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html)."""
    if not any(variant.get("ServerlessConfig") for variant in (*production, *shadows)):
        return
    found = [
        word
        for word, there in (
            ("shadow variants", bool(shadows)),
            ("more than one production variant", len(production) > 1),
            ("data capture", bool(data.get("DataCaptureConfig"))),
            ("a VPC", bool(data.get("VpcConfig"))),
            ("network isolation", bool(data.get("EnableNetworkIsolation"))),
        )
        if there
    ]
    if found:
        raise validation(f"A serverless endpoint cannot have {' or '.join(found)}.")


def find_endpoint_config(state: SageMakerState, name: str) -> dict:
    if name not in state.endpoint_configs:
        raise validation(f'Could not find endpoint configuration "{state.arn("endpoint-config", name)}".')
    return state.endpoint_configs[name]


def describe_endpoint_config(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        return dict(find_endpoint_config(state, data["EndpointConfigName"]))


def delete_endpoint_config(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        record = find_endpoint_config(state, data["EndpointConfigName"])
        state.endpoint_configs.pop(data["EndpointConfigName"])
        state.tags.pop(record["EndpointConfigArn"], None)
    return {}


def list_endpoint_configs(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        answer = page(
            list(state.endpoint_configs.values()),
            data,
            key="EndpointConfigs",
            name="EndpointConfigName",
            sort={"Name": "EndpointConfigName"},
        )
    answer["EndpointConfigs"] = [
        selected(record, "EndpointConfigName", "EndpointConfigArn", "CreationTime")
        for record in answer["EndpointConfigs"]
    ]
    return answer


OPERATIONS = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": list_models,
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": list_endpoint_configs,
}
