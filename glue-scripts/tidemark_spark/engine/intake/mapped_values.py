"""Single values of a map: read as other systems write them, and written as a contract reads them.

The same rules as core/intake/mapped-values.ts and core/intake/identifier-text.ts.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from tidemark_spark.engine.admission.contracts import Rejection
from tidemark_spark.engine.admission.field_values import is_safe
from tidemark_spark.engine.admission.wire_json import dumps
from tidemark_spark.engine.values.decimals import UNDEFINED, is_number, type_name

_DECIMAL = re.compile(r"(-?)(\d{1,40})(?:\.(\d{1,40}))?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLS = {"true": True, "t": True, "yes": True, "y": True, "1": True} | {
    "false": False,
    "f": False,
    "no": False,
    "n": False,
    "0": False,
}
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def identifier_text(value: Any) -> str | None:
    """A text that is not empty, or a whole number that a JSON parser keeps exactly; None for anything else."""
    if isinstance(value, str):
        return value or None
    return str(value) if is_safe(value) else None


def shifted(value: Any, places: int, name: str) -> Any:
    """A decimal with its point `places` to the left (to the right where negative), as text and exactly.

    Missing and null stay so. Raises Rejection for what is no plain decimal.
    """
    if value is UNDEFINED or value is None:
        return value
    text = dumps(value) if is_number(value) else value
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        found = f"properties.{name}: found {type_name(value)}; allowed: a plain decimal"
        raise Rejection("INVALID_FIELD", found)
    return f"{match[1]}{_moved(match[2], match[3] or '', places)}"


def _moved(whole: str, fraction: str, places: int) -> str:
    if places < 0:
        padded = fraction.ljust(-places, "0")
        units, decimals = whole + padded[:-places], padded[-places:]
    else:
        digits = whole.rjust(places + 1, "0")
        units, decimals = digits[: len(digits) - places], digits[len(digits) - places :] + fraction
    units = units.lstrip("0") or "0"
    return f"{units}.{decimals}" if decimals else units


def bool_of(value: Any) -> Any:
    """true and false as files and databases write them, in any case of ASCII; else the value itself."""
    if isinstance(value, str):
        return _BOOLS.get(value.translate(_LOWER), value)
    if is_number(value) and value in (0, 1):
        return value == 1
    return value


def written_as(form: str | int | None, value: Any) -> Any:
    """A canonical value as a contract's field reads it: an instant (ms UTC) in a format, a decimal (units of 10^-scale)
    by its scale, all else as it is."""
    if form is None or not is_number(value):
        return value
    if isinstance(form, int):
        return _decimal_text(value, form)
    if form == "iso8601":
        at = (_EPOCH + timedelta(milliseconds=value)).isoformat(timespec="milliseconds")
        return at.replace("+00:00", "Z")
    return value if form == "epoch_ms" else _decimal_text(value, 3)


def _decimal_text(units: int, scale: int) -> str:
    digits = str(abs(units)).rjust(scale + 1, "0")
    point = len(digits) - scale
    return f"{'-' if units < 0 else ''}{digits[:point]}{f'.{digits[point:]}' if scale else ''}"
