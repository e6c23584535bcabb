"""JSON pointers (RFC 6901), as core/intake/pointer.ts has them: own members of objects and places of arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tidemark_spark.engine.values.decimals import UNDEFINED

Select = Callable[[Any], Any]
"""What stands in a body, JSON as wire_json reads it; UNDEFINED where nothing does."""

_PLACE = re.compile(r"0|[1-9]\d*", re.ASCII)


def pointer(text: str) -> Select:
    """`text`: empty (the whole), or `/` before every part, as the document's schema has checked it."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]

    def select(body: Any) -> Any:
        value = body
        for part in parts:
            if isinstance(value, dict):
                value = value.get(part, UNDEFINED)
            elif isinstance(value, list) and _PLACE.fullmatch(part) and int(part) < len(value):
                value = value[int(part)]
            else:
                return UNDEFINED
        return value

    return select
