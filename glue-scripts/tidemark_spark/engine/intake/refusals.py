"""What could not be mapped of a source's rows, as lines of the quarantine: the same as engine/intake/kept.ts writes."""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Any

from tidemark_spark.engine.admission.contracts import Rejection

_HEX = 30


def intake_shard(source: str, carriage: str) -> str:
    """`shard_id` of what a source's function or job refused (names/sources.ts)."""
    return f"intake-{source}-{carriage}"


def refusal_line(source: str, carriage: str, why: Rejection, raw: bytes, received_ms: int) -> dict[str, Any]:
    """The same bytes have the same place, so that what comes again is kept once."""
    return {
        "shard_id": intake_shard(source, carriage),
        "sequence_number": str(int(sha256(raw).hexdigest()[:_HEX], 16)),
        "sub_sequence": 0,
        "arrival": received_ms,
        "reason": why.reason,
        "detail": str(why),
        "event_type": None,
        "schema_version": None,
        "partition_key": "",
        "source": source,
        "raw_base64": base64.b64encode(raw).decode(),
    }
