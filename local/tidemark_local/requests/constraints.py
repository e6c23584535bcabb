"""The constraints of an API model as functions, one per shape: type, required members, enum, length, range, pattern.

The words are those that AWS's own services answer with, e.g. "1 validation error detected: Value 'x' at 'roleName'
failed to satisfy constraint: Member must have length less than or equal to 64". A list or map of plain values is told
of as a whole ("Member must satisfy constraint: [Member must have length …, …]").
"""

import base64
import binascii
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .exceptions import enforced
from .java import as_java, camel, unexpected
from .patterns import compiled

# Path to a value: None for the request, else (path of the parent, the segment). Text is made of it only when needed.
Path = Any
Check = Callable[[Any, Path, "Findings"], None]


class WrongType(Exception):
    """A value of a type that the member can't have: the request can't be read at all (SerializationException)."""

    def __init__(self, message: str, path: "Path" = None):
        super().__init__(message)
        self.path = path


@dataclass
class Violation:
    """One constraint that a value breaks."""

    path: Path
    kind: str
    """`null`, `enum`, `length`, `range` or `pattern`."""
    rule: str
    """What the member must do, e.g. `not be null`."""
    value: Any = None

    def where(self) -> str:
        return dotted(self.path)

    def text(self) -> str:
        shown = "null" if self.kind == "null" else f"'{self.value}'"
        return f"Value {shown} at '{self.where()}' failed to satisfy constraint: {self.rule}"


@dataclass
class Findings:
    """What a check of one request has found; `members` counts the values that were looked at."""

    members: int = 0
    violations: list[Violation] = field(default_factory=list)

    def text(self) -> str:
        """AWS's message."""
        count = len(self.violations)
        return f"{count} validation error{'s'[: count > 1]} detected: " + "; ".join(
            violation.text() for violation in self.violations
        )


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
            make = _MAKERS.get(shape.type_name, _anything)
            if shape.type_name == "structure":
                self._made[shape.name] = _structure(self, self._service, shape, wire=self._wire)
            elif shape.type_name in ("list", "map"):
                self._made[shape.name] = make(self, shape)
            else:
                self._made[shape.name] = make(self._service, shape)
        return self._made[shape.name]


def _structure(checks: Checks, service: str, shape: Any, *, wire: bool) -> Check:
    if shape.metadata.get("document") or shape.is_document_type:
        return _anything(service, shape)
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
    sizes = _lengths(service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if sizes:
            _check_length(sizes, len(value), lambda: as_java(shape, value), path, found)

    return check


def _string(service: str, shape: Any) -> Check:
    sizes, limits = _lengths(service, shape), shape.metadata
    allowed = frozenset(limits.get("enum") or ()) if enforced(service, shape, "enum") else frozenset()
    enum_rule = f"Member must satisfy enum value set: [{', '.join(limits.get('enum') or ())}]"
    pattern = limits.get("pattern") if enforced(service, shape, "pattern") else None
    matches = compiled(pattern).fullmatch if pattern else None

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, str):
            raise WrongType(unexpected(value, "a String"), path)
        if sizes:
            _check_length(sizes, len(value), lambda: as_java(shape, value), path, found)
        if allowed and value not in allowed:
            found.violations.append(Violation(path, "enum", enum_rule, as_java(shape, value)))
        if matches and not matches(value):
            rule = f"Member must satisfy regular expression pattern: {pattern}"
            found.violations.append(Violation(path, "pattern", rule, as_java(shape, value)))

    return check if sizes or allowed or matches else _only_a_string


def _only_a_string(value: Any, path: Path, _found: Findings) -> None:
    if not isinstance(value, str):
        raise WrongType(unexpected(value, "a String"), path)


def _number(service: str, shape: Any) -> Check:
    whole = shape.type_name in ("integer", "long")
    ranges = [
        (word, sign, int(shape.metadata[key]) if whole else float(shape.metadata[key]))
        for key, word, sign in (("min", "greater", 1), ("max", "less", -1))
        if key in shape.metadata and enforced(service, shape, key)
    ]
    target = {"integer": "an Integer", "long": "a Long"}.get(shape.type_name, "a Double")

    def check(value: Any, path: Path, found: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            if not whole and value in ("NaN", "Infinity", "-Infinity"):
                return
            raise WrongType(unexpected(value, target), path)
        for word, sign, limit in ranges:
            if (value - limit) * sign < 0:
                rule = f"Member must have value {word} than or equal to {limit}"
                found.violations.append(Violation(path, "range", rule, value))

    return check


def _boolean(_service: str, _shape: Any) -> Check:
    def check(value: Any, path: Path, _found: Findings) -> None:
        if not isinstance(value, bool):
            raise WrongType(unexpected(value, "a Boolean"), path)

    return check


def _blob(service: str, shape: Any) -> Check:
    sizes = _lengths(service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if isinstance(value, str):
            try:
                value = base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as error:
                raise WrongType("Invalid base64 in a blob", path) from error
        elif not isinstance(value, (bytes, bytearray)):
            raise WrongType(unexpected(value, "a Blob"), path)
        if sizes:
            _check_length(sizes, len(value), lambda: as_java(shape, value), path, found)

    return check


def _timestamp(_service: str, _shape: Any) -> Check:
    def check(value: Any, path: Path, _found: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, datetime)):
            raise WrongType(unexpected(value, "a Timestamp"), path)

    return check


def _anything(_service: str, _shape: Any) -> Check:
    return lambda value, path, found: None


_MAKERS: dict[str, Callable] = {
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "blob": _blob,
    "timestamp": _timestamp,
}


def _lengths(service: str, shape: Any) -> list[tuple[str, int, int]]:
    return [
        (word, sign, int(shape.metadata[key]))
        for key, word, sign in (("max", "less", -1), ("min", "greater", 1))
        if key in shape.metadata and enforced(service, shape, key)
    ]


def _check_length(
    sizes: list[tuple[str, int, int]], size: int, shown: Callable[[], str], path: Path, found: Findings
) -> None:
    for word, sign, limit in sizes:
        if (size - limit) * sign < 0:
            found.violations.append(Violation(path, "length", _words(word, limit), shown()))


def _words(word: str, limit: int) -> str:
    return f"Member must have length {word} than or equal to {limit}"


def rules(service: str, shape: Any) -> list[str]:
    """All that a plain value must satisfy, as AWS lists it for the members of lists and maps."""
    found = [_words(word, limit) for word, _, limit in _lengths(service, shape)]
    if shape.metadata.get("pattern") and enforced(service, shape, "pattern"):
        found.append(f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}")
    if shape.metadata.get("enum") and enforced(service, shape, "enum"):
        found.append(f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]")
    return found


def dotted(path: Path) -> str:
    """A path as AWS writes it, e.g. `records.1.member.data`."""
    segments = []
    while path is not None:
        path, segment = path
        segments.append(segment)
    return ".".join(reversed(segments))
