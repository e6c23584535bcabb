"""Names and texts of failed service calls in Step Functions: the words of the SDK that an integration uses.

Recorded: AWS SDK integrations speak as version 2 of the SDK for Java (`DynamoDb.DynamoDbException`, `… (Service:
DynamoDb, Status Code: 400, Request ID: …)`), optimized ones as version 1 (`DynamoDB.AmazonDynamoDBException`, `…
(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: …; Request ID: …; Proxy: null)`). An error that the service's
API model declares keeps its name; the rest have the service's general exception. Where nothing was recorded, the names
are those of the SDK's classes.
"""

from dataclasses import dataclass

from .role_calls import CallError


@dataclass(frozen=True)
class _Version1:
    """How version 1 of the SDK calls a service: in error names, in texts, and its general exception."""

    title: str
    service: str
    exception: str


_VERSION_1 = {
    "DynamoDB": _Version1("DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException"),
    "SQS": _Version1("SQS", "AmazonSQS", "AmazonSQSException"),
    "SNS": _Version1("SNS", "AmazonSNS", "AmazonSNSException"),
    "SageMaker": _Version1("SageMaker", "AmazonSageMaker", "AmazonSageMakerException"),
    "Glue": _Version1("Glue", "AWSGlue", "AWSGlueException"),
    "EventBridge": _Version1("EventBridge", "AmazonEventBridge", "AmazonEventBridgeException"),
    "Lambda": _Version1("Lambda", "AWSLambda", "AWSLambdaException"),
    "SFN": _Version1("StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException"),
}
_VERSION_2 = {"DynamoDB": "DynamoDb", "SNS": "Sns", "SQS": "Sqs", "SFN": "Sfn", "IAM": "Iam", "KMS": "Kms"}
# Declared by the service, though its API model does not say so for each operation.
_DECLARED = {("Glue", "AccessDeniedException")}


def of_optimized(service_id: str, error: CallError) -> tuple[str, str]:
    """(Error, Cause) of an optimized integration; `service_id` is that of botocore."""
    words = _VERSION_1[service_id]
    name = _class_of(error) if _declared(service_id, error) else words.exception
    return f"{words.title}.{name}", version_1_cause(words.service, error)


def version_1_cause(service: str, error: CallError) -> str:
    return (
        f"{error.message} (Service: {service}; Status Code: {error.status}; Error Code: {error.code}; "
        f"Request ID: {error.request_id}; Proxy: null)"
    )


def of_sdk(service_id: str, error: CallError) -> tuple[str, str]:
    """(Error, Cause) of an AWS SDK integration."""
    title = _VERSION_2.get(service_id, service_id.replace(" ", ""))
    name = _class_of(error) if _declared(service_id, error) else f"{title}Exception"
    cause = f"{error.message} (Service: {title}, Status Code: {error.status}, Request ID: {error.request_id})"
    return f"{title}.{name}", cause


def _declared(service_id: str, error: CallError) -> bool:
    return error.modelled or (service_id, error.code) in _DECLARED


def _class_of(error: CallError) -> str:
    return error.code if error.code.endswith("Exception") else f"{error.code}Exception"
