"""Makes the scripts of model/ importable, as the container does, and gives each test a job of its own."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# The registry of the local cloud says what a model card may be.
sys.path[:0] = [str(ROOT / "model"), str(ROOT / "local"), str(Path(__file__).parent)]

from training_job import Job, make_job  # noqa: E402


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return make_job(tmp_path / "job")
