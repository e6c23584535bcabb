"""Who was erased: hashes in the online table. Every job that writes entities asks here (see core/admission/tombstone.ts)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from .lake import list_objects, write_bytes
from .online_table import partition

ERASED_KEY = "#erased"
LAKE_PREFIX = "tombstones/"
_SALT = "tidemark-erased\n"
# With JSON's own blanks; a text ends where its line does.
_NAMED = re.compile(r'"entity_id"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\\r\n]|\\[^\r\n])*")')

Tombstones = frozenset[str]
NOBODY: Tombstones = frozenset()


def tombstone_of(entity_id: str) -> str:
    """Hex sha256. Of a guessable id it can be guessed: it is a pseudonym, and is kept as one."""
    return hashlib.sha256((_SALT + entity_id).encode("utf-8", "replace")).hexdigest()


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


def read_tombstones(table: str) -> dict[str, int]:
    """Tombstone → when the online stores were cleared of the entity (ms UTC; 0 before), read consistently."""
    return {item["view"]["S"]: int(item.get("cleared_at", {"N": "0"})["N"]) for item in partition(table, ERASED_KEY)}


def keep_in_lake(bucket: str, cleared: dict[str, int]) -> int:
    """Writes the tombstones down in the lake that are not there, as cli/tombstones.ts does; returns how many.

    No restore of the table takes those back.
    """
    kept = {found.key for found in list_objects(bucket, LAKE_PREFIX, "")}
    missing = {f"{LAKE_PREFIX}{tombstone}": at for tombstone, at in cleared.items()}
    missing = {key: at for key, at in missing.items() if key not in kept}
    for key, at in missing.items():
        write_bytes(bucket, key, json.dumps({"cleared_at": at}).encode())
    return len(missing)


def tombstone_column(column: str) -> Column:
    return F.sha2(F.concat(F.lit(_SALT), F.col(column)), 256)


def without_erased(frame: DataFrame, erased: Tombstones, column: str = "entity_id") -> DataFrame:
    """The rows that are about nobody who was erased; costs nothing while nobody was."""
    if not erased:
        return frame
    gone = frame.sparkSession.createDataFrame([(h,) for h in sorted(erased)], "_tombstone string")
    return frame.join(F.broadcast(gone), tombstone_column(column) == F.col("_tombstone"), "left_anti")
