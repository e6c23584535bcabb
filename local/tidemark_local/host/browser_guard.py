"""The local cloud answers programs of this machine, and no web page.

A page that a developer visits may send requests to 127.0.0.1 too. It can't leave out `Origin` where it could read the
answer or send more than a form (https://fetch.spec.whatwg.org/#origin-header), nor change `Host` and `Sec-Fetch-Site`
(https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header): a name of its own that it lets resolve to 127.0.0.1 is
seen in `Host`. What comes by such a header is refused before anything is read of it, and no answer carries a CORS
header, so that no browser hands one on.

Beside that, every request carries credentials: the emulator's own endpoints, which reset or configure it without any,
are closed but for its health and for the answers of custom resources, whose address is a secret of the request.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from .context import LocalContext
from .plugin import Plugin
from .relies_on import ReliesOn

App = Callable[[dict, Callable, Callable], Awaitable[None]]

HEALTH = "/_ministack/health"
_CALLBACKS = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")
_CREDENTIALS = (b"x-amz-credential=", b"awsaccesskeyid=")
_CLOSE_WITHOUT_UPGRADE = 1008  # policy violation, https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1


def register(context: LocalContext) -> None:
    """Puts the guard before everything else. Call it once, before requests are served."""
    from ministack import app

    app.app = guarded(app.app, context.port)


def guarded(app: App, port: int) -> App:
    """The ASGI application behind the guard; `port` is the one that it is asked at."""
    # Names under localhost never leave this machine (https://www.rfc-editor.org/rfc/rfc6761#section-6.3).
    hosts = re.compile(rf"(127\.0\.0\.1|([a-z0-9.-]+\.(execute-api|s3)\.)?localhost):{port}".encode())

    async def handle(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
        elif reason := refusal(scope, hosts):
            await _refuse(scope, receive, send, reason)
        else:
            await app(scope, receive, _without_cors(send))

    return handle


def refusal(scope: dict, hosts: re.Pattern[bytes]) -> str | None:
    """Why a request is not served; None for one that is."""
    headers: dict[bytes, list[bytes]] = {}
    for name, value in scope.get("headers", []):
        headers.setdefault(name.lower(), []).append(value)
    given = headers.get(b"host", [])
    if len(given) != 1 or not hosts.fullmatch(given[0].lower()):
        return "Host is not this machine: ask 127.0.0.1 or localhost at the port of the local cloud."
    if b"origin" in headers or b"sec-fetch-site" in headers:
        return "A web page asked: the local cloud answers programs of this machine only."
    path = scope["path"]
    if path == HEALTH or (scope.get("method") == "PUT" and path.startswith(_CALLBACKS)):
        return None
    # An API's own authorizer decides there, as on AWS.
    if path.startswith("/_aws/execute-api/") or b".execute-api." in given[0]:
        return None
    if path == "/health" or path.startswith("/_"):
        return "This endpoint of the emulator is closed: it would act without credentials."
    signed = headers.get(b"authorization") or any(
        name in scope.get("query_string", b"").lower() for name in _CREDENTIALS
    )
    return None if signed else "The request has no credentials: take those of the local cloud's environment."


def _without_cors(send: Callable) -> Callable:
    async def send_without(message: dict[str, Any]) -> None:
        if "headers" in message:
            kept = [(k, v) for k, v in message["headers"] if not k.lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return send_without


async def _refuse(scope: dict, receive: Callable, send: Callable, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _CLOSE_WITHOUT_UPGRADE})
        return
    body = json.dumps({"__type": "AccessDeniedException", "message": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


PLUGIN = Plugin(
    name="host.browser_guard",
    service="HTTP",
    words=__doc__,
    alone="Answers every origin under any name, and has endpoints that reset or configure it without credentials.",
    register=register,
    relies_on=[ReliesOn("app", functions={"app": "(scope, receive, send)"})],
)
