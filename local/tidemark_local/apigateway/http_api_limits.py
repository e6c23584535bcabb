"""An HTTP API takes 10 MB, and answers within 30 s or not at all.

"Quotas for configuring and running an HTTP API": maximum integration timeout 30 seconds, payload size 10 MB
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html). What is larger is answered 413,
what takes longer 503 (…/http-api-troubleshooting-lambda.html).
"""

import asyncio
import json

from ministack.services import apigateway

from ..host.context import LocalContext
from ..host.limits import limit
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn


def register(_context: LocalContext) -> None:
    """Limits requests to HTTP APIs. Call it once, before requests are served."""
    execute = apigateway.handle_execute

    async def handle_execute(
        api_id: str, stage: str, path: str, method: str, headers: dict, body: bytes, *rest, **options
    ):
        if len(body or b"") > limit("http-api.payload-bytes"):
            return _answer(413, "Request Entity Too Large")
        work = execute(api_id, stage, path, method, headers, body, *rest, **options)
        try:
            return await asyncio.wait_for(work, limit("http-api.timeout-ms") / 1000)
        except TimeoutError:
            return _answer(503, "Service Unavailable")

    apigateway.handle_execute = handle_execute


def _answer(status: int, message: str) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


PLUGIN = Plugin(
    name="apigateway.http_api_limits",
    service="API Gateway",
    words=__doc__,
    alone="Takes any payload, and waits for a function as long as it runs.",
    register=register,
    relies_on=[
        ReliesOn("app", has={"_handle_execute_api_request": ["apigw_v2.handle_execute("]}),
        ReliesOn(
            "services.apigateway",
            functions={
                "handle_execute": "(api_id, stage, path, method, headers, body, query_params, raw_query_string)"
            },
        ),
    ],
)
