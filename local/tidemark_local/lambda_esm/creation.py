"""What CreateEventSourceMapping checks and answers for streams, by the API and by a template.

The emulator takes everything. On AWS the same source and function again is a conflict, also where a template makes a
mapping's replacement before it deletes the one before; a stream must exist; a filter must be a pattern
(https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html).
"""

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from .sources import source_for

CFN_TYPE = "AWS::Lambda::EventSourceMapping"
_DEFAULTS = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
}
_INVALID = "InvalidParameterValueException"
_SHORTEST_AGE_SECONDS = 60


class Refused(ValueError):
    """A mapping that AWS does not take: error code, AWS's words, HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(f"{message} (Service: Lambda, Status Code: {status})")
        self.code, self.message, self.status = code, message, status


def register(_context: LocalContext) -> None:
    """Checks mappings of streams before they are made or changed. Call it once."""
    lambda_svc._match_esm_filter = matches
    _by_api()
    _by_template()


def matches(record: dict[str, Any], pattern: dict[str, Any]) -> bool:
    """Filters have the rules of EventBridge: `exists` asks for leaves only, `numeric` matches no text, and DynamoDB's
    numbers are texts (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html)."""
    alternatives = eventbridge._compiled_pattern(json.dumps(pattern))
    return any(eventbridge._matches_detail(record, alternative) for alternative in alternatives or [])


def check_settings(arn: str, settings: dict[str, Any]) -> None:
    """Raises Refused for a filter or an age that a stream's mapping cannot have."""
    for item in (settings.get("FilterCriteria") or {}).get("Filters") or []:
        pattern = item.get("Pattern")
        if not isinstance(pattern, str) or eventbridge._parse_pattern_text(pattern)[0] is None:
            raise Refused(_INVALID, "Invalid filter pattern definition.")
    age = int(settings.get("MaximumRecordAgeInSeconds", -1))
    if source_for(arn) and age != -1 and age < _SHORTEST_AGE_SECONDS:
        allowed = f"-1 or {_SHORTEST_AGE_SECONDS} to 604800"
        raise Refused(_INVALID, f"MaximumRecordAgeInSeconds is {age}: {allowed} is allowed.")


def check_new(settings: dict[str, Any], function: str, qualifier: str | None) -> None:
    """Raises Refused when the mapping cannot be made. `function` is the function's name."""
    arn = settings.get("EventSourceArn", "")
    source = source_for(arn)
    if source is None:
        return
    starting = settings.get("StartingPosition")
    if not starting:
        null = "Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
        raise Refused(_INVALID, f"1 validation error detected: {null}")
    if starting == "AT_TIMESTAMP" and source.batch_info == "DDBStreamBatchInfo":
        raise Refused(_INVALID, f"Unsupported starting position for arn type: {arn}")
    check_settings(arn, settings)
    if not source.identity():
        raise Refused(_INVALID, f"Stream not found: {arn}")
    for uuid, mapping in list(lambda_svc._esms.items()):
        if (mapping["EventSourceArn"], mapping["FunctionName"], mapping.get("Qualifier")) == (arn, function, qualifier):
            raise Refused(
                "ResourceConflictException",
                f'The event source arn (" {arn} ") and function (" {function} ") provided mapping already exists. '
                f"Please update or delete the existing mapping with UUID {uuid}",
                409,
            )


def _by_api() -> None:
    create_by_api, update_by_api = lambda_svc._create_esm, lambda_svc._update_esm

    def create(data: dict[str, Any]):
        if source_for(data.get("EventSourceArn", "")) is None:
            return create_by_api(data)
        function, qualifier = lambda_svc._resolve_name_and_qualifier(data.get("FunctionName", ""))
        try:
            check_new(data, function, qualifier)
        except Refused as refused:
            return error_response_json(refused.code, refused.message, refused.status)
        before = set(lambda_svc._esms.keys())
        status, headers, body = create_by_api({**_DEFAULTS, **data})
        for uuid in set(lambda_svc._esms.keys()) - before:
            _complete(uuid, data)
        if status == 202:
            told = {**json.loads(body), "State": "Creating", "StateTransitionReason": "User action"}
            body = json.dumps({**told, "TumblingWindowInSeconds": 0}).encode()
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return status, headers, body

    def update(uuid: str, data: dict[str, Any]):
        try:
            check_settings((lambda_svc._esms.get(uuid) or {}).get("EventSourceArn", ""), data)
        except Refused as refused:
            return error_response_json(refused.code, refused.message, refused.status)
        return update_by_api(uuid, data)

    lambda_svc._create_esm, lambda_svc._update_esm = create, update


def _by_template() -> None:
    handlers = provisioners._RESOURCE_HANDLERS[CFN_TYPE]
    create_by_template, update_by_template = handlers["create"], handlers["update"]

    def create(logical_id: str, properties: dict[str, Any], stack_name: str):
        if source_for(properties.get("EventSourceArn", "")) is None:
            return create_by_template(logical_id, properties, stack_name)
        _function, name, _arn, qualifier = provisioners._lambda_function_for_cfn_ref(properties.get("FunctionName", ""))
        check_new(properties, name, qualifier)
        uuid, attributes = create_by_template(logical_id, {**_DEFAULTS, **properties}, stack_name)
        _complete(uuid, properties)
        return uuid, attributes

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str):
        check_settings(new.get("EventSourceArn", ""), new)
        return update_by_template(physical_id, old, new, stack_name)

    handlers["update"] = update
    # An update that needs a replacement looks the function up by its name.
    handlers["create"] = provisioners._lambda_esm_create = create


def _complete(uuid: str, given: dict[str, Any]) -> None:
    """What the emulator forgets of a new mapping."""
    mapping = lambda_svc._esms[uuid]
    mapping["StateTransitionReason"], mapping["TumblingWindowInSeconds"] = "User action", 0
    if given.get("MetricsConfig"):
        mapping["MetricsConfig"] = given["MetricsConfig"]
    if given.get("StartingPositionTimestamp") is not None:
        mapping["StartingPositionTimestamp"] = float(given["StartingPositionTimestamp"])


PLUGIN = Plugin(
    name="lambda_esm.creation",
    service="Lambda event source mappings",
    words=__doc__,
    alone="Takes every mapping.",
    register=register,
    operations=["lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping"],
    templates={"AWS::Lambda::EventSourceMapping": ["create"]},
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            functions={
                "_lambda_esm_create": "(logical_id, props, stack_name)",
                "_lambda_function_for_cfn_ref": "(function_ref)",
            },
            values=["_RESOURCE_HANDLERS"],
            has={"_lambda_esm_update": ["_lambda_esm_create"]},
        ),
        ReliesOn(
            "services.eventbridge",
            functions={"_matches_detail": "(detail, pattern)", "_parse_pattern_text": "(pattern_str)"},
            values=["_compiled_pattern"],
        ),
        ReliesOn(
            "services.lambda_svc",
            functions={
                "_create_esm": "(data)",
                "_match_esm_filter": "(record, pattern)",
                "_resolve_name_and_qualifier": "(name_or_arn)",
                "_update_esm": "(esm_id, data)",
            },
            values=["_esms"],
            has={"handle_request": ["_create_esm", "_update_esm"], "_apply_filter_criteria": ["_match_esm_filter"]},
        ),
    ],
)
