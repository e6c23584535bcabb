"""Every request to the local cloud is held against the model of its API before it is served.

The models are botocore's copies of AWS's own (https://github.com/boto/botocore/tree/develop/botocore/data). They hold
for MiniStack's services and for the plug-ins alike. The check stands behind authorisation, as on AWS: a caller without
a grant is told AccessDenied, not what is wrong with its request. A model is read when the first request for it comes.
"""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from . import answers, limits, models, responses, routes, templates, wire
from .constraints import Checks
from .findings import Check, Findings, WrongType
from .models import Request, Target
from .tally import Tally

logger = logging.getLogger("tidemark.requests")


class Handler(Protocol):
    """What serves the requests of a service, as MiniStack calls it."""

    async def __call__(
        self, method: str, path: str, headers: dict, body: bytes, query_params: dict, **options: Any
    ) -> tuple[int, dict, Any]: ...


def register(context: LocalContext) -> None:
    """Puts the check before every handler. Call it after the plug-ins that add or replace handlers."""
    from ministack import app

    tally = Tally(context.state_dir / "requests-checked.json")
    context.on_stop(tally.stop)
    for service, handler in list(app.SERVICE_HANDLERS.items()):
        apis = models.api_names(service)
        if service == "s3":  # virtual-hosted requests don't come by the table of handlers
            s3 = cast(Any, app._get_module("s3"))
            s3.handle_request = _checked(s3.handle_request, apis, tally)
        elif apis:
            app.SERVICE_HANDLERS[service] = _checked(handler, apis, tally)
        else:
            logger.info("botocore has no model of %s: its requests are not checked", service)

    templates.register(tally.add)


def _checked(handler: Callable[..., Awaitable[tuple[int, dict, Any]]], apis: tuple[str, ...], tally: Tally) -> Handler:
    async def handle(
        method: str, path: str, headers: dict, body: bytes, query_params: dict, **options: Any
    ) -> tuple[int, dict, Any]:
        request = Request(method, path, headers, body, query_params)
        refused = check(apis, request, tally)
        if refused:
            return refused
        return responses.limited(request, await handler(method, path, headers, body, query_params, **options))

    return handle


def check(apis: tuple[str, ...], request: Request, tally: Tally) -> answers.Answer | None:
    """AWS's answer to a request that its model does not allow; None for one that may be served."""
    target = resolve(apis, request)
    if target is None:
        return None
    if target.operation is None:
        tally.add(f"{target.service}:{target.name}", 0, True)
        return answers.unknown_operation(target)
    found = Findings()
    name = f"{target.service}:{target.name}"
    try:
        members = wire.members(target, request)
        if target.operation.input_shape is not None:
            checker(target.service, target.protocol, target.name)(members, None, found)
    except (wire.Unreadable, WrongType) as error:
        tally.add(name, found.members, True)
        return answers.unreadable(target, str(error), getattr(error, "path", None))
    beyond = None if found.violations else limits.refusal(target, members, request)
    tally.add(name, found.members, bool(found.violations or beyond))
    if beyond:
        return answers.answer(target, beyond.code, beyond.message, beyond.status)
    return answers.refusal(target, found) if found.violations else None


def findings(service: str, operation: str, members: dict[str, Any]) -> Findings:
    """What a call that doesn't come as a request breaks: `members` under the model's names, as for boto3.

    Raises WrongType.
    """
    found = Findings()
    shape = models.operation(service, operation).input_shape
    if shape is not None:
        _checks(service, False).of_input(shape)(members, None, found)
    return found


def resolve(apis: tuple[str, ...], request: Request) -> Target | None:
    """The operation that a request names, or a target without one; None for a browser's preflight."""
    if request.method == "OPTIONS":
        return None
    if amazon_target := request.headers.get("x-amz-target"):
        prefix, _, name = amazon_target.rpartition(".")
        service = models.by_target_prefix(apis, prefix)
        if service:
            return models.by_name(service, "cbor" if request.cbor else "json", name)
        if "targetPrefix" in models.service_model(apis[0]).metadata:
            return Target(apis[0], "json", amazon_target, None)
    if request.cbor and "/operation/" in request.path:
        return models.by_name(apis[0], "cbor", request.path.rsplit("/", 1)[-1])
    rest = [api for api in apis if models.service_model(api).metadata["protocol"].startswith("rest")]
    if rest:
        return routes.find(rest, request) or Target(
            rest[0], models.service_model(rest[0]).metadata["protocol"], f"{request.method} {request.path}", None
        )
    if name := wire.form_pairs(request).get("Action"):
        return models.by_name(apis[0], "query", name)
    # The emulator asks no policy about what names no operation, and may do it all the same.
    return Target(apis[0], "query" if _speaks_query(apis[0]) else "json", "", None)


def _speaks_query(api: str) -> bool:
    return "targetPrefix" not in models.service_model(api).metadata


@functools.cache
def checker(service: str, protocol: str, name: str) -> Check:
    """The check of an operation's input."""
    return _checks(service, protocol in ("json", "cbor", "rest-json")).of_input(
        models.operation(service, name).input_shape
    )


@functools.cache
def _checks(service: str, wire_names: bool) -> Checks:
    return Checks(service, wire_names)


PLUGIN = Plugin(
    name="requests.gate",
    service="all",
    words=__doc__,
    alone="Checks little of what the models of the APIs say.",
    register=register,
    relies_on=[
        ReliesOn(
            "app",
            functions={"_get_module": "(name)"},
            values=["SERVICE_HANDLERS"],
            has={
                "_dispatch_service_request": ["SERVICE_HANDLERS.get(service)"],
                "_lazy_handler": ["mod.handle_request("],
                "_handle_s3_vhost_request": ['_get_module("s3").handle_request('],
            },
        )
    ],
)
