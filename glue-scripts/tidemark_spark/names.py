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
_OBJECT: dict[str, str] = _NAMES["object"]


def object_key(name: str, **parts: str) -> str:
    """The key of an object of names/lake.ts with all its parts put in. Raises KeyError for a part that is missing."""
    return _OBJECT[name].format(**parts)
