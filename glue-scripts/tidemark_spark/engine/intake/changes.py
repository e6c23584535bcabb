"""Rows of a table as change events, with the body that those of all databases have (core/intake/envelope.ts)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tidemark_spark.engine.admission.wire_json import dumps

Body = dict[str, Any]
_NOT_DELETED = (None, False, 0, "", "false", "False", "FALSE", "f", "0")


@dataclass(frozen=True)
class TableRows:
    """How the rows of a table are told apart. `key`: its columns; `version`: the column that every change of a row
    changes; `deleted`: the one that says that a row was deleted (true, or a time), if any."""

    source: str
    schema: str | None
    table: str
    key: Sequence[str]
    version: str
    deleted: str | None = None


@dataclass(frozen=True)
class Change:
    body: Body
    item_id: str
    """Hex sha256 of what the change is: however often and by whichever way the row is read, it is one event."""
    kind: str


def change_of(rows: TableRows, row: Body, op: str, time_ms: int | None) -> Change:
    """`op`: r, c, u or d, as the row was read; a row that says that it was deleted is d. `time_ms`: when it came.

    Raises KeyError for a column that the row has not.
    """
    if rows.deleted is not None and row[rows.deleted] not in _NOT_DELETED:
        op = "d"
    is_gone = op == "d"
    key = {name: row[name] for name in rows.key}
    body = {
        "op": op,
        "schema": rows.schema,
        "table": rows.table,
        "before": row if is_gone else None,
        "after": None if is_gone else row,
        "key": key,
        "position": None,
        "time_ms": time_ms,
    }
    # Not every table gives a row that is deleted a version of its own.
    what = [rows.source, rows.table, list(key.values()), row[rows.version], *(["d"] if is_gone else [])]
    return Change(body, sha256(dumps(what).encode("utf-8", "surrogatepass")).hexdigest(), f"{rows.table}.{op}")
