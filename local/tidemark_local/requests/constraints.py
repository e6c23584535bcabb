"""The constraints of an API model as functions, one per shape: type, required members, enum, length, range, pattern.

The words are those that AWS's own services answer with, e.g. "1 validation error detected: Value 'x' at 'roleName'
failed to satisfy constraint: Member must have length less than or equal to 64". A list or map of plain values is told
of as a whole ("Member must satisfy constraint: [Member must have length …, …]").
"""

import threading
from collections.abc import Callable
from typing import Any

from .exceptions import enforced
from .findings import Check, Findings, Path, Violation, WrongType
from .java import as_java, camel, unexpected
from .plain_values import MAKERS, anything, check_length, lengths, rules


class Checks:
    """The checks of one API model, made when they are first needed.

    `wire` tells by which names structures hold their members: those of the JSON document, or those of the model. The
    members of the request itself are always held by the model's names.
    """

    def __init__(self, service: str, wire: bool):
        self._service, self._wire = service, wire
        self._made: dict[str, Check] = {}
        self._lock = threading.RLock()

    def of_input(self, shape: Any) -> Check:
        return _structure(self, self._service, shape, wire=False)

    def of(self, shape: Any) -> Check:
        """The check of a shape below the request. Recursive shapes find themselves in the cache."""
        with self._lock:  # no other thread may take a shape that is not made yet
            return self._of(shape)

    def _of(self, shape: Any) -> Check:
        if shape.name not in self._made:
            self._made[shape.name] = lambda value, path, found: self._made[shape.name](value, path, found)
            if shape.type_name == "structure":
                self._made[shape.name] = _structure(self, self._service, shape, wire=self._wire)
            elif shape.type_name in _MAKERS:
                self._made[shape.name] = _MAKERS[shape.type_name](self, shape)
            else:
                self._made[shape.name] = MAKERS.get(shape.type_name, anything)(self._service, shape)
        return self._made[shape.name]


def _structure(checks: Checks, service: str, shape: Any, *, wire: bool) -> Check:
    if shape.metadata.get("document") or shape.is_document_type:
        return anything(service, shape)
    members: dict[str, tuple[Check, str]] | None = None
    name_of = {name: member.serialization.get("name", name) if wire else name for name, member in shape.members.items()}
    required = [(name_of[name], camel(name)) for name in shape.required_members if enforced(service, shape, name)]

    def check(value: Any, path: Path, found: Findings) -> None:
        nonlocal members
        if members is None:
            members = {name_of[name]: (checks.of(member), camel(name)) for name, member in shape.members.items()}
        if not isinstance(value, dict):
            raise WrongType(unexpected(value, "a structure"), path)
        for name, item in value.items():
            if item is not None and name in members:
                found.members += 1
                below, segment = members[name]
                below(item, (path, segment), found)
        for name, segment in required:
            if value.get(name) is None:
                found.violations.append(Violation((path, segment), "null", "Member must not be null"))

    return check


def _list(checks: Checks, shape: Any) -> Check:
    member, own = checks.of(shape.member), _own_length(checks._service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, list):
            raise WrongType(unexpected(value, "a list"), path)
        own(value, path, found)
        found.members += len(value)
        before = len(found.violations)
        for index, item in enumerate(value, 1):
            member(item, ((path, str(index)), "member"), found)
        if len(found.violations) > before:
            _as_a_whole(checks._service, found, before, path, shape, value, "Member must", shape.member)

    return check


def _map(checks: Checks, shape: Any) -> Check:
    key_check, value_check, own = checks.of(shape.key), checks.of(shape.value), _own_length(checks._service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, dict):
            raise WrongType(unexpected(value, "a map"), path)
        own(value, path, found)
        found.members += len(value)
        before = len(found.violations)
        for key in value:
            key_check(key, ((path, key), "key"), found)
        if len(found.violations) > before:
            _as_a_whole(checks._service, found, before, path, shape, value, "Map keys must", shape.key)
        before = len(found.violations)
        for key, item in value.items():
            if item is not None:
                value_check(item, ((path, key), "member"), found)
        if len(found.violations) > before:
            _as_a_whole(checks._service, found, before, path, shape, value, "Map value must", shape.value)

    return check


def _as_a_whole(
    service: str, found: Findings, before: int, path: Path, shape: Any, value: Any, who: str, member: Any
) -> None:
    """What the members themselves break is told once, of the whole, with all that a member must satisfy."""
    own = [item for item in found.violations[before:] if item.path[0] is not None and item.path[0][0] is path]
    if not own:
        return
    below = [item for item in found.violations[before:] if item not in own]
    rule = f"{who} satisfy constraint: [{', '.join(rules(service, member))}]"
    found.violations[before:] = [Violation(path, own[0].kind, rule, as_java(shape, value)), *below]


def _own_length(service: str, shape: Any) -> Check:
    sizes = lengths(service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if sizes:
            check_length(sizes, len(value), lambda: as_java(shape, value), path, found)

    return check


_MAKERS: dict[str, Callable[[Checks, Any], Check]] = {"list": _list, "map": _map}
