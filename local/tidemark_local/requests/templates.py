"""Properties of CloudFormation resources are held against the models of the APIs that AWS makes them with.

MiniStack makes most resources directly, without a request. Here what a property says is checked first: enums, lengths,
ranges and patterns of the members that have the property's name in the API, and the limits of limits.json. Members that
an API requires are CloudFormation's own matter. An update is checked as a create.

A refusal reads as in CloudFormation's events: `Resource handler returned message: "… (Service: Iam, Status Code: 400,
Request ID: …)" (RequestToken: …, HandlerErrorCode: InvalidRequest)`
(https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html).
"""

import functools
import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from ..host.relies_on import ReliesOn
from . import limits, models
from .constraints import Checks
from .findings import Findings, WrongType


class Api(NamedTuple):
    service: str
    operation: str
    names: dict[str, str]
    """Properties that the API names otherwise."""


def _lower(*names: str) -> dict[str, str]:
    return {name: name[0].lower() + name[1:] for name in names}


_APIS = {
    "AWS::ApiGatewayV2::Api": Api("apigatewayv2", "CreateApi", {}),
    "AWS::ApiGatewayV2::Integration": Api("apigatewayv2", "CreateIntegration", {}),
    "AWS::ApiGatewayV2::Route": Api("apigatewayv2", "CreateRoute", {}),
    "AWS::ApiGatewayV2::Stage": Api("apigatewayv2", "CreateStage", {}),
    "AWS::CloudWatch::Alarm": Api("cloudwatch", "PutMetricAlarm", {}),
    "AWS::CloudWatch::CompositeAlarm": Api("cloudwatch", "PutCompositeAlarm", {}),
    "AWS::CloudWatch::Dashboard": Api("cloudwatch", "PutDashboard", {}),
    "AWS::DynamoDB::GlobalTable": Api("dynamodb", "CreateTable", {}),
    "AWS::DynamoDB::Table": Api("dynamodb", "CreateTable", {}),
    "AWS::Events::Rule": Api("events", "PutRule", {}),
    "AWS::Glue::Database": Api("glue", "CreateDatabase", {}),
    "AWS::Glue::Job": Api("glue", "CreateJob", {}),
    "AWS::Glue::Trigger": Api("glue", "CreateTrigger", {}),
    "AWS::IAM::ManagedPolicy": Api("iam", "CreatePolicy", {"ManagedPolicyName": "PolicyName"}),
    "AWS::IAM::Policy": Api("iam", "PutRolePolicy", {}),
    "AWS::IAM::Role": Api("iam", "CreateRole", {}),
    "AWS::KMS::Key": Api("kms", "CreateKey", {"KeyPolicy": "Policy"}),
    "AWS::Kinesis::Stream": Api("kinesis", "CreateStream", {"Name": "StreamName"}),
    "AWS::Lambda::EventSourceMapping": Api("lambda", "CreateEventSourceMapping", {}),
    "AWS::Lambda::Function": Api("lambda", "CreateFunction", {}),
    "AWS::Lambda::Permission": Api("lambda", "AddPermission", {}),
    "AWS::Logs::LogGroup": Api("logs", "CreateLogGroup", _lower("LogGroupName", "KmsKeyId", "LogGroupClass")),
    "AWS::S3::BucketPolicy": Api("s3", "PutBucketPolicy", {"PolicyDocument": "Policy"}),
    "AWS::SNS::Topic": Api("sns", "CreateTopic", {"TopicName": "Name"}),
    "AWS::SQS::Queue": Api("sqs", "CreateQueue", {}),
    "AWS::Scheduler::Schedule": Api("scheduler", "CreateSchedule", {}),
    "AWS::Scheduler::ScheduleGroup": Api("scheduler", "CreateScheduleGroup", {}),
    "AWS::SecretsManager::Secret": Api("secretsmanager", "CreateSecret", {}),
    "AWS::StepFunctions::StateMachine": Api(
        "stepfunctions",
        "CreateStateMachine",
        {
            "StateMachineName": "name",
            "DefinitionString": "definition",
            "StateMachineType": "type",
            "RoleArn": "roleArn",
        },
    ),
}


# A template has a structure where the API has a map, whose keys are named otherwise: CloudFormation's Endpoints of
# AWS::Lambda::EventSourceMapping has KafkaBootstrapServers.
_MAP_KEYS = {"KafkaBootstrapServers": "KAFKA_BOOTSTRAP_SERVERS"}


class PropertyError(ValueError):
    """A property that AWS refuses, in the words of CloudFormation's event."""


def register(count: Callable[[str, int, bool], None]) -> None:
    """Puts the check before MiniStack's makers of resources. `count` is told the type, the members, and a refusal."""
    from ministack.services.cloudformation import provisioners

    for kind, handler in provisioners._RESOURCE_HANDLERS.items():
        if kind not in _APIS:
            continue
        provisioners._RESOURCE_HANDLERS[kind] = {
            **handler,
            **({"create": _checked(handler["create"], kind, 1, count)} if "create" in handler else {}),
            **({"update": _checked(handler["update"], kind, 2, count)} if "update" in handler else {}),
        }


def _checked(make: Callable, kind: str, properties_at: int, count: Callable[[str, int, bool], None]) -> Callable:
    @functools.wraps(make)
    def run(*arguments: Any, **options: Any) -> Any:
        properties = arguments[properties_at] or {}
        members, problem = refusal(kind, properties)
        count(f"cloudformation/{kind}", members, problem is not None)
        if problem:
            raise PropertyError(problem)
        return make(*arguments, **options)

    return run


def refusal(kind: str, properties: dict[str, Any]) -> tuple[int, str | None]:
    """How many members were looked at, and CloudFormation's words for what AWS refuses."""
    api = _APIS[kind]
    shape = models.operation(api.service, api.operation).input_shape
    given = {api.names.get(name, name): value for name, value in properties.items()}
    found = Findings()
    for name, value in given.items():
        if name in shape.members and value is not None:
            one = Findings()
            try:
                member = shape.members[name]
                _checks(api.service).of(member)(coerced(member, value), (None, name[0].lower() + name[1:]), one)
            except WrongType:  # a property of this name that is made otherwise, as a policy is a document
                continue
            found.members += 1 + one.members
            found.violations += [item for item in one.violations if item.kind != "null"]
    if found.violations:
        return found.members, _event(api.service, found.text(), 400, "InvalidRequest")
    for limited in _limited(kind, api, given):
        if limited:
            return found.members, _event(api.service, limited.message, limited.status, "ServiceLimitExceeded")
    return found.members, None


def _limited(kind: str, api: Api, given: dict[str, Any]) -> list[limits.Refusal | None]:
    size = len(json.dumps(given, default=str).encode())
    if kind == "AWS::IAM::Policy":
        roles = [role for role in given.get("Roles") or [] if isinstance(role, str)]
        return [limits.beyond("iam", "PutRolePolicy", {**given, "RoleName": role}, size) for role in roles]
    if kind == "AWS::IAM::Role":
        own = {f"{item['PolicyName']}": item["PolicyDocument"] for item in given.get("Policies") or []}
        return [limits.beyond("iam", "CreateRole", given, size), limits.inline_policies("(new)", own)]
    if kind in ("AWS::SNS::Topic", "AWS::SQS::Queue") and not {"Name", "QueueName"} & set(given):
        return []
    return [limits.beyond(api.service, api.operation, given, size)]


def _event(service: str, message: str, status: int, code: str) -> str:
    title = models.service_model(service).service_id.replace(" ", "")
    return (
        f'Resource handler returned message: "{message} (Service: {title}, Status Code: {status}, Request ID: '
        f'{uuid.uuid4()})" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
    )


def coerced(shape: Any, value: Any) -> Any:
    """A value of a template by the types of the API: CloudFormation gives numbers and booleans as text at times."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {key: coerced(shape.members[key], item) if key in shape.members else item for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [coerced(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {_MAP_KEYS.get(key, key): coerced(shape.value, item) for key, item in value.items()}
    if isinstance(value, str) and shape.type_name in ("integer", "long"):
        return int(value)
    if isinstance(value, str) and shape.type_name in ("float", "double"):
        return float(value)
    if isinstance(value, str) and shape.type_name == "boolean":
        return value.lower() == "true"
    return str(value) if shape.type_name == "string" and isinstance(value, (int, float)) else value


@functools.cache
def _checks(service: str) -> Checks:
    return Checks(service, wire=False)


RELIES_ON = [
    ReliesOn(
        "services.cloudformation.provisioners",
        values=["_RESOURCE_HANDLERS"],
        has={"_provision_resource": ["_RESOURCE_HANDLERS"]},
    )
]
