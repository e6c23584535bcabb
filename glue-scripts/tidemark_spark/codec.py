"""State codec, version 1: the same bytes as core/codec.ts, whose header describes them.

test/conformance/states.json holds both to it. Writing only: Spark makes states, the stream processor reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

CODEC_VERSION = 1


class CodecError(ValueError):
    """A value that the codec has no bytes for."""


def varint(value: int) -> bytes:
    """LEB128: 7 bits a byte, lowest first; 0 … 2^53 − 1."""
    if value < 0:
        raise CodecError("found a negative number; allowed: 0 to 2^53-1")
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value: int) -> bytes:
    """Sign and magnitude: bit 7 of the first byte says more follow, bit 6 is the sign, 6 bits; the rest a varint."""
    magnitude = abs(value)
    head = magnitude & 0x3F | (0x40 if value < 0 else 0)
    if magnitude < 0x40:
        return bytes((head,))
    return bytes((head | 0x80,)) + varint(magnitude >> 6)


def hash_bytes(value: int) -> bytes:
    """53 bits in 7 bytes, lowest first."""
    return value.to_bytes(7, "little")


def text(value: str) -> bytes:
    encoded = value.encode()
    return varint(len(encoded)) + encoded


def scalar(value: Any) -> bytes:
    """A tag byte (0 integer, 1 string, 2 false, 3 true), then the value."""
    if isinstance(value, bool):
        return b"\x03" if value else b"\x02"
    return b"\x01" + text(value) if isinstance(value, str) else b"\x00" + signed(value)


def bitmap(bits: Sequence[bool]) -> bytes:
    """One bit an item, lowest bit first, padded with zeros to whole bytes."""
    number = sum(1 << i for i, bit in enumerate(bits) if bit)
    return number.to_bytes((len(bits) + 7) // 8, "little")


def sketch(hashes: Sequence[int], theta: int | None) -> bytes:
    """A distinct cell: theta where a value was left out, then the hashes ascending."""
    head = b"\x00" if theta is None else b"\x01" + hash_bytes(theta)
    return head + varint(len(hashes)) + b"".join(map(hash_bytes, hashes))


def encode_recent(newest_available_at: int, recent: Sequence[tuple[int, int]]) -> bytes:
    """(available_at, hash53 of the event id) pairs, ascending."""
    out = [varint(len(recent))]
    before = None
    for available_at, hashed in recent:
        out.append(varint(newest_available_at - available_at if before is None else available_at - before))
        out.append(hash_bytes(hashed))
        before = available_at
    return b"".join(out)


def encode_level(hop_ms: int, starts: Sequence[int], partials: Sequence[Sequence[bytes | None]]) -> bytes:
    """Tiles by ascending start; `partials[p][i]` the bytes of tile i's cell, None where no event touched it."""
    out = [varint(len(starts))]
    if not starts:
        return out[0]
    if hop_ms:
        before = 0
        for start in starts:
            out.append(varint((start - before) // hop_ms))
            before = start
    for cells in partials:
        out.append(bitmap([cell is not None for cell in cells]))
        out.extend(cell for cell in cells if cell is not None)
    return b"".join(out)


def encode_state(newest_event_time: int, newest_available_at: int, recent: bytes, levels: Sequence[bytes]) -> bytes:
    """The state item's bytes. Watermarks stand beside them, in the item's own attribute."""
    head = bytes((CODEC_VERSION,)) + varint(newest_event_time) + varint(newest_available_at)
    return head + recent + b"".join(levels)
