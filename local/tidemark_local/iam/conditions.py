"""Condition keys of requests that the emulator does not read: `cloudwatch:namespace` of PutMetricData, and
`dynamodb:LeadingKeys` of single items.

"Actions, resources, and condition keys for Amazon CloudWatch"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html): "Filters actions based
on the presence of optional namespace values". Without it a statement for one namespace allows none. "Actions,
resources, and condition keys for Amazon DynamoDB"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html): "Filters access by the
partition key of the table". Without it a statement for some keys allows all.
"""

import json
from typing import Any

import cbor2
from ministack.core import iam_actions
from ministack.services import dynamodb

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_PUT = "cloudwatch:PutMetricData"
_ITEM_IN = {
    "dynamodb:GetItem": "Key",
    "dynamodb:DeleteItem": "Key",
    "dynamodb:UpdateItem": "Key",
    "dynamodb:PutItem": "Item",
}


def register(_context: LocalContext) -> None:
    """Adds the keys to those of a request's tags. Call it once, before requests are served."""
    original = iam_actions.request_tag_context

    def context_of(service: str, iam_action: str, body: bytes, params: dict) -> dict:
        found = original(service, iam_action, body, params)
        namespace = namespace_of(body, params) if iam_action == _PUT else None
        if namespace is not None:
            return {**found, "cloudwatch:namespace": namespace}
        keys = leading_keys_of(body, _ITEM_IN[iam_action]) if iam_action in _ITEM_IN else None
        return found if keys is None else {**found, "dynamodb:LeadingKeys": keys}

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


def leading_keys_of(body: bytes, member: str) -> list[str] | None:
    """The partition key of a request for one item, which stands in `member`; None where table or key are not there."""
    try:
        fields = json.loads(body)
        table = dynamodb._tables.get(fields["TableName"].rpartition("/")[2])
        return None if table is None else [str(value) for value in fields[member][table["pk_name"]].values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


PLUGIN = Plugin(
    name="iam.conditions",
    service="IAM",
    words=__doc__,
    alone="Does not read the key, so that a statement for one namespace allows none, one for some keys all.",
    register=register,
    operations=["cloudwatch:PutMetricData", "dynamodb:GetItem", "dynamodb:PutItem"],
    relies_on=[
        ReliesOn("app", has={"_dispatch_service_request": ["request_tag_context"]}),
        ReliesOn("core.iam_actions", functions={"request_tag_context": "(service, iam_action, body, params)"}),
        ReliesOn("services.dynamodb", values=["_tables"]),
    ],
)
