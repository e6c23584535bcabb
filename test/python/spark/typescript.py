"""Asks the TypeScript engine a question."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def ask(question: dict[str, Any], script: str = "bridge.ts") -> Any:
    """The answer of a script beside this file; raises with what Node said when the engine fails."""
    done = subprocess.run(
        ["node", "--import", "tsx", str(Path(__file__).with_name(script))],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(f"the TypeScript engine failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
