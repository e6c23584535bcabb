"""Puts the Glue scripts on the path, as the job's --extra-py-files does."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "glue-scripts"))
