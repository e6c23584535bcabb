"""Asks the TypeScript engine a question."""

from __future__ import annotations

import json
import subprocess
from functools import cache
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


def planned(view: dict[str, Any]) -> dict[str, Any]:
    """`view` with the plan that the compiler gives it; members that the plan doesn't need may be missing."""
    process = _planner()
    assert process.stdin and process.stdout
    print(json.dumps(view), file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        raise AssertionError(f"the compiler failed with exit code {process.wait(10)}; what it said stands above")
    return view | {"plan": json.loads(line)["plan"]}


@cache
def _planner() -> subprocess.Popen[str]:
    """One for all tests: it ends when its stdin does, with this process."""
    command = ["node", "--import", "tsx", str(Path(__file__).with_name("planner.ts"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def unreadable(job: str, report: dict[str, Any]) -> list[str]:
    """What the command line can't read of a job's report (names/reports.ts)."""
    return ask({"job": job, "report": report}, "report_bridge.ts")
