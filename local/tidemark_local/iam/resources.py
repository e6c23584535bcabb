"""The resource that a request's policies are asked about, where the emulator names another one.

"Actions, resources, and condition keys for AWS Glue"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html): GetDatabase is about
`database/<name>`, and GetTable about `table/<database>/<name>`. The emulator takes the name of a database or job for
a table, and every request about a table for one about its database, so that a policy that names both is refused.
"… for Amazon DynamoDB" (…/list_amazondynamodb.html): DescribeStream, GetShardIterator and GetRecords are about the
stream.
"… for Amazon CloudWatch" (…/list_amazoncloudwatch.html): PutMetricAlarm, DeleteAlarms and DescribeAlarms are about the
alarms that they name. The emulator sees the name in the Query protocol only. Of a list the first one is asked about.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import dynamodb_streams

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_DATABASE_ACTIONS = {"GetDatabase", "UpdateDatabase", "DeleteDatabase"}
_JOB_ACTIONS = {"CreateJob"}


def register(_context: LocalContext) -> None:
    """Corrects the resource of Glue and DynamoDB Streams requests. Call it once, before requests are served."""
    original = iam_actions.extract_resource_arn

    def extract(
        service: str,
        method: str,
        path: str,
        headers: dict[str, Any],
        body: bytes,
        query_params: dict[str, Any],
        region: str = "",
        account_id: str = "",
    ) -> str:
        own = resource_of(headers.get("x-amz-target", ""), body, region, account_id)
        if service == "monitoring":
            alarm = alarm_of(headers, body)
            own = alarm and f"arn:aws:cloudwatch:{region}:{account_id}:alarm:{alarm}"
        return own or original(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = extract


def resource_of(target: str, body: bytes, region: str, account_id: str) -> str | None:
    """The ARN for a request with this X-Amz-Target; None where the emulator's own answer holds."""
    api, _, action = target.rpartition(".")
    if api not in ("AWSGlue", "DynamoDBStreams_20120810"):
        return None
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    if api != "AWSGlue":
        return _text(fields, "StreamArn") or _text(_position(fields), "arn")
    name = _text(fields, "Name") or _text(fields, "TableName") or _text(fields.get("TableInput"), "Name")
    prefix = f"arn:aws:glue:{region}:{account_id}"
    if action in _DATABASE_ACTIONS and name:
        return f"{prefix}:database/{name}"
    if action in _JOB_ACTIONS and name:
        return f"{prefix}:job/{name}"
    database = _text(fields, "DatabaseName")
    if database and name:
        return f"{prefix}:table/{database}/{name}"
    return None


def alarm_of(headers: dict[str, Any], body: bytes) -> str | None:
    """The first alarm that a CloudWatch request names, in its JSON or Query protocol; None when it names none."""
    try:
        if headers.get("x-amz-target"):
            fields = json.loads(body or b"{}")
        else:
            fields = {key: values[0] for key, values in parse_qs(body.decode()).items()}
    except ValueError:
        return None
    if not isinstance(fields, dict):
        return None
    names = fields.get("AlarmNames") or [
        value for key, value in fields.items() if re.match(r"AlarmNames\.member\.", key)
    ]
    return _text(fields, "AlarmName") or (names[0] if isinstance(names, list) and names else None)


def _position(fields: dict[str, Any]) -> dict[str, Any] | None:
    """GetRecords names its stream only inside the iterator."""
    iterator = _text(fields, "ShardIterator")
    return dynamodb_streams._decode_iterator(iterator) if iterator else None


def _text(fields: Any, key: str) -> str | None:
    value = fields.get(key) if isinstance(fields, dict) else None
    return value if isinstance(value, str) and value else None


PLUGIN = Plugin(
    name="iam.resources",
    service="IAM",
    words=__doc__,
    alone=(
        "Takes the name of a database or job for a table, a request about a table for one about its database, and"
        " does not see the stream or alarm that is asked about."
    ),
    register=register,
    operations=[
        "glue:GetDatabase",
        "glue:GetTable",
        "dynamodbstreams:DescribeStream",
        "dynamodbstreams:GetShardIterator",
        "dynamodbstreams:GetRecords",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:DeleteAlarms",
        "cloudwatch:DescribeAlarms",
    ],
    relies_on=[
        ReliesOn("app", has={"_dispatch_service_request": ["extract_resource_arn("]}),
        ReliesOn(
            "core.iam_actions",
            functions={
                "extract_resource_arn": "(service, method, path, headers, body, query_params, region, account_id)"
            },
        ),
        ReliesOn("services.dynamodb_streams", functions={"_decode_iterator": "(token)"}),
    ],
)
