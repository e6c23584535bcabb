"""Decimals and instants from their text, by the same rules as core/values/decimal.ts and core/values/time.ts.

test/conformance/contracts.json holds both to them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tidemark_spark.engine.values.times import DAY

MAX_EXACT = (1 << 53) - 1
MAX_TIME = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z, ms: the last instant that ISO text with four year digits can say."""
_DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"(?: ?(?:(Z|z|UTC|GMT)|([+-])(\d{2})(?::?(\d{2}))?))?",
    re.ASCII,
)
_MAX_TEXT = 400
_MAX_NUMBER_DIGITS = 15
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ParseError(ValueError):
    """A value that can't be read; `reason` is the rejection reason, the message names the type and what is allowed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Undefined:
    """Stands for an absent key, as distinct from a null."""


UNDEFINED = Undefined()


def type_name(value: Any) -> str:
    """The JSON type of a value, for messages: never the value itself, which may be personal."""
    match value:
        case Undefined():
            return "undefined"
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_decimal(value: Any, scale: int, down: bool = False) -> int:
    """An integer of 10^-scale, half to even, from a string (exact text) or a number (its shortest round-trip text).

    `down` cuts toward the smaller number what is finer than the scale, and takes numbers of any length.

    Raises ParseError: INVALID_FIELD for another type or text and for a number of more than 15 digits (a binary float
    stood between us and the sender), DECIMAL_OVERFLOW beyond ±(2^53 − 1) units.
    """
    number = is_number(value)
    text = repr(value) if number else value
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) and len(text) <= _MAX_TEXT else None
    if match is None:
        found = type_name(value)
        raise ParseError("INVALID_FIELD", f"found {found} that is not a decimal; allowed: decimal text")
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (whole + fraction).lstrip("0")
    if not down and number and len(digits.rstrip("0")) > _MAX_NUMBER_DIGITS:
        raise ParseError(
            "INVALID_FIELD",
            f"found number of more than {_MAX_NUMBER_DIGITS} digits; allowed: the same as a string",
        )
    if not digits:
        return 0
    shift = exponent - len(fraction) + scale
    # More than 17 digits before the point can't fit into 2^53; stop before padding or cutting at huge exponents.
    magnitude = MAX_EXACT + 1 if len(digits) + shift > 17 else _shifted(digits, shift, down, bool(sign))
    if magnitude > MAX_EXACT:
        raise ParseError("DECIMAL_OVERFLOW", f"found a decimal beyond 2^53 units; allowed: up to {MAX_EXACT} units")
    return -magnitude if sign else magnitude


def _shifted(digits: str, shift: int, down: bool, negative: bool) -> int:
    """digits × 10^shift as a magnitude, half to even or down."""
    if shift >= 0:
        return int(digits) * 10**shift
    cut = -shift
    if down:
        return int(digits[: max(0, len(digits) - cut)] or "0") + (negative and bool(digits[-cut:].strip("0")))
    if cut > len(digits):
        return 0
    base, dropped = int(digits[:-cut] or "0"), digits[-cut:]
    half = "5" + "0" * (cut - 1)
    return base + 1 if dropped > half or (dropped == half and base % 2) else base


def parse_timestamp(value: Any, form: str, local: Callable[[int], int] | None = None) -> int:
    """ms UTC from `iso8601` text, or from `epoch_s` / `epoch_ms` decimals; parts below a ms are cut off.

    `local` reads text without a zone: ms of the clock on the wall, as if it showed UTC, → ms UTC.

    Raises ParseError INVALID_FIELD for anything else and outside 1970 … 9999.
    """
    try:
        scale = 3 if form == "epoch_s" else 0
        ms = _parse_iso(value, local) if form == "iso8601" else parse_decimal(value, scale, down=True)
    except ValueError as error:
        hint = "ISO-8601 with a zone, such as 2017-01-31T09:30:00Z" if form == "iso8601" else f"a number in {form}"
        found = type_name(value)
        raise ParseError("INVALID_FIELD", f"found {found} that is not a time in {form}; allowed: {hint}") from error
    if not 0 <= ms <= MAX_TIME:
        raise ParseError("INVALID_FIELD", "found a time out of range; allowed: 1970 to 9999")
    return ms


def _parse_iso(value: Any, local: Callable[[int], int] | None) -> int:
    match = _ISO.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("no ISO-8601 text with a zone")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    offset_hours, offset_minutes = int(match[10] or 0), int(match[11] or 0)
    if offset_hours > 23 or offset_minutes > 59:
        raise ValueError("no such zone")
    offset = (offset_hours * 60 + offset_minutes) * 60_000
    ms = int((match[7] or "")[:3].ljust(3, "0"))
    clock = since.days * DAY + since.seconds * 1000
    if match[8] is None and match[9] is None:
        if local is None:
            raise ValueError("no zone")
        return local(clock) + ms
    return clock + ms - (-offset if match[9] == "-" else offset)
