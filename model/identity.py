"""What a model is: the files that decide a score, and the definition of what it is asked with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
FORMAT = 1


def write_manifest(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """manifest.json beside the files that stand in `folder`, none in a folder of its own.

    `about` has `framework`, `model`, `definition_hash`, `inputs`, `versions` and what else is worth keeping. Returns it
    with `format`, `files`, `model_sha256` and `model_version`.
    """
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != MANIFEST}
    sha256 = model_sha256(files, about["definition_hash"])
    identity = {"model_version": f"{about['model']}-{sha256[:12]}", "model_sha256": sha256}
    manifest = {"format": FORMAT, "files": files, **about, **identity}
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """Raises ValueError for a manifest of another format, and for files that are not those it names."""
    manifest = json.loads((folder / MANIFEST).read_text())
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{MANIFEST}: found format {manifest.get('format')!r}; allowed: {FORMAT}. Train it again.")
    changed = [name for name, sha256 in sorted(manifest["files"].items()) if _sha256(folder / name) != sha256]
    if changed or model_sha256(manifest["files"], manifest["definition_hash"]) != manifest["model_sha256"]:
        names = ", ".join(changed or [MANIFEST])
        raise ValueError(f"{names}: found other bytes than {MANIFEST} says; deploy the model again")
    return manifest


def model_sha256(files: dict[str, str], definition_hash: str) -> str:
    """Hex sha256 of one line `<name> <sha256>` a file, sorted by name, and a last line with the hash of the view."""
    lines = [f"{name} {sha256}\n" for name, sha256 in sorted(files.items())]
    return hashlib.sha256("".join([*lines, f"{definition_hash}\n"]).encode()).hexdigest()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Keys sorted, so that the same document is the same bytes. Raises ValueError for NaN and infinity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n")


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
