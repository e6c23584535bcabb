"""Several JSON values in the bytes of one record: one a line, or one right after the other.

By their brackets and quotes alone, so that a broken value is a part of its own; the parts of core/admission/framing.ts.
"""

from __future__ import annotations

import re

_BLANKS = b" \t\r\n"
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_MARK = re.compile(rb'["{}\[\]]')
# Up to its quote, or to a line end, which JSON does not allow in it.
_TEXT = re.compile(rb'(?:[^"\\\n]+|\\.)*+', re.DOTALL)
_OPENED_BY = {b"}": b"{", b"]": b"["}
_OPENS_BEHIND = {b"{": (b":",), b"[": (b"[", b",")}
"""In an object a value stands behind a colon; in an array behind its bracket or a comma."""
_NEXT_OBJECT = re.compile(rb"\n\{")


def parts_of(data: bytes, most: int) -> list[bytes] | None:
    """The objects and arrays of a text, each from its first bracket to the one that closes it; None: more than `most`.

    What is no such value (it never closes, a quoted text of it holds a line end, or a bracket stands where JSON allows
    none, as that of the next event does behind a line that was cut off) is one part up to the next line that begins
    with `{`. A text that is one JSON object or array is one part; a blank text has none.
    """
    parts: list[bytes] = []
    # Once a value was broken, each is looked for up to the next line that begins one: else every open bracket would be
    # followed to the end of the text.
    bound, broken = len(data), False
    at = _skip_blanks(data, 0)
    while at < len(data):
        if broken and at >= bound:
            bound = _next_line_of_object(data, at)
        if len(parts) == most:
            return None
        end = _end_of(data, at, bound)
        if end is None:
            if not broken:
                bound = _next_line_of_object(data, at)
            broken, end = True, bound
        parts.append(data[at:end].rstrip(_BLANKS))
        at = _skip_blanks(data, end)
    return parts


def _skip_blanks(data: bytes, at: int) -> int:
    found = _NOT_BLANK.search(data, at)
    return found.start() if found else len(data)


def _end_of(data: bytes, at: int, to: int) -> int | None:
    """Behind the bracket that closes the one at `at`; None when there is none before `to`."""
    if data[at : at + 1] not in (b"{", b"["):
        return None
    inside: list[bytes] = []
    last = b""
    while found := _MARK.search(data, at, to):
        mark = found.group()
        # The last byte that is no blank.
        last = data[at : found.start()].rstrip(_BLANKS)[-1:] or last
        at = found.end()
        if mark == b'"':
            at = _TEXT.match(data, at, to).end()  # type: ignore[union-attr]
            if at >= to or data[at : at + 1] != b'"':
                return None
            at += 1
        elif mark in b"{[":
            if inside and last not in _OPENS_BEHIND[inside[-1]]:
                return None
            inside.append(mark)
        else:
            if not inside or inside.pop() != _OPENED_BY[mark]:
                return None
            if not inside:
                return at
        last = mark
    return None


def _next_line_of_object(data: bytes, at: int) -> int:
    found = _NEXT_OBJECT.search(data, at)
    return found.start() + 1 if found else len(data)
