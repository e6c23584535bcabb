"""Which operation of which AWS API a request is for, by botocore's models.

X-Amz-Target for JSON ("AWS JSON 1.0 protocol", https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html), Action
for query (…/aws-query-protocol.html), the path for CBOR (…/smithy-rpc-v2.html), method and path for REST.
"""

import functools
from dataclasses import dataclass, field
from typing import Any

import botocore.session

# MiniStack's names of the services that botocore names otherwise, or divides.
_BOTOCORE = {
    "apigateway": ("apigatewayv2", "apigateway"),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-runtime"),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}


@dataclass(frozen=True)
class Request:
    """A request as MiniStack's handlers get it; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, list[str]]

    @property
    def form(self) -> bool:
        return self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")

    @property
    def cbor(self) -> bool:
        return "cbor" in self.headers.get("content-type", "") or "cbor" in self.headers.get("smithy-protocol", "")


@dataclass(frozen=True)
class Target:
    """The operation that a request names. `operation` is None when the API has none of that name."""

    service: str
    """botocore's name."""
    protocol: str
    """`json`, `cbor`, `query`, `rest-json` or `rest-xml`: in which the request came, and the answer goes."""
    name: str
    operation: Any = field(compare=False)
    labels: dict[str, str] = field(default_factory=dict, compare=False)


@functools.cache
def service_model(name: str) -> Any:
    """botocore's model of a service. Raises UnknownServiceError."""
    return _session().get_service_model(name)


def api_names(service: str) -> tuple[str, ...]:
    """botocore's names of the APIs behind one of MiniStack's services; none where botocore has no such API."""
    known = _available()
    return tuple(name for name in _BOTOCORE.get(service, (service,)) if name in known)


@functools.cache
def operation(service: str, name: str) -> Any:
    """botocore's model of an operation, or None."""
    model = service_model(service)
    return model.operation_model(name) if name in model._service_description["operations"] else None


def by_name(service: str, protocol: str, name: str) -> Target:
    return Target(service, protocol, name, operation(service, name))


@functools.cache
def by_target_prefix(services: tuple[str, ...], prefix: str) -> str | None:
    """The API whose requests carry this prefix in X-Amz-Target."""
    return next((name for name in services if service_model(name).metadata.get("targetPrefix") == prefix), None)


@functools.cache
def _session() -> Any:
    return botocore.session.Session()


@functools.cache
def _available() -> frozenset[str]:
    return frozenset(_session().get_available_services())
