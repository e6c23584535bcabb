"""Event source mappings of Kafka, which the emulator refuses: managed (MSK) and self-managed clusters.

What may be set follows "All Amazon MSK event source configuration parameters"
(https://docs.aws.amazon.com/lambda/latest/dg/msk-esm-parameters.html) and "Configuring error handling controls for
Kafka event sources" (https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html): "When you configure
both infinite retries and an on-failure destination, Lambda automatically applies a maximum of 10 retry attempts". The
batching window is 500 ms where none is asked for. Credentials of brokers, schema registries and filters are refused
here and work on AWS; VPCs are taken and mean nothing.
"""

import time
import uuid
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from . import mappings
from .creation import CFN_TYPE, Refused
from .translate import truth

_INVALID = "InvalidParameterValueException"
_NETWORK = {"VPC_SUBNET", "VPC_SECURITY_GROUP"}
_RETRIES_WITH_DESTINATION = 10
_KEPT = (
    "AmazonManagedKafkaEventSourceConfig",
    "DestinationConfig",
    "MetricsConfig",
    "ProvisionedPollerConfig",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "StartingPositionTimestamp",
    "Tags",
)


def is_kafka(settings: dict[str, Any]) -> bool:
    return bool(settings.get("SelfManagedEventSource")) or (settings.get("EventSourceArn") or "").startswith(
        ("arn:aws:kafka:", "arn:aws-cn:kafka:", "arn:aws-us-gov:kafka:")
    )


def check(settings: dict[str, Any]) -> None:
    """Raises Refused for a mapping that cannot be made, or that is not emulated."""
    topics = settings.get("Topics") or []
    if len(topics) != 1:
        raise Refused(_INVALID, f"Topics has {len(topics)} names: 1 is allowed.")
    starting = settings.get("StartingPosition")
    if not starting:
        null = "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        raise Refused(_INVALID, f"1 validation error detected: {null}")
    if starting == "AT_TIMESTAMP" and settings.get("StartingPositionTimestamp") is None:
        raise Refused(_INVALID, "StartingPositionTimestamp is missing: AT_TIMESTAMP needs it.")
    for name in ("ParallelizationFactor", "TumblingWindowInSeconds"):
        if settings.get(name):
            raise Refused(_INVALID, f"{name} is not allowed for a Kafka event source.")
    age = int(settings.get("MaximumRecordAgeInSeconds", -1))
    if age != -1 and age < 60:
        raise Refused(_INVALID, f"MaximumRecordAgeInSeconds is {age}: -1 or 60 to 604800 is allowed.")
    access = {item.get("Type") for item in settings.get("SourceAccessConfigurations") or []}
    not_here = {
        "FilterCriteria": bool((settings.get("FilterCriteria") or {}).get("Filters")),
        "SourceAccessConfigurations other than of a VPC": bool(access - _NETWORK),
        "SchemaRegistryConfig": "SchemaRegistryConfig" in str(settings),
    }
    for name, asked in not_here.items():
        if asked:
            raise Refused(_INVALID, f"{name} works on AWS and is not emulated for Kafka: leave it out here.")


def made(settings: dict[str, Any], function: str, qualifier: str | None, function_arn: str) -> dict[str, Any]:
    """The emulator's record of a mapping."""
    enabled = truth(settings.get("Enabled", True))
    destination = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    retries = int(settings.get("MaximumRetryAttempts", -1))
    kept = {name: settings[name] for name in _KEPT if settings.get(name) is not None}
    return {
        "UUID": str(uuid.uuid4()),
        "EventSourceArn": settings.get("EventSourceArn") or "",
        "FunctionArn": function_arn,
        "FunctionName": function,
        "Qualifier": qualifier,
        "State": "Enabled" if enabled else "Disabled",
        "StateTransitionReason": "User action",
        "Enabled": enabled,
        "Topics": list(settings["Topics"]),
        "StartingPosition": settings["StartingPosition"],
        "BatchSize": int(settings.get("BatchSize") or 100),
        "MaximumBatchingWindowInSeconds": int(settings.get("MaximumBatchingWindowInSeconds") or 0),
        "BisectBatchOnFunctionError": truth(settings.get("BisectBatchOnFunctionError", False)),
        "MaximumRecordAgeInSeconds": int(settings.get("MaximumRecordAgeInSeconds", -1)),
        "MaximumRetryAttempts": _RETRIES_WITH_DESTINATION if retries == -1 and destination else retries,
        "FunctionResponseTypes": settings.get("FunctionResponseTypes") or [],
        "LastModified": int(time.time()),
        "LastProcessingResult": "No records processed",
        **kept,
    }


def register(_context: LocalContext) -> None:
    """Takes mappings of Kafka before the emulator refuses them. Call it once."""
    create_by_api = lambda_svc._create_esm
    handlers = provisioners._RESOURCE_HANDLERS[CFN_TYPE]
    create_by_template = handlers["create"]

    def create(data: dict[str, Any]):
        if not is_kafka(data):
            return create_by_api(data)
        function, qualifier, error = lambda_svc._resolve_existing_esm_function(data.get("FunctionName", ""))
        if function is None:
            return error
        try:
            check(data)
        except Refused as refused:
            return error_response_json(refused.code, refused.message, refused.status)
        arn = lambda_svc._func_arn(function) + (f":{qualifier}" if qualifier else "")
        return json_response(lambda_svc._esm_response(_keep(made(data, function, qualifier, arn))), 202)

    def create_from_template(logical_id: str, properties: dict[str, Any], stack_name: str):
        if not is_kafka(properties):
            return create_by_template(logical_id, properties, stack_name)
        properties = _as_api(properties)
        check(properties)
        _found, name, arn, qualifier = provisioners._lambda_function_for_cfn_ref(properties.get("FunctionName", ""))
        esm = _keep(made(properties, name, qualifier, arn))
        return esm["UUID"], provisioners._lambda_esm_attrs(esm["UUID"])

    lambda_svc._create_esm = create
    handlers["create"] = provisioners._lambda_esm_create = create_from_template


def _as_api(properties: dict[str, Any]) -> dict[str, Any]:
    """A template says KafkaBootstrapServers where the API says KAFKA_BOOTSTRAP_SERVERS (the CloudFormation reference,
    AWS::Lambda::EventSourceMapping Endpoints)."""
    brokers = ((properties.get("SelfManagedEventSource") or {}).get("Endpoints") or {}).get("KafkaBootstrapServers")
    if brokers is None:
        return properties
    return {**properties, "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": brokers}}}


def _keep(esm: dict[str, Any]) -> dict[str, Any]:
    lambda_svc._esms[esm["UUID"]] = esm
    if mappings.current:
        mappings.current.wake()
    return esm


PLUGIN = Plugin(
    name="lambda_esm.kafka_creation",
    service="Lambda event source mappings",
    words=__doc__,
    alone="Refuses any event source but a queue, a stream or a table.",
    register=register,
    operations=["lambda:CreateEventSourceMapping"],
    templates={"AWS::Lambda::EventSourceMapping": ["create"]},
    relies_on=[
        ReliesOn("core.responses", functions={"json_response": "(data, status, content_type)"}),
        ReliesOn(
            "services.cloudformation.provisioners",
            functions={
                "_lambda_esm_attrs": "(esm_id)",
                "_lambda_esm_create": "(logical_id, props, stack_name)",
                "_lambda_function_for_cfn_ref": "(function_ref)",
            },
            values=["_RESOURCE_HANDLERS"],
            has={"_lambda_esm_update": ["_lambda_esm_create"]},
        ),
        ReliesOn(
            "services.lambda_svc",
            functions={
                "_create_esm": "(data)",
                "_esm_response": "(esm)",
                "_func_arn": "(name)",
                "_resolve_existing_esm_function": "(function_ref)",
            },
            values=["_esms"],
            has={"handle_request": ["_create_esm"]},
        ),
    ],
)
