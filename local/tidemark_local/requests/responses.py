"""Answers that AWS would not give in this size: of a function, and of BatchGetItem."""

import json
import zlib
from typing import Any

from ..host.limits import limit
from ..host.relies_on import ReliesOn
from .models import Request

Response = tuple[int, dict, Any]


def limited(request: Request, response: Response) -> Response:
    """The answer as AWS limits it."""
    status, headers, body = response
    if status != 200 or not isinstance(body, bytes):
        return response
    if request.path.endswith("/invocations") and "/functions/" in request.path:
        return _function(headers, body) if len(body) > limit("lambda.response-bytes") else response
    if request.headers.get("x-amz-target") == "DynamoDB_20120810.BatchGetItem":
        return _batch_get(request, headers, body) if len(body) > limit("dynamodb.batch-get-bytes") else response
    return response


def _function(headers: dict, _body: bytes) -> Response:
    """ "Response payload size exceeded maximum allowed payload size": the function counts as failed
    (https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html)."""
    most = limit("lambda.response-bytes")
    error = {
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({most} bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    return 200, {**headers, "X-Amz-Function-Error": "Unhandled"}, json.dumps(error).encode()


def _batch_get(request: Request, headers: dict, body: bytes) -> Response:
    """ "If a partial result is returned, the operation returns a value for UnprocessedKeys"
    (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html)."""
    from ministack.services import dynamodb

    asked, document = json.loads(request.body)["RequestItems"], json.loads(body)
    left, unprocessed = limit("dynamodb.batch-get-bytes"), document.get("UnprocessedKeys") or {}
    for table, items in document["Responses"].items():
        kept = []
        for item in items:
            left -= dynamodb._item_size_bytes(item)
            if left >= 0:
                kept.append(item)
                continue
            keys = unprocessed.setdefault(table, {**asked[table], "Keys": []})["Keys"]
            keys.append(next(key for key in asked[table]["Keys"] if all(item.get(name) == key[name] for name in key)))
        document["Responses"][table] = kept
    answer = json.dumps({**document, "UnprocessedKeys": unprocessed}).encode()
    checksum = {name: str(zlib.crc32(answer)) for name in headers if name.lower() == "x-amz-crc32"}
    return 200, {**headers, **checksum}, answer


RELIES_ON = [ReliesOn("services.dynamodb", functions={"_item_size_bytes": "(item)"})]
