"""Which uses of a customer managed key each service makes for a request, and how it tells of a refusal."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from ..keys import KeyRefusal


@dataclass(frozen=True)
class Request:
    """One request to a service, within its account and region."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]]
    account: str
    region: str

    @property
    def operation(self) -> str:
        """The operation of a JSON request, from X-Amz-Target."""
        return self.headers.get("x-amz-target", "").rsplit(".", 1)[-1]

    @cached_property
    def members(self) -> dict[str, Any]:
        """The members of a JSON or CBOR request; none when the body can't be read: the service says so itself."""
        try:
            if "cbor" in self.headers.get("content-type", ""):
                import cbor2

                data = cbor2.loads(self.body)
            else:
                data = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return data if isinstance(data, dict) else {}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters of a Query request."""
        pairs = {**self.query, **parse_qs(self.body.decode("utf-8", errors="replace"))}
        return {name: values[0] if isinstance(values, list) else values for name, values in pairs.items()}


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
