"""Objects of raw/history/: their lines, and the content that their refused lines are known by."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Any

from tidemark_spark.lake.objects import LakeObject, list_objects, s3_client
from tidemark_spark.names import CONTENT, CONTENT_DIGITS, PREFIX

HISTORY = PREFIX["history"]
_BOOKKEEPING = re.compile(r"/[_.]")
_GZIP = b"\x1f\x8b"
_PIECE = 1024
_MARK = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\x1a"


class DamagedObjectError(Exception):
    """An object whose gzip data can't be unpacked to its end; `readable`: what can be."""

    def __init__(self, why: str, readable: bytes) -> None:
        super().__init__(why)
        self.readable = readable


@dataclass(frozen=True)
class Source:
    """`content` is the same for every object that was loaded with the same bytes; `lines` without ends and marks,
    blank ones empty so that line numbers hold; None: it can't be unpacked."""

    content: str
    lines: list[bytes] | None


def list_history(bucket: str) -> list[LakeObject]:
    """Every object, whatever its ending; without the bookkeeping of Spark and Hadoop (`_SUCCESS`, `.part-0.crc`,
    `_temporary/…`)."""
    found = list_objects(bucket, HISTORY, "")
    return [o for o in found if not o.key.endswith("/") and not _BOOKKEEPING.search(o.key, len(HISTORY) - 1)]


def read_source(bucket: str, key: str) -> Source:
    """The lines of an object, packed or not: its first bytes decide."""
    answer = s3_client().get_object(Bucket=bucket, Key=key)
    body = answer["Body"].read()
    content = content_of(answer.get("Metadata", {}), body)
    try:
        return Source(content, lines_of(unpacked(body)))
    except DamagedObjectError:
        return Source(content, None)


def unpacked(body: bytes) -> bytes:
    """All gzip members, or the bytes themselves. Raises DamagedObjectError."""
    if not body.startswith(_GZIP):
        return body
    try:
        return gzip.decompress(body)
    except (EOFError, OSError, zlib.error) as error:
        raise DamagedObjectError(str(error), _readable(body)) from error


def _readable(body: bytes) -> bytes:
    """What comes out before the first damage."""
    found: list[bytes] = []
    rest = body
    with contextlib.suppress(zlib.error):
        while rest:
            member, at = zlib.decompressobj(16 + zlib.MAX_WBITS), 0
            for at in range(0, len(rest), _PIECE):
                found.append(member.decompress(rest[at : at + _PIECE]))
                if member.eof:
                    break
            rest = member.unused_data + rest[at + _PIECE :] if member.eof else b""
    return b"".join(found)


def lines_of(text: bytes) -> list[bytes]:
    """Without line ends and byte order marks; a line of blanks is empty."""
    lines = [_trimmed(line) for line in text.split(b"\n")]
    return lines[:-1] if lines[-1] == b"" else lines


def _trimmed(line: bytes) -> bytes:
    line = line.rstrip(b"\r")
    while line.startswith(_MARK):
        line = line[len(_MARK) :]
    return line if line.strip(_BLANKS) else b""


def content_of(metadata: dict[str, Any], body: bytes) -> str:
    """What the object says by itself, else the hash of its bytes, unpacked where they can be."""
    if said := metadata.get(CONTENT):
        return said
    with contextlib.suppress(DamagedObjectError):
        body = unpacked(body)
    return hashlib.sha256(body).hexdigest()[:CONTENT_DIGITS]
