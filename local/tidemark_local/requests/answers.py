"""How each service refuses a request: the code, the words and the form of the answer.

JSON and REST-JSON: `__type` or `x-amzn-ErrorType`, and `message`; query: `<ErrorResponse>`; S3: `<Error>`
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
"""

import json
import struct
from xml.sax.saxutils import escape

from .findings import Findings, Path, Violation, dotted
from .java import camel
from .models import Target, service_model

Answer = tuple[int, dict[str, str], bytes]

# The code for a request that breaks constraints, where it isn't ValidationException ("CommonErrors" of each API).
_CODES = {
    "apigatewayv2": "BadRequestException",
    "autoscaling": "ValidationError",
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "sagemaker-runtime": "ValidationError",
    "sns": "ValidationError",
    "sts": "ValidationError",
}


def refusal(target: Target, found: Findings) -> Answer:
    """The service's answer to a request that breaks constraints of its model."""
    if target.service == "s3":
        return _s3(target, found.violations[0].path)
    if target.service == "sqs":
        return _sqs(target, found.violations[0])
    runtime = next((item for item in found.violations if item.kind == "enum" and item.where() == "runtime"), None)
    if target.service == "lambda" and runtime:
        message = f"Value {runtime.value} at 'runtime' failed to satisfy constraint: {runtime.rule} or be a valid ARN"
        return answer(target, "InvalidParameterValueException", message)
    return answer(target, _CODES.get(target.service, "ValidationException"), found.text())


def unreadable(target: Target, why: str, path: Path = None) -> Answer:
    """The answer to a request that can't be read at all, or not the member at `path`."""
    if target.service == "s3":
        return _s3(target, path)
    code = "MalformedInput" if target.protocol == "query" else "SerializationException"
    return answer(target, code, why)


def unknown_operation(target: Target) -> Answer:
    """The answer to an operation that the API does not have, or to a request that names none."""
    if target.protocol == "query" and not target.name:
        # "Common Errors" of the query APIs, e.g. https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html
        return answer(target, "MissingAction", "The request is missing an action or a required parameter.")
    if target.protocol == "query":
        version = service_model(target.service).metadata["apiVersion"]
        return answer(target, "InvalidAction", f"Could not find operation {target.name} for version {version}")
    if target.protocol.startswith("rest"):
        message = "Unable to determine service/operation name to be authorized"
        return answer(target, "AccessDeniedException", message, 403)
    return answer(target, "UnknownOperationException", f"The API of {target.service} has no operation {target.name}.")


def answer(target: Target, code: str, message: str, status: int = 400) -> Answer:
    """An error in the form of the protocol that the request came in."""
    if target.protocol == "rest-xml":
        body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return status, {"Content-Type": "application/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
    if target.protocol == "query":
        body = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        return status, {"Content-Type": "text/xml"}, f"<ErrorResponse>{body}</ErrorResponse>".encode()
    if target.protocol == "cbor":
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        if target.service == "kinesis":  # CBOR under X-Amz-Target, as the SDK for Java sends it
            headers = {"Content-Type": "application/x-amz-cbor-1.1"}
        return status, headers, _cbor_map({"__type": code, "message": message})
    if target.protocol == "rest-json":
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        return status, headers, json.dumps({"message": message, "Message": message}).encode()
    version = (
        "1.0" if target.service in ("dynamodb", "dynamodbstreams", "sqs", "stepfunctions", "cloudwatch") else "1.1"
    )
    body = json.dumps({"__type": code, "message": message})
    return status, {"Content-Type": f"application/x-amz-json-{version}"}, body.encode()


_MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"


def _sqs(target: Target, violation: Violation) -> Answer:
    """SQS, whose model has required members and names of attributes alone, has words of its own as well."""
    if violation.kind == "null":
        name = violation.where().split(".")[-1]
        message = f"The request must contain the parameter {name[0].upper()}{name[1:]}."
        return answer(target, "MissingParameter", message)
    return answer(target, "InvalidAttributeName", f"Unknown Attribute {str(violation.value).strip('[]')}.")


def _s3(target: Target, path: Path) -> Answer:
    """S3 has words of its own: a header or parameter is an invalid argument, the body malformed."""
    top = dotted(path).split(".")[0]
    member = next((shape for name, shape in target.operation.input_shape.members.items() if camel(name) == top), None)
    if member is None or member.serialization.get("location") not in ("header", "querystring"):
        return answer(target, "MalformedXML", _MALFORMED)
    if member.serialization["name"] == "x-amz-storage-class":
        return answer(target, "InvalidStorageClass", "The storage class you specified is not valid")
    return answer(target, "InvalidArgument", f"Invalid argument: {member.serialization['name']}")


def _cbor_map(values: dict[str, str]) -> bytes:
    """A map of texts in CBOR (RFC 8949, section 3.1)."""
    return bytes([0xA0 | len(values)]) + b"".join(_cbor_text(text) for item in values.items() for text in item)


def _cbor_text(text: str) -> bytes:
    data = text.encode()
    if len(data) < 24:
        return bytes([0x60 | len(data)]) + data
    return b"\x7a" + struct.pack(">I", len(data)) + data
