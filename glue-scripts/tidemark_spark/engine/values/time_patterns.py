"""Times as people and spreadsheets write them, by a pattern.

The same rules as core/values/time-pattern.ts, where they are explained. The document was checked: a pattern is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tidemark_spark.engine.values.decimals import MAX_TIME, ParseError, type_name

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TOKEN = re.compile(r"yyyy|MMM|MM|dd|HH|hh|mm|ss|a|[^A-Za-z]|T", re.ASCII)
_DIGITS_AFTER = re.compile(r"(?:yyyy|MM(?!M)|dd|HH|hh|mm|ss)")
_DIGITS_BEFORE = re.compile(r"(?:yyyy|(?<!M)MM|dd|HH|hh|mm|ss)$")
_PARTS = {
    "yyyy": (r"(?P<y>\d{4})", r"(?P<y>\d{4})"),
    "MMM": (r"(?P<month>[A-Za-z]{3})", r"(?P<month>[A-Za-z]{3})"),
    "MM": (r"(?P<M>\d{1,2})", r"(?P<M>\d{2})"),
    "dd": (r"(?P<d>\d{1,2})", r"(?P<d>\d{2})"),
    "HH": (r"(?P<H>\d{1,2})", r"(?P<H>\d{2})"),
    "hh": (r"(?P<h>\d{1,2})", r"(?P<h>\d{2})"),
    "mm": (r"(?P<m>\d{2})", r"(?P<m>\d{2})"),
    "ss": (r"(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?", r"(?P<s>\d{2})"),
    "a": (r"(?P<a>[AaPp][Mm])", r"(?P<a>[AaPp][Mm])"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT = 2**53 - 1


def time_reader(pattern: str, local: Callable[[int], int]) -> Callable[[Any], int]:
    """What reads a text (or a whole number, by its digits) as ms UTC. That raises ParseError for anything else."""

    def part(match: re.Match[str]) -> str:
        token = match[0]
        if token not in _PARTS:
            return "[Tt]" if token == "T" else " +" if token == " " else re.escape(token)
        before, after = pattern[: match.start()], pattern[match.end() :]
        in_run = _DIGITS_AFTER.match(after) or _DIGITS_BEFORE.search(before)
        return _PARTS[token][1 if in_run else 0]

    shape = re.compile(_TOKEN.sub(part, pattern), re.ASCII)

    def read(value: Any) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _EXACT
        text = str(value) if whole else value
        match = shape.fullmatch(text) if isinstance(text, str) and len(text) <= 40 else None
        instant = None if match is None else _instant(match.groupdict(), local)
        if instant is None:
            detail = f"found {type_name(value)} that is not a time in {pattern}; allowed: {pattern}"
            raise ParseError("INVALID_FIELD", detail)
        if not 0 <= instant <= MAX_TIME:
            raise ParseError("INVALID_FIELD", f"found a time out of range in {pattern}; allowed: 1970 to 9999")
        return instant

    return read


def _instant(found: dict[str, str | None], local: Callable[[int], int]) -> int | None:
    named, half = found.get("month"), found.get("h")
    if named is not None and named.lower() not in _MONTHS:
        return None
    month = int(found["M"] or 0) if named is None else _MONTHS.index(named.lower()) + 1
    if half is not None and not 1 <= int(half) <= 12:
        return None
    afternoon = (found.get("a") or "").lower() == "pm"
    hour = int(found.get("H") or 0) if half is None else int(half) % 12 + (12 if afternoon else 0)
    year, day = int(found["y"] or 0), int(found["d"] or 0)
    try:
        since = (
            datetime(year, month, day, hour, int(found.get("m") or 0), int(found.get("s") or 0), tzinfo=UTC) - _EPOCH
        )
    except ValueError:
        return None
    ms = since.days * 86_400_000 + since.seconds * 1000
    return local(ms) + int((found.get("f") or "")[:3].ljust(3, "0"))
