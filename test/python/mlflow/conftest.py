"""The local cloud's helpers, for the tests of a real MLflow server."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "local"))
