"""Parts of a slice by entity: rows of one entity depend on each other, so they stay together."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def folds(entity: NDArray[np.str_], count: int, salt: str) -> Ints:
    """The fold of each row, 0 to `count` - 1: by sha256 of salt and entity, so every machine makes the same ones."""
    names, codes = np.unique(entity, return_inverse=True)
    digests = (hashlib.sha256(f"{salt}\0{name}".encode()).digest() for name in names)
    return np.array([int.from_bytes(digest[:8], "big") % count for digest in digests], np.int64)[codes]
