"""Who was erased, known by a hash (core/admission/tombstone.ts)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

SALT = "tidemark-erased\n"
# With JSON's own blanks; a text ends where its line does.
_NAMED = re.compile(r'"entity_id"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\\r\n]|\\[^\r\n])*")')

Tombstones = frozenset[str]
NOBODY: Tombstones = frozenset()


def tombstone_of(entity_id: str) -> str:
    """Hex sha256. Of a guessable id it can be guessed: it is a pseudonym, and is kept as one."""
    return hashlib.sha256((SALT + entity_id).encode("utf-8", "replace")).hexdigest()


def subjects_of(partition_key: str | None, raw: bytes) -> set[str]:
    """Whom a raw record may be about: its key, and every `entity_id` its text names, also where it is no JSON."""
    subjects = set() if partition_key is None else {partition_key}
    for quoted in _NAMED.findall(raw.decode("utf-8", "replace")):
        try:
            subjects.add(json.loads(quoted))
        except ValueError:
            continue
    return subjects


def any_erased(erased: Tombstones, entity_ids: Iterable[str | None]) -> bool:
    return any(i is not None and tombstone_of(i) in erased for i in entity_ids)
