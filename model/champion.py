"""The model that serves, on the test slice of the new one: who replaces it must be better on the same rows.

Its archive comes by the channel `champion`, which is not there before the first deployment. The code in it is not run:
the job's own reads its files.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from calibration import Calibration
from identity import MANIFEST, read_manifest
from measures import compare
from numpy.typing import NDArray
from serving import load
from training_data import Slice

Floats = NDArray[np.float64]
ARCHIVE = "model.tar.gz"
MOST_BYTES = 1 << 30


class NotComparableError(Exception):
    """The champion can't be asked about these rows; the message says why, and stands in the card."""


def against_champion(
    channel: Path, definition_hash: str, test: Slice, score: Floats, threshold: float, *, seed: int, gap_ms: int
) -> dict[str, Any] | None:
    """The document `champion` of metrics.json: its measures and the paired difference, model minus champion; or why it
    can't be compared. None where nothing serves yet."""
    archive = next(iter(sorted(channel.rglob(ARCHIVE))), None) if channel.is_dir() else None
    if archive is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            manifest, theirs = _scores(archive, Path(folder), definition_hash, test, gap_ms)
        except NotComparableError as error:
            return {"comparable": False, "reason": str(error)}
    found = compare(test.entity_id, test.label, score, theirs, threshold, seed=seed)
    return {
        "comparable": True,
        "model_version": manifest["model_version"],
        "model_sha256": manifest["model_sha256"],
        "framework": manifest["framework"],
        "model": {name: estimate.json() for name, estimate in found["baseline"].items()},
        "difference": {name: estimate.json() for name, estimate in found["difference"].items()},
    }


def _scores(
    archive: Path, folder: Path, definition_hash: str, test: Slice, gap_ms: int
) -> tuple[dict[str, Any], Floats]:
    _unpack(archive, folder)
    try:
        manifest = read_manifest(folder)
    except (ValueError, OSError, KeyError) as error:
        raise NotComparableError(f"its archive can't be read: {error}") from error
    if manifest["definition_hash"] != definition_hash:
        raise NotComparableError("it was trained on another definition, whose features mean something else")
    missing = sorted(set(manifest["inputs"]) - set(test.inputs))
    if missing:
        raise NotComparableError(f"it reads inputs that this model does not: {', '.join(missing)}")
    if manifest["learnt_until"] + gap_ms > int(test.t.min()):
        raise NotComparableError("it has learnt from instants whose labels close in this test slice")
    try:
        scorer = load(folder, manifest)
    except (ImportError, ValueError) as error:
        raise NotComparableError(
            f"a model of {manifest['framework']} can't be loaded where this one is trained: {error}"
        ) from error
    margins = scorer.margins(test.columns(list(manifest["inputs"])))
    return manifest, Calibration.read(folder / "calibration.json").apply(margins)


def _unpack(archive: Path, folder: Path) -> None:
    """The files that stand at the top of the archive; the code it serves by stays inside."""
    with tarfile.open(archive, "r:gz") as packed:
        left = MOST_BYTES
        for member in packed:
            path = PurePosixPath(member.name)
            content = packed.extractfile(member) if member.isfile() and len(path.parts) == 1 else None
            if content is None:
                continue
            left -= member.size
            if left < 0:
                raise NotComparableError(f"its archive is larger than {MOST_BYTES} bytes")
            (folder / path.name).write_bytes(content.read())
    if not (folder / MANIFEST).is_file():
        raise NotComparableError(f"its archive has no {MANIFEST}")
