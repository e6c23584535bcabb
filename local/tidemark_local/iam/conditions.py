"""Condition keys of requests that the emulator does not read: `cloudwatch:namespace` of PutMetricData.

"Actions, resources, and condition keys for Amazon CloudWatch"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html): "Filters actions based
on the presence of optional namespace values". Without it a statement for one namespace allows none.
"""

import json
from typing import Any

import cbor2
from ministack.core import iam_actions

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_PUT = "cloudwatch:PutMetricData"


def register(_context: LocalContext) -> None:
    """Adds the keys to those of a request's tags. Call it once, before requests are served."""
    original = iam_actions.request_tag_context

    def context_of(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        found = original(service, iam_action, body, params)
        namespace = namespace_of(body, params) if iam_action == _PUT else None
        return found if namespace is None else {**found, "cloudwatch:namespace": namespace}

    iam_actions.request_tag_context = context_of


def namespace_of(body: bytes, params: dict[str, Any]) -> str | None:
    """The Namespace of a PutMetricData request in any of its three protocols; None where it has none."""
    given = params.get("Namespace")
    if given:
        return given[0] if isinstance(given, list) else given
    for decode in (json.loads, cbor2.loads):
        try:
            fields = decode(body)
        except (ValueError, cbor2.CBORDecodeError):
            continue
        namespace = fields.get("Namespace") if isinstance(fields, dict) else None
        return namespace if isinstance(namespace, str) else None
    return None


PLUGIN = Plugin(
    name="iam.conditions",
    service="IAM",
    words=__doc__,
    alone="Does not read the key, so that a statement for one namespace allows none.",
    register=register,
    operations=["cloudwatch:PutMetricData"],
    relies_on=[
        ReliesOn("app", has={"_dispatch_service_request": ["request_tag_context"]}),
        ReliesOn("core.iam_actions", functions={"request_tag_context": "(service, iam_action, body, params)"}),
    ],
)
