"""Asks for the key before a service serves a request on something that a customer managed key encrypts.

The emulator keeps the key's name with the resource and encrypts nothing. Here each request first makes the uses of
the key that key_uses/ names, as its caller; a refusal is answered in the service's own words, and is on record as
other refusals are (iam/audit.py). Whether the caller may is decided as
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html says (keys.py).
"""

import importlib
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any, cast

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..iam import audit
from .key_uses import Request, dynamodb, dynamodb_streams, kinesis, s3, secretsmanager, sns, sqs
from .keys import KeyRefusal, refusal_for_caller

_SERVICES: dict[str, ModuleType] = {
    "dynamodb": dynamodb,
    "dynamodb_streams": dynamodb_streams,
    "kinesis": kinesis,
    "s3": s3,
    "secretsmanager": secretsmanager,
    "sns": sns,
    "sqs": sqs,
}
Answer = tuple[int, dict[str, str], Any]


def register(context: LocalContext) -> None:
    """Puts the gate before each of these services. Call it once, before requests are served."""
    for name, service in _SERVICES.items():
        module = cast(Any, importlib.import_module(f"ministack.services.{name}"))
        module.handle_request = _guarded(module.handle_request, service, context)


def refusal(context: LocalContext, service: ModuleType, request: Request) -> KeyRefusal | None:
    """The first refusal among the uses that the request makes, recorded."""
    from ministack.core.router import extract_access_key_id

    for use in service.uses(request):
        access_key = extract_access_key_id(request.headers, request.query)
        refused = refusal_for_caller(access_key, use, request.account, request.region)
        if refused:
            audit.record(context, refused.principal, use.action, refused.key_arn, refused.decision or refused.kind)
            return refused
    return None


def _guarded(
    serve: Callable[..., Awaitable[Answer]], service: ModuleType, context: LocalContext
) -> Callable[..., Awaitable[Answer]]:
    from ministack.core.responses import get_account_id, get_region

    async def serve_with_key(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any], **more: Any
    ) -> Answer:
        request = Request(method, path, headers, body, query_params or {}, get_account_id(), get_region())
        refused = None if more.get("internal") else refusal(context, service, request)
        return service.answer(refused) if refused else await serve(method, path, headers, body, query_params, **more)

    return serve_with_key


PLUGIN = Plugin(
    name="kms.gate",
    service="KMS",
    words=__doc__,
    alone="Keeps the key's name with the resource, and encrypts nothing.",
    register=register,
    relies_on=[
        ReliesOn("app", has={"_lazy_handler": ["mod.handle_request"], "_handle_s3_vhost_request": ["handle_request"]}),
        ReliesOn("core.router", functions={"extract_access_key_id": "(headers, query_params)"}),
    ],
)
