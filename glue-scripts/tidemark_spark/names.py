"""What both sides of a deployment call alike: names.json, made of names/*.ts by `npm run names`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_NAMES: dict[str, Any] = json.loads(files("tidemark_spark").joinpath("names.json").read_text("utf-8"))

PREFIX: dict[str, str] = _NAMES["prefix"]
"""Folders of the lake bucket, each with its closing slash; what each holds says names/lake.ts."""
NDJSON: str = _NAMES["ndjson"]
"""How the names of packed lines end."""
CONTENT: str = _NAMES["content"]["metadata"]
"""S3 metadata of a history object: CONTENT_DIGITS hex digits of the sha256 of what was loaded first."""
CONTENT_DIGITS: int = _NAMES["content"]["digits"]
_OBJECT: dict[str, str] = _NAMES["object"]

ARGUMENTS: dict[str, dict[str, list[str]]] = _NAMES["arguments"]
"""Job, as its script is called → what it must be told (`required`), and what it may be told beside (`optional`)."""

WEEKLY: str = _NAMES["weekly"]
"""`run` of the erasure that a schedule starts."""
ITEM: dict[str, str] = _NAMES["item"]
"""Partition keys of both tables' items about no entity; what each is says names/keys.ts."""
FEATURES_KEYS: dict[str, str] = _NAMES["features_keys"]
"""Attributes of that table's keys (`partition`, `sort`), and of the time at which an item `expires`."""
STATE_ATTRIBUTES: frozenset[str] = frozenset(_NAMES["state_attributes"])
"""What an item that holds a state has beside its key."""
CUTOVER: dict[str, Any] = _NAMES["cutover"]
"""Attributes of an item about cutovers, and how many `digits` a position has that is left to the backfill."""
LIMIT: dict[str, int] = _NAMES["limit"]
"""Bytes, and days; what each bounds says names/limits.ts."""


def object_key(name: str, **parts: str) -> str:
    """The key of an object of names/lake.ts with all its parts put in. Raises KeyError for a part that is missing."""
    return _OBJECT[name].format(**parts)
