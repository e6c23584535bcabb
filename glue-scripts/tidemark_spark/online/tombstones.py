"""Tombstones in the features table. Who writes entities asks here (core/admission/tombstone.ts)."""

from __future__ import annotations

from tidemark_spark.names import ITEM
from tidemark_spark.online.table import partition

ERASED_KEY = ITEM["erased"]


def read_tombstones(table: str) -> dict[str, int]:
    """Tombstone → when the online stores were cleared of the entity (ms UTC; 0 before), read consistently."""
    return {item["view"]["S"]: int(item.get("cleared_at", {"N": "0"})["N"]) for item in partition(table, ERASED_KEY)}
