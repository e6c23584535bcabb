"""What an import keeps in the lake: history for the landing, refused rows for the quarantine, and gaps."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any

from tidemark_spark.lake.objects import s3_client
from tidemark_spark.names import CONTENT, CONTENT_DIGITS, NDJSON, PREFIX, object_key

_LINES_AN_OBJECT = 100_000


def keep_history(bucket: str, source: str, lines: Iterable[str]) -> int:
    """Canonical events, one a line, as objects that the landing reads; returns how many lines.

    The same lines are the same object, so an import that broke off and runs again adds what is missing.
    """
    left, total = iter(lines), 0
    while some := list(islice(left, _LINES_AN_OBJECT)):
        body = ("\n".join(some) + "\n").encode()
        content = sha256(body).hexdigest()[:CONTENT_DIGITS]
        key = f"{PREFIX['history']}sources/{source}/{content}{NDJSON}"
        packed = gzip.compress(body, mtime=0)
        s3_client().put_object(Bucket=bucket, Key=key, Body=packed, Metadata={CONTENT: content})
        total += len(some)
    return total


def keep_refused(bucket: str, lines: Iterable[str]) -> int:
    """Lines of one way's quarantine (engine/intake/refusals.py), as the compaction reads them; returns how many."""
    found = {(one := json.loads(line))["sequence_number"]: one for line in lines}
    ordered = sorted(found.values(), key=lambda one: int(one["sequence_number"]))
    if not ordered:
        return 0
    first, last = ordered[0], ordered[-1]
    places = sha256("\n".join(one["sequence_number"] for one in ordered).encode()).hexdigest()[:12]
    key = object_key(
        "quarantine",
        day=_day(first["arrival"]),
        shard=first["shard_id"],
        first=first["sequence_number"],
        last=f"{last['sequence_number']}-{places}",
    )
    _put_lines(bucket, key, ordered)
    return len(ordered)


def keep_gap(bucket: str, source: str, carriage: str, gap: dict[str, Any], received_ms: int) -> None:
    """What the source admits to have lost (`kind`, `detail`: names and numbers); the same gap overwrites itself."""
    digest = sha256(json.dumps(gap, sort_keys=True).encode()).hexdigest()[:16]
    key = object_key("sourceGap", day=_day(received_ms), source=source, hash=digest)
    _put_lines(bucket, key, [{"source": source, "carriage": carriage, "received_at": received_ms} | gap])


def _put_lines(bucket: str, key: str, lines: list[dict[str, Any]]) -> None:
    text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
    s3_client().put_object(Bucket=bucket, Key=key, Body=gzip.compress(text.encode(), mtime=0))


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
