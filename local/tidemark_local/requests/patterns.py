"""The patterns of AWS's API models, which are Java's, read by the module `regex`.

`java.util.regex.Pattern` (https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html):
`\\p{L}` and the like are Unicode classes, `\\d`, `\\s` and `\\w` mean ASCII without a flag, `\\x{h}` is a code point,
and two surrogate escapes beside each other are one character.
"""

import functools
import re
from typing import Any

import regex

_TOKEN = re.compile(
    r"(?P<pairs>\\uD800\\uDC00-\\uDBFF\\uDFFF)|\\x\{(?P<point>[0-9A-Fa-f]+)\}|\\(?P<short>[dsw])|\\.|(?P<bracket>[\[\]])",
    re.IGNORECASE | re.DOTALL,
)
_ASCII = {"d": "0-9", "s": r" \t\n\x0B\f\r", "w": "a-zA-Z_0-9"}


class UnreadablePattern(ValueError):
    """A pattern of an API model that the module `regex` can't read."""


@functools.cache
def compiled(text: str) -> Any:
    """The pattern, for `fullmatch`: AWS matches the whole value.

    Raises UnreadablePattern, as a constraint must never be skipped.
    """
    try:
        return regex.compile(_translated(text))
    except regex.error as error:
        raise UnreadablePattern(
            f"The pattern {text!r} of an API model can't be read ({error}): teach requests/patterns.py to translate it."
        ) from error


def _translated(text: str) -> str:
    parts, at, inside = [], 0, False
    for token in _TOKEN.finditer(text):
        parts.append(text[at : token.start()])
        at = token.end()
        found = token.group()
        if token["pairs"]:
            found = r"\U00010000-\U0010FFFF"
        elif token["point"]:
            found = rf"\U{int(token['point'], 16):08x}"
        elif token["short"] and token["short"].islower():
            ascii_only = _ASCII[token["short"]]
            found = ascii_only if inside else f"[{ascii_only}]"
        elif token["bracket"] == "[":
            found, inside = (r"\[" if inside else "["), True
        elif token["bracket"] == "]":
            inside = False
        parts.append(found)
    return "".join((*parts, text[at:]))
