"""Method, path and query of a REST request → the operation, as `http` of the API's model has it."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from .models import Request, Target, service_model

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True)
class Route:
    operation: Any
    strict: re.Pattern[str]
    loose: re.Pattern[str]
    """Labels may hold slashes, as an ARN does: the path comes decoded."""
    labels: tuple[str, ...]
    literals: tuple[tuple[str, str], ...]
    needed: frozenset[tuple[str, str]]
    """The required members in query and headers, in lower case: they tell operations on one path apart."""

    def fits(self, request: Request, present: frozenset[tuple[str, str]]) -> tuple[bool, int]:
        """How well it fits, to compare with others: all that is required is there, and how much of it."""
        return self.needed <= present, len(self.needed & present) + len(self.literals)

    def has_literals(self, query: dict[str, list[str]]) -> bool:
        return all(key in query and (key == "x-id" or not value or value in query[key]) for key, value in self.literals)


def find(services: Iterable[str], request: Request) -> Target | None:
    """The operation of one of these REST APIs, or None."""
    present = frozenset([("querystring", key) for key in request.query] + [("header", key) for key in request.headers])
    for pattern in ("strict", "loose"):
        for service in services:
            found = [
                (route, match)
                for route in _routes(service).get(request.method, ())
                if (match := getattr(route, pattern).fullmatch(request.path)) and route.has_literals(request.query)
            ]
            if not found:
                continue
            # More of the query first, then what fits; an operation that lacks a required member is the last resort.
            literal = max(len(route.literals) for route, _ in found)
            route, match = max(
                ((route, match) for route, match in found if len(route.literals) == literal),
                key=lambda item: item[0].fits(request, present),
            )
            protocol = service_model(service).metadata["protocol"]
            labels = dict(zip(route.labels, match.groups(), strict=True))
            return Target(service, protocol, route.operation.name, route.operation, labels)
    return None


@functools.cache
def _routes(service: str) -> dict[str, list[Route]]:
    model = service_model(service)
    routes: dict[str, list[Route]] = {}
    for name in model.operation_names:
        route = _route(model.operation_model(name))
        routes.setdefault(route.operation.http["method"], []).append(route)
    return routes


def _route(operation: Any) -> Route:
    path, _, query = operation.http["requestUri"].partition("?")
    parts = _LABEL.split(path)
    strict, loose = "", ""
    for index in range(0, len(parts), 3):
        strict += re.escape(parts[index])
        loose += re.escape(parts[index])
        if index + 1 < len(parts):
            strict += "(.+)" if parts[index + 2] else "([^/]+)"
            loose += "(.+)"
    literals = tuple(item for item in parse_qsl(query, keep_blank_values=True) if item[0] != "x-id")
    members = operation.input_shape.members if operation.input_shape else {}
    needed = frozenset(
        located
        for name in (operation.input_shape.required_members if operation.input_shape else ())
        if (located := _located(name, members[name]))[0] in ("header", "querystring")
    )
    slash = "/?" if strict != "/" else ""
    return Route(
        operation,
        re.compile(strict.rstrip("/") + slash if strict != "/" else "/"),
        re.compile(loose.rstrip("/") + slash if loose != "/" else "/"),
        tuple(_label_member(members, parts[index + 1]) for index in range(0, len(parts) - 1, 3)),
        literals,
        needed,
    )


def _located(name: str, shape: Any) -> tuple[str, str]:
    """Where a member travels, and under which name; those of headers in lower case."""
    location, wire = shape.serialization.get("location", "body"), shape.serialization.get("name", name)
    return location, wire.lower() if location.startswith("header") else wire


def _label_member(members: dict[str, Any], label: str) -> str:
    return next((name for name, shape in members.items() if shape.serialization.get("name") == label), label)
