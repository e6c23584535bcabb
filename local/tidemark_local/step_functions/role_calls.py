"""Calls an AWS API for a state machine: with its role's credentials, in the names Step Functions uses.

"Passing parameters to a service API in Step Functions"
(https://docs.aws.amazon.com/step-functions/latest/dg/connect-parameters.html): "the native API action is always in
camel case, and parameter names will be in Pascal case"; results come back with Pascal-case names as well.
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..host.role_session import RoleSession

# The answer to a HEAD request has no body that names its error; botocore gives the status instead. Version 2 of the SDK
# for Java knows these (ExceptionTranslationInterceptor of its S3 client), the rest has no name and no message.
_WITHOUT_BODY = {
    ("HeadObject", "404"): ("NoSuchKey", "The specified key does not exist."),
    ("HeadBucket", "404"): ("NoSuchBucket", "The specified bucket does not exist."),
}


class CallError(Exception):
    """A failed call: the service's error code, whether its API model knows the code, and the message."""

    def __init__(self, code: str, modelled: bool, message: str, status: int, request_id: str):
        super().__init__(message)
        self.code, self.modelled, self.message = code, modelled, message
        self.status, self.request_id = status, request_id


def call(session: RoleSession, service: str, operation: str, arguments: dict, stamp: Callable[[Any], Any]) -> dict:
    """Runs `operation` (Pascal case) of a botocore service. `stamp` turns a datetime of the answer into its JSON
    form.
    """
    client = session.client(service)
    model = client.meta.service_model
    operation_model = model.operation_model(operation)
    input_shape = operation_model.input_shape
    given = _wire(arguments or {}, input_shape) if input_shape is not None else {}
    try:
        answer = client._make_api_call(operation, given)
    except ClientError as error:
        code, message = error.response["Error"].get("Code", "Unknown"), error.response["Error"].get("Message", "")
        meta = error.response.get("ResponseMetadata", {})
        if code == str(meta.get("HTTPStatusCode")):
            code, message = _WITHOUT_BODY.get((operation, code), (code, "null"))
        modelled = any(
            code in (shape.name, shape.metadata.get("error", {}).get("code")) for shape in model.error_shapes
        )
        raise CallError(
            code,
            modelled,
            message,
            meta.get("HTTPStatusCode", 0),
            meta.get("RequestId", ""),
        ) from error
    except BotoCoreError as error:
        raise CallError(type(error).__name__, False, str(error), 0, "") from error
    answer.pop("ResponseMetadata", None)
    return _shown(answer, operation_model.output_shape, stamp)


def pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _wire(value: Any, shape: Any) -> Any:
    """Members by their names in the API model, which begin in lower case for some services (states, logs)."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {pascal(member): member for member in shape.members}
        return {
            names.get(pascal(key), key): _wire(item, shape.members[names[pascal(key)]])
            if pascal(key) in names
            else item
            for key, item in value.items()
            if item is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_wire(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _wire(item, shape.value) for key, item in value.items()}
    if shape.type_name in ("string", "blob") and isinstance(value, (dict, list)):
        return json.dumps(value)  # "if the API expects a string, Step Functions sends the JSON text"
    return value


def _shown(value: Any, shape: Any, stamp: Callable[[Any], Any]) -> Any:
    if shape is None or value is None:
        return value
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            pascal(key): _shown(item, shape.members[key], stamp) if key in shape.members else item
            for key, item in value.items()
            if item is not None
        }
    if shape.type_name == "list":
        return [_shown(item, shape.member, stamp) for item in value]
    if shape.type_name == "map":
        return {key: _shown(item, shape.value, stamp) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return stamp(value)
    if shape.type_name == "blob":
        data = value if isinstance(value, bytes) else value.read()
        return data.decode(errors="replace")
    return value
