"""Which uses of a customer managed key each service makes for a request, and how it tells of a refusal."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...requests import models, wire
from ..keys import KeyRefusal


@dataclass(frozen=True)
class Request(models.Request):
    """One request to a service, within its account and region."""

    account: str
    region: str

    @property
    def operation(self) -> str:
        """The operation of a JSON request, from X-Amz-Target."""
        return self.headers.get("x-amz-target", "").rsplit(".", 1)[-1]

    @cached_property
    def members(self) -> dict[str, Any]:
        """The members of a JSON or CBOR request."""
        return wire.document(self)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of a Query request."""
        return wire.form_pairs(self)


def text(members: dict[str, Any], name: str) -> str:
    """A member that is a text, else an empty one."""
    value = members.get(name)
    return value if isinstance(value, str) else ""


def json_answer(status: int, code: str, message: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An error in the AWS JSON protocol."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return status, {"Content-Type": "application/x-amz-json-1.1", **headers}, body


def passed_on(refusal: KeyRefusal, request_id: str) -> str:
    """KMS's words as SNS, SQS and DynamoDB hand them on."""
    code = {
        "denied": "AccessDeniedException",
        "not-found": "NotFoundException",
        "disabled": "DisabledException",
        "invalid-state": "KMSInvalidStateException",
    }[refusal.kind]
    return (
        f"{refusal.kms_message} (Service: AWSKMS; Status Code: 400; Error Code: {code}; Request ID: {request_id}; "
        "Proxy: null)"
    )
