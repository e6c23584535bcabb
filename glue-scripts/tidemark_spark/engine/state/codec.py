"""State codec, version 3: the same bytes as core/state/codec.ts, whose header describes them.

test/conformance/states.json holds both to it. Spark makes states and the stream processor reads them, so there is no
more of reading than the healing has to know before it compares bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

CODEC_VERSION = 3
OUTDATED = frozenset([b"\x01", b"\x02", b"\x83"])
"""First bytes of states that former code wrote, or that remember ids by its hash."""
READABLE = OUTDATED | {bytes((CODEC_VERSION,))}
"""First bytes of states that the deployed code reads (core/state/codec.ts)."""


class CodecError(ValueError):
    """A value that the codec has no bytes for."""


def varint(value: int) -> bytes:
    """LEB128: 7 bits a byte, lowest first; 0 … 2^53 − 1."""
    if value < 0:
        raise CodecError("found a negative number; allowed: 0 to 2^53-1")
    if value < 0x80:
        return bytes((value,))
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
    """A tag byte (0 integer, 1 string, 2 false, 3 true, 4 null), then the value."""
    if value is None:
        return b"\x04"
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


def histogram(counts: Sequence[tuple[str, int]] | None) -> bytes:
    """Values by code point with their counts; None: more different ones than the cap."""
    if counts is None:
        return b"\x01"
    return b"\x00" + varint(len(counts)) + b"".join(text(value) + varint(n) for value, n in counts)


def encode_recent(newest_available_at: int, recent: Sequence[tuple[int, int]]) -> bytes:
    """(available_at, id_hash of the event id) pairs, newest first."""
    if not recent:
        return varint(0)
    newest, oldest = recent[0][0], recent[-1][0]
    gaps = b"".join(varint(before[0] - one[0]) for before, one in pairwise(recent))
    head = varint(len(recent)) + varint(newest_available_at - newest) + varint(newest - oldest)
    return head + b"".join(hash_bytes(hashed) for _, hashed in recent) + varint(len(gaps)) + gaps


def encode_ledger(evicted: bool, partials: int, pending: Sequence[bytes], entries: Sequence[bytes]) -> bytes:
    """What a view with retractions remembers. Offline every value is exact, so no partial is flagged inexact."""
    head = bytes((1 if evicted else 0,)) + bitmap([False] * partials)
    return head + varint(len(pending)) + b"".join(pending) + varint(len(entries)) + b"".join(entries)


def pending_entry(newest_available_at: int, available_at: int, target_hash: int) -> bytes:
    return varint(newest_available_at - available_at) + hash_bytes(target_hash)


def ledger_entry(
    newest_available_at: int,
    available_at: int,
    hashed: int,
    event_time: int,
    type_and_cancelled: tuple[int, bool],
    properties: Iterable[Any],
) -> bytes:
    """`type_and_cancelled`: the place of the event's type among the view's retractable ones, and whether it is gone."""
    place, cancelled = type_and_cancelled
    head = varint(newest_available_at - available_at) + hash_bytes(hashed) + varint(available_at - event_time)
    return head + varint(2 * place + cancelled) + b"".join(map(scalar, properties))


def encode_level(hop_ms: int, starts: Sequence[int], partials: Sequence[Sequence[bytes | None]]) -> bytes:
    """Tiles by ascending start; `partials[p][i]` the bytes of tile i's cell, None where no event touched it."""
    if not starts:
        return varint(0)
    out = [varint(len(starts))]
    if hop_ms:
        out += [varint(starts[-1] // hop_ms), varint((starts[-1] - starts[0]) // hop_ms)]
    for i in range(len(starts) - 1, -1, -1):
        if hop_ms and i < len(starts) - 1:
            out.append(varint((starts[i + 1] - starts[i]) // hop_ms))
        cells = [column[i] for column in partials]
        out.append(bitmap([cell is not None for cell in cells]))
        out.extend(cell for cell in cells if cell is not None)
    body = b"".join(out)
    return varint(len(body)) + body


def encode_state(
    newest_event_time: int, newest_available_at: int, recent: bytes, ledger: bytes, levels: Sequence[bytes]
) -> bytes:
    """The state item's bytes; `ledger` is empty for a view without retractions. Watermarks stand beside them."""
    head = bytes((CODEC_VERSION,)) + varint(newest_event_time) + varint(newest_available_at)
    return head + recent + ledger + b"".join(levels)


def has_inexact(data: bytes, partials: int) -> bool:
    """Whether a state of a view with retractions flags a partial that tells an older truth.

    `partials`: of the view, over all levels. Raises CodecError where the bytes end before that.
    """
    try:
        at = 1
        for _ in range(2):
            _, at = _read_varint(data, at)
        recent, at = _read_varint(data, at)
        if recent:
            for _ in range(2):
                _, at = _read_varint(data, at)
            gaps, at = _read_varint(data, at + recent * len(hash_bytes(0)))
            at += gaps
        # After the byte that says whether the ledger ever let an event go.
        flags = data[at + 1 : at + 1 + (partials + 7) // 8]
    except IndexError as error:
        raise CodecError("found the end of the bytes before the flags") from error
    if len(flags) * 8 < partials:
        raise CodecError("found the end of the bytes before the flags")
    return any(flags)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where the next one begins."""
    value = shift = 0
    while data[at] >= 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | data[at] << shift, at + 1
