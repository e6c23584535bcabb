"""The package that the jobs are made of, on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "glue-scripts"))
