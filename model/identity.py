"""What a model is: the bytes that decide a score, and the definition of what it is asked with."""

import hashlib
from pathlib import Path


def model_sha256(folder: Path, definition_hash: str) -> str:
    """Hex sha256 of model.ubj, calibration.json and the hash of the view."""
    content = (folder / "model.ubj").read_bytes() + (folder / "calibration.json").read_bytes()
    return hashlib.sha256(content + definition_hash.encode()).hexdigest()
