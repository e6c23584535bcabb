"""Records that the Kinesis Producer Library has aggregated: magic number, protobuf message, md5 of the message.

https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md; the verdicts of
core/admission/kpl.ts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
_MAX_VARINT = 8
"""Bytes of a varint within 2^53."""
_MAX_SAFE = 2**53 - 1
_FIXED = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2


class KplError(ValueError):
    """An aggregated record can't be read; the message names what was found, never the payload."""


@dataclass(frozen=True)
class UserRecord:
    partition_key: str
    data: bytes


def is_aggregated(data: bytes) -> bool:
    """No UTF-8 text begins so: whoever sends these bytes means an aggregated record."""
    return data.startswith(MAGIC)


def deaggregate(data: bytes, most: int) -> list[UserRecord] | None:
    """The user records in their order, at least one; None when there are more than `most`. Raises KplError."""
    end = len(data) - _DIGEST_BYTES
    if end < len(MAGIC):
        raise KplError("found a record that ends early")
    message = data[len(MAGIC) : end]
    if hashlib.md5(message, usedforsecurity=False).digest() != data[end:]:
        raise KplError("found another checksum than that of the message")
    keys: list[str] = []
    records: list[tuple[int, bytes]] = []
    for field, value in _fields(message):
        if field == 1:
            keys.append(_text(value))
        if field != 3:
            continue
        if len(records) == most:
            return None
        records.append(_record(value))
    if not records:
        raise KplError("found no record in it")
    if any(key >= len(keys) for key, _ in records):
        raise KplError("found a record without its partition key")
    return [UserRecord(keys[key], content) for key, content in records]


def _text(value: bytes | int) -> str:
    if isinstance(value, int):
        raise KplError("found a partition key that is not text")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise KplError("found a partition key that is not valid UTF-8") from None


def _record(value: bytes | int) -> tuple[int, bytes]:
    """As in every protobuf reader, of a field that comes again the last one counts."""
    if isinstance(value, int):
        raise KplError("found a record that is not a message")
    key: int | None = None
    content: bytes | None = None
    for field, part in _fields(value):
        if field == 1 and isinstance(part, int):
            key = part
        elif field == 3 and isinstance(part, bytes):
            content = part
        elif field in (1, 3):
            raise KplError("found a field of another type")
    if key is None or content is None:
        raise KplError("found a record without data or partition key")
    return key, content


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Field numbers with the number of a varint, else the bytes. Groups are not read: the message has none."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        if field == 0:
            raise KplError("found a field without a number")
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield field, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in _FIXED:
            length = _FIXED[wire]
        else:
            raise KplError("found a field of an unknown wire type")
        if length > len(message) - at:
            raise KplError("found a message that ends early")
        yield field, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number and where it ends."""
    value = 0
    for i in range(_MAX_VARINT):
        if at + i >= len(message):
            raise KplError("found a message that ends early")
        byte = message[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if value > _MAX_SAFE:
                break
            return value, at + i + 1
    raise KplError("found a number that is too large")
