"""The hashes of core/values/hash.ts over whole columns.

Of event ids 53 bits of sha256, so that nobody finds an id that is taken for another's; of distinct values 53 bits of
MurmurHash3 (x86, 32 bit; Appleby, public domain).
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Words = NDArray[np.uint32]


def id_hash(texts: pa.Array) -> NDArray[np.int64]:
    """The first 53 bits of each text's sha256, the lowest byte first. No nulls."""
    digests = b"".join(sha256(text).digest()[:8] for text in texts.cast(pa.binary()).to_pylist())
    return (np.frombuffer(digests, "<u8") & np.uint64((1 << 53) - 1)).astype(np.int64)


def hash53(texts: pa.Array) -> NDArray[np.int64]:
    """Low 21 bits of murmur3(seed 1) above murmur3(seed 0), of each text's UTF-8 bytes. No nulls."""
    texts = pa.concat_arrays([texts.cast(pa.large_binary())])
    starts = np.frombuffer(texts.buffers()[1], np.int64)[: len(texts) + 1] if len(texts) else np.zeros(1, np.int64)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    lengths = np.diff(starts)
    out = np.zeros(len(texts), np.int64)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        block = data[starts[rows][:, None] + np.arange(length)]
        low, high = murmur3(block, 0), murmur3(block, 1)
        out[rows] = ((high & np.uint32(0x1FFFFF)).astype(np.int64) << 32) | low.astype(np.int64)
    return out


def murmur3(rows: NDArray[np.uint8], seed: int) -> Words:
    """One hash a row; all rows have the same number of bytes."""
    count, length = rows.shape
    whole = length // 4
    blocks = np.ascontiguousarray(rows[:, : whole * 4]).view("<u4") if whole else np.zeros((count, 0), np.uint32)
    h = np.full(count, seed, np.uint32)
    for i in range(whole):
        h = _rotate(h ^ _mix(blocks[:, i]), 13) * np.uint32(5) + np.uint32(0xE6546B64)
    if length % 4:
        tail = np.zeros(count, np.uint32)
        for i in range(length - 1, whole * 4 - 1, -1):
            tail = (tail << np.uint32(8)) | rows[:, i]
        h = h ^ _mix(tail)
    h = h ^ np.uint32(length)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def _mix(block: Words) -> Words:
    return _rotate(block.astype(np.uint32) * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotate(value: Words, bits: int) -> Words:
    return (value << np.uint32(bits)) | (value >> np.uint32(32 - bits))
