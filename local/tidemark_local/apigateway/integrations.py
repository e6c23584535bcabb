"""HTTP APIs in front of functions: the function's policy must let API Gateway in, for the API's route.

"API Gateway must have permission to invoke your Lambda function"; without it the caller gets status 500 and `Internal
Server Error` (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html). The
source is the API with stage, method and path
(https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html#apigateway-permissions).
"""

import json
import logging
from typing import Any

from ministack.services import apigateway

from ..deliveries.service_calls import ServiceCall, refusal
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

logger = logging.getLogger("tidemark.apis")
API_GATEWAY = "apigateway.amazonaws.com"


def register(context: LocalContext) -> None:
    """Asks the function's policy before an HTTP API calls the function. Call it once, before requests are served."""
    invoke = apigateway._invoke_lambda_proxy

    async def invoke_when_allowed(
        integration: dict[str, Any],
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: dict[str, Any],
        body: bytes,
        query_params: dict[str, Any],
        route_key: str = "$default",
        *arguments: Any,
        **named: Any,
    ):
        reference = apigateway._extract_lambda_ref_from_integration_uri(integration.get("integrationUri", ""))
        function = reference if reference.startswith("arn:") else _arn(context, reference)
        source = source_arn(context, api_id, stage, method, route_key)
        refused = refusal(context, ServiceCall(API_GATEWAY, "lambda:InvokeFunction", function, source))
        if refused:
            logger.warning("%s: %s", source, refused)
            return 500, {"Content-Type": "application/json"}, json.dumps({"message": "Internal Server Error"}).encode()
        return await invoke(
            integration, api_id, stage, path, method, headers, body, query_params, route_key, *arguments, **named
        )

    apigateway._invoke_lambda_proxy = invoke_when_allowed


def source_arn(context: LocalContext, api_id: str, stage: str, method: str, route_key: str) -> str:
    """`aws:SourceArn` of a request: API, stage, method, and the path of the route."""
    path = route_key.partition(" ")[2] or "/$default"
    return f"arn:aws:execute-api:{context.region}:{context.account}:{api_id}/{stage}/{method}{path}"


def _arn(context: LocalContext, name: str) -> str:
    return f"arn:aws:lambda:{context.region}:{context.account}:function:{name}"


PLUGIN = Plugin(
    name="apigateway.integrations",
    service="API Gateway",
    words=__doc__,
    alone="Calls the function without asking its policy.",
    register=register,
    relies_on=[
        ReliesOn(
            "services.apigateway",
            functions={
                "_extract_lambda_ref_from_integration_uri": "(uri)",
                "_invoke_lambda_proxy": (
                    "(integration, api_id, stage, path, method, headers, body, query_params, route_key, "
                    "path_params, authorizer_claims, authorizer_scopes, authorizer_lambda_context, "
                    "authorizer_iam, owner_account_id, owner_region, raw_query_string)"
                ),
            },
            has={"_handle_execute_in_scope": ["_invoke_lambda_proxy"]},
        )
    ],
)
