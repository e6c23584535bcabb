"""iam:PassRole: whoever hands a role to a service must be allowed to pass it to that service.

"To pass a role (and its permissions) to an AWS service, a user must have permissions to pass the role to the service";
`iam:PassedToService` is the service's principal
(https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html). Which operations pass a role stands in
the Service Authorization Reference of each service as a dependent action
(https://docs.aws.amazon.com/service-authorization/latest/reference/). SageMaker's are checked by its plug-in.
"""

import importlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import parse_qs

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

Answer = tuple[int, dict[str, str], Any]
# Operations by X-Amz-Target, with the members that hold roles.
_TARGETS: dict[str, dict[str, tuple[str, ...]]] = {
    "glue": {"CreateJob": ("Role",), "UpdateJob": ("JobUpdate.Role",), "CreateCrawler": ("Role",)},
    "states": {"CreateStateMachine": ("roleArn",), "UpdateStateMachine": ("roleArn",)},
    "events": {"PutRule": ("RoleArn",), "PutTargets": ("Targets.RoleArn",)},
}
_ROUTES = {
    "lambda": (
        ("POST", re.compile(r"/functions/?$"), ("Role",)),
        ("PUT", re.compile(r"/functions/[^/]+/configuration$"), ("Role",)),
    ),
    "scheduler": (
        ("POST", re.compile(r"^/schedules/[^/]+$"), ("Target.RoleArn",)),
        ("PUT", re.compile(r"^/schedules/[^/]+$"), ("Target.RoleArn",)),
    ),
}
# Operations of Query services, with the parameters that hold roles.
_QUERIES = {
    "cloudformation": {
        operation: ("RoleARN",) for operation in ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet")
    },
}
_MODULES = {"states": "stepfunctions", "events": "eventbridge", "lambda": "lambda_svc"}


def register(_context: LocalContext) -> None:
    """Checks what these services are handed. Call it once, before requests are served."""
    for service in (*_TARGETS, *_ROUTES, *_QUERIES):
        module = cast(Any, importlib.import_module(f"ministack.services.{_MODULES.get(service, service)}"))
        module.handle_request = _guarded(module.handle_request, service)


def passed_roles(service: str, method: str, path: str, target: str, body: bytes, account: str) -> list[str]:
    """ARNs of the roles that a request hands to the service, each once."""
    if service in _QUERIES:
        parameters = {name: values[0] for name, values in parse_qs(body.decode("utf-8", errors="replace")).items()}
        named = _QUERIES[service].get(parameters.get("Action", ""), ())
        return [parameters[name] for name in named if parameters.get(name)]
    members = _TARGETS.get(service, {}).get(target.rsplit(".", 1)[-1], ())
    for verb, route, named in _ROUTES.get(service, ()):
        if method == verb and route.search(path):
            members = named
    if not members:
        return []
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return []
    found = [value for member in members for value in _values(data, member.split("."))]
    # Glue takes a role's name as well.
    arns = [value if value.startswith("arn:") else f"arn:aws:iam::{account}:role/{value}" for value in found]
    return list(dict.fromkeys(arns))


def _values(data: Any, path: list[str]) -> list[str]:
    if isinstance(data, list):
        return [value for item in data for value in _values(item, path)]
    if path:
        return _values(data.get(path[0]), path[1:]) if isinstance(data, dict) else []
    return [data] if isinstance(data, str) and data else []


def _guarded(serve: Callable[..., Awaitable[Answer]], service: str) -> Callable[..., Awaitable[Answer]]:
    async def serve_with_role(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any], **more: Any
    ) -> Answer:
        refused = _refusal(service, method, path, headers, body, query_params)
        return refused or await serve(method, path, headers, body, query_params, **more)

    return serve_with_role


def _refusal(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Answer | None:
    from ministack import app
    from ministack.core.iam_actions import access_denied_response, identity_denial_message
    from ministack.core.iam_evaluator import EvalResult, enforce
    from ministack.core.responses import get_account_id, get_region
    from ministack.core.router import extract_access_key_id

    if not app.AUTH:
        return None
    for role in passed_roles(service, method, path, headers.get("x-amz-target", ""), body, get_account_id()):
        key = extract_access_key_id(headers, query)
        keys = {"iam:PassedToService": f"{service}.amazonaws.com"}
        result = enforce(key, "iam:PassRole", "iam", get_region(), resource_arn=role, service_context=keys)
        if isinstance(result, EvalResult):
            message = identity_denial_message("iam:PassRole", result.principal_arn, role, result.decision == "Deny")
            return access_denied_response(
                service, "iam:PassRole", result.principal_arn, "", headers=headers, message=message
            )
    return None


PLUGIN = Plugin(
    name="iam.pass_role",
    service="IAM",
    words=__doc__,
    alone="Does not ask for the right to pass a role.",
    register=register,
    operations=[
        "glue:CreateJob",
        "glue:UpdateJob",
        "glue:CreateCrawler",
        "stepfunctions:CreateStateMachine",
        "stepfunctions:UpdateStateMachine",
        "events:PutRule",
        "events:PutTargets",
        "lambda:CreateFunction",
        "lambda:UpdateFunctionConfiguration",
        "scheduler:CreateSchedule",
        "scheduler:UpdateSchedule",
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:DeleteStack",
        "cloudformation:CreateChangeSet",
    ],
    relies_on=[
        ReliesOn(
            "core.iam_actions",
            functions={"identity_denial_message": "(action, principal_arn, resource, explicit_deny)"},
        ),
        ReliesOn(
            "core.iam_evaluator",
            functions={"enforce": "(access_key_id, iam_action, service, region, resource_arn, service_context)"},
        ),
        ReliesOn("core.router", functions={"extract_access_key_id": "(headers, query_params)"}),
    ],
)
