"""Requests to DynamoDB Streams are checked on the stream they name.

The actions DescribeStream, GetShardIterator and GetRecords have the stream as their resource
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html). MiniStack asks for `*`, so
that a role with the right to one stream is refused.
"""

import json

from ministack.core import iam_actions
from ministack.services import dynamodb_streams

from .context import LocalContext


def register(_context: LocalContext) -> None:
    """Names the stream as the resource of a request. Call it once, before requests are served."""
    resource_of = iam_actions.extract_resource_arn

    def with_streams(service, method, path, headers, body, query_params, region, account_id):
        stream = _stream_of(body) if service in ("dynamodb", "dynamodbstreams") else None
        return stream or resource_of(service, method, path, headers, body, query_params, region, account_id)

    iam_actions.extract_resource_arn = with_streams


def _stream_of(body: bytes) -> str | None:
    try:
        request = json.loads(body or b"{}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(request, dict):
        return None
    arn = request.get("StreamArn") or _stream_in(request.get("ShardIterator"))
    return arn if isinstance(arn, str) else None


def _stream_in(iterator: object) -> str | None:
    """GetRecords names its stream only inside the iterator."""
    position = dynamodb_streams._decode_iterator(iterator) if isinstance(iterator, str) else None
    return position.get("arn") if position else None
