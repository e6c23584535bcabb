"""What one record holds: one event mostly; several where a producer aggregated them or wrote several JSON objects.

Each is admitted by itself; all have the record's sequence number. The same parts and verdicts as in
core/admission/record-parts.ts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidemark_spark.engine.admission.contracts import AdmitOptions, Contracts, Position, Rejection, admit
from tidemark_spark.engine.admission.framing import parts_of
from tidemark_spark.engine.admission.kpl import KplError, deaggregate, is_aggregated

_FEW = 16
"""Fewer parts are looked at in any record."""
_LEAST_BYTES = 64
"""The smallest event takes more (core/admission/record-parts.ts)."""


@dataclass(frozen=True)
class RecordPart:
    """An event of a record, or a part of it that is none; `sub_sequence` is its place among them, from 0."""

    partition_key: str | None
    data: bytes
    sub_sequence: int
    verdict: dict[str, Any] | Rejection
    """The canonical event, as `admit` gives it, or why it is none."""


def admit_record(
    data: bytes,
    partition_key: str | None,
    position: Position,
    contracts: Contracts,
    options: AdmitOptions,
    lanes: int = 1,
) -> list[RecordPart]:
    """At least one part, in the order of the record. Raises nothing on input.

    `lanes`: batches of one shard that the processor takes at the same time; with more than one, the key of the whole
    record says whether an entity's events came in their order.
    """
    whole = _verdict(data, position, contracts, options)
    if isinstance(whole, dict):
        return [RecordPart(partition_key, data, 0, whole)]
    most = max(_FEW, len(data) // _LEAST_BYTES)
    try:
        units = _units(data, partition_key, most, lanes)
    except KplError as error:
        said = f"record: {error}; allowed: what the Kinesis Producer Library writes"
        return [RecordPart(partition_key, data, 0, Rejection("MALFORMED_AGGREGATE", said))]
    if units is None:
        found = f"record: found more than {most} parts in {len(data)} bytes"
        said = f"{found}; allowed: one in {_LEAST_BYTES} bytes, or {_FEW}"
        return [RecordPart(partition_key, data, 0, Rejection("TOO_MANY_EVENTS", said))]
    if len(units) == 1 and units[0][1] is data:
        return [RecordPart(partition_key, data, 0, whole)]
    return [
        RecordPart(key, part, place, _verdict(part, position, contracts, options))
        for place, (key, part) in enumerate(units)
    ]


def _verdict(
    data: bytes, position: Position, contracts: Contracts, options: AdmitOptions
) -> dict[str, Any] | Rejection:
    try:
        return admit(data, position, contracts, options)
    except Rejection as rejection:
        return rejection


_Units = list[tuple[str | None, bytes]]


def _units(data: bytes, partition_key: str | None, most: int, lanes: int) -> _Units | None:
    """The parts of a record with the key of each; its own bytes where they are one. None: too many."""
    if not is_aggregated(data):
        return _split(partition_key, data, most)
    units: _Units = []
    for user in deaggregate(data, most) or []:
        parts = _split(partition_key if lanes > 1 else user.partition_key, user.data, most - len(units))
        if parts is None:
            return None
        units += parts
    return units or None


def _split(key: str | None, data: bytes, most: int) -> _Units | None:
    parts = parts_of(data, most)
    if parts is None:
        return None
    if len(parts) < 2:
        return [(key, data)] if most > 0 else None
    return [(key, part) for part in parts]


def parts_in(data: bytes, partition_key: str | None) -> list[tuple[str | None, bytes]]:
    """The parts of a record with the key of each, as they are admitted; itself where it can't be taken apart."""
    try:
        return _units(data, partition_key, len(data), 1) or [(partition_key, data)]
    except KplError:
        return [(partition_key, data)]
