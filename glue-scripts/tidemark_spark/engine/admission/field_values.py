"""One property of an event as the column that its contract declares, by the rules of core/admission/field-value.ts."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

from tidemark_spark.engine.values.decimals import (
    MAX_EXACT,
    UNDEFINED,
    ParseError,
    parse_decimal,
    parse_timestamp,
    type_name,
)
from tidemark_spark.engine.values.local_times import LocalClock

_INTEGER = re.compile(r"-?\d{1,16}", re.ASCII)
_BLANKS = "\t\n\v\f\r "
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_UPPER = {lower: upper for upper, lower in _LOWER.items()}


def field_value(field: dict[str, Any], raw: Any, local: LocalClock | None) -> Any:
    """The column's value; `raw` is UNDEFINED where there is none, `local` reads times without a zone.

    Raises ParseError.
    """
    if raw is UNDEFINED or raw is None:
        if field["required"]:
            raise ParseError("MISSING_FIELD", f"found {type_name(raw)}; allowed: {field['type']}")
        return field.get("default")
    match field["type"]:
        case "string" | "enum":
            return _text_value(field, raw)
        case "bool":
            if not isinstance(raw, bool):
                raise _invalid(raw, "true or false")
            return raw
        case "timestamp":
            return parse_timestamp(raw, field["format"], local)
        case "decimal":
            return in_range(field, parse_decimal(raw, field["scale"]))
        case "int":
            value = int(raw) if isinstance(raw, str) and _INTEGER.fullmatch(raw) else raw
            if not is_safe(value):
                raise _invalid(raw, "an integer within 2^53")
            return in_range(field, value)
    raise ValueError(f"{field['name']}: type {field['type']!r} is unknown to this engine. Deploy from one commit.")


def _text_value(field: dict[str, Any], raw: Any) -> str:
    """Trim and case are ASCII only: the one definition on which all languages agree."""
    if not isinstance(raw, str) or not is_well_formed(raw):
        raise _invalid(raw, "a well-formed string")
    text = raw.strip(_BLANKS) if field["trim"] else raw
    if field.get("case"):
        text = text.translate(_LOWER if field["case"] == "lower" else _UPPER)
    if field["type"] == "enum":
        if text not in field["values"]:
            raise ParseError("NOT_IN_ENUM", f"found another string; allowed: {', '.join(field['values'])}")
    elif len(text) > field["max_length"]:
        raise _invalid(raw, f"up to {field['max_length']} characters")
    return text


def in_range(field: dict[str, Any], value: int) -> int:
    low, high = field.get("min"), field.get("max")
    low, high = -MAX_EXACT if low is None else low, MAX_EXACT if high is None else high
    if not low <= value <= high:
        raise ParseError("OUT_OF_RANGE", f"found a number outside; allowed: {low} to {high}")
    return value


def _invalid(raw: Any, allowed: str) -> ParseError:
    return ParseError("INVALID_FIELD", f"found {type_name(raw)}; allowed: {allowed}")


def is_safe(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_EXACT


def is_well_formed(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
