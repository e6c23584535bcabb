"""JSON as a JavaScript engine reads and writes it: both engines see the same numbers and write the same text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # pyright: ignore[reportAttributeAccessIssue]  # typeshed leaves it out
from json.encoder import encode_basestring
from typing import Any

_LAST_INDEX = 2**32 - 2
_BLANKS = re.compile(r"[ \t\n\r]*")
# A string that nobody closes goes to the end, so that each character is looked at once.
_BRACKET_OR_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Member:
    """A member of a JSON object: `source` is `"key":value` as it was written, `at` where its value begins."""

    key: str
    source: str
    at: int


def parse(text: str) -> Any:
    """The document, its numbers as binary64: exact integers as int, all else as float. Raises ValueError."""
    try:
        return json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def is_deeper(text: str, limit: int) -> bool:
    """Whether objects and arrays are nested more than `limit` deep; the outermost is level 1.

    What is no JSON has an answer too: brackets outside of strings count as they come (core/admission/json-text.ts).
    """
    if text.count("{") + text.count("[") <= limit:
        return False
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        first = text[found.start()]
        if first in "{[":
            depth += 1
            if depth > limit:
                return True
        elif first != '"':
            depth -= 1
    return False


def members_of(text: str, at: int) -> Iterator[Member]:
    """The members of the JSON object that begins at `at` of a valid JSON text, in the order of the text."""
    i = _skip_blanks(text, at + 1)
    while text[i] != "}":
        key, end = scanstring(text, i + 1, True)
        written = text[i:end]
        value = _skip_blanks(text, _skip_blanks(text, end) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield Member(key, f"{written}:{text[value:end]}", value)
        i = _skip_blanks(text, end)
        if text[i] == ",":
            i = _skip_blanks(text, i + 1)


def dumps(value: Any) -> str:
    """The text that JSON.stringify gives: no spaces, integer-like keys first, unpaired surrogates escaped."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return js_number(value)
        case str():
            return _text(value)
        case list():
            return f"[{','.join(dumps(v) for v in value)}]"
    return "{" + ",".join(f"{_text(k)}:{dumps(value[k])}" for k in sorted(value, key=_key_order)) + "}"


def canonical(properties: dict[str, Any]) -> str:
    """An object of scalars with sorted keys and no white space: the same properties have one text."""
    return "{" + ",".join(f"{_text(k)}:{dumps(properties[k])}" for k in sorted(properties)) + "}"


def js_number(value: float) -> str:
    """String(value) of a finite number; `null` for the others, as in JSON.stringify."""
    if value != value or value in (float("inf"), float("-inf")):
        return "null"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return "0"
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{tail}e{point - 1:+d}"
    return text if value > 0 else f"-{text}"


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _skip_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_refuse)


def _text(value: str) -> str:
    text = encode_basestring(value)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def _key_order(key: str) -> tuple[int, int]:
    index = int(key) if key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") else _LAST_INDEX + 1
    return (0, index) if index <= _LAST_INDEX else (1, 0)
