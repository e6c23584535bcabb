"""The constraints of plain values: strings, numbers, booleans, blobs and times, each shape as a function."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .exceptions import enforced
from .findings import Check, Findings, Path, Violation, WrongType
from .java import as_java, unexpected
from .patterns import compiled


def string(service: str, shape: Any) -> Check:
    sizes, limits = lengths(service, shape), shape.metadata
    allowed = frozenset(limits.get("enum") or ()) if enforced(service, shape, "enum") else frozenset()
    enum_rule = f"Member must satisfy enum value set: [{', '.join(limits.get('enum') or ())}]"
    pattern = limits.get("pattern") if enforced(service, shape, "pattern") else None
    matches = compiled(pattern).fullmatch if pattern else None

    def check(value: Any, path: Path, found: Findings) -> None:
        if not isinstance(value, str):
            raise WrongType(unexpected(value, "a String"), path)
        if sizes:
            check_length(sizes, len(value), lambda: as_java(shape, value), path, found)
        if allowed and value not in allowed:
            found.violations.append(Violation(path, "enum", enum_rule, as_java(shape, value)))
        if matches and not matches(value):
            rule = f"Member must satisfy regular expression pattern: {pattern}"
            found.violations.append(Violation(path, "pattern", rule, as_java(shape, value)))

    return check if sizes or allowed or matches else _only_a_string


def _only_a_string(value: Any, path: Path, _found: Findings) -> None:
    if not isinstance(value, str):
        raise WrongType(unexpected(value, "a String"), path)


def number(service: str, shape: Any) -> Check:
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


def boolean(_service: str, _shape: Any) -> Check:
    def check(value: Any, path: Path, _found: Findings) -> None:
        if not isinstance(value, bool):
            raise WrongType(unexpected(value, "a Boolean"), path)

    return check


def blob(service: str, shape: Any) -> Check:
    sizes = lengths(service, shape)

    def check(value: Any, path: Path, found: Findings) -> None:
        if isinstance(value, str):
            try:
                value = base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError) as error:
                raise WrongType("Invalid base64 in a blob", path) from error
        elif not isinstance(value, (bytes, bytearray)):
            raise WrongType(unexpected(value, "a Blob"), path)
        if sizes:
            check_length(sizes, len(value), lambda: as_java(shape, value), path, found)

    return check


def timestamp(_service: str, _shape: Any) -> Check:
    def check(value: Any, path: Path, _found: Findings) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float, str, datetime)):
            raise WrongType(unexpected(value, "a Timestamp"), path)

    return check


def anything(_service: str, _shape: Any) -> Check:
    return lambda value, path, found: None


def lengths(service: str, shape: Any) -> list[tuple[str, int, int]]:
    return [
        (word, sign, int(shape.metadata[key]))
        for key, word, sign in (("max", "less", -1), ("min", "greater", 1))
        if key in shape.metadata and enforced(service, shape, key)
    ]


def check_length(
    sizes: list[tuple[str, int, int]], size: int, shown: Callable[[], str], path: Path, found: Findings
) -> None:
    for word, sign, limit in sizes:
        if (size - limit) * sign < 0:
            found.violations.append(Violation(path, "length", _words(word, limit), shown()))


def _words(word: str, limit: int) -> str:
    return f"Member must have length {word} than or equal to {limit}"


def rules(service: str, shape: Any) -> list[str]:
    """All that a plain value must satisfy, as AWS lists it for the members of lists and maps."""
    found = [_words(word, limit) for word, _, limit in lengths(service, shape)]
    if shape.metadata.get("pattern") and enforced(service, shape, "pattern"):
        found.append(f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}")
    if shape.metadata.get("enum") and enforced(service, shape, "enum"):
        found.append(f"Member must satisfy enum value set: [{', '.join(shape.metadata['enum'])}]")
    return found


MAKERS: dict[str, Callable[[str, Any], Check]] = {
    "string": string,
    "character": string,
    "integer": number,
    "long": number,
    "float": number,
    "double": number,
    "boolean": boolean,
    "blob": blob,
    "timestamp": timestamp,
}
"""By the type of a shape, what makes its check of botocore's name of the API and the shape."""
