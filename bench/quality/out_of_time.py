"""Measures models out of time on real events: the figures of docs/measurements.md.

    python bench/quality/out_of_time.py [--data NAME …] [--frameworks NAME …] [--json FILE] [--rolling]

The same definition, point-in-time join and training code as in production, for every data set. With --rolling, a model
is chosen, not judged: it is trained and measured on slices before the test slice, which is not looked at.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("glue-scripts", "model", "bench/quality")]

from cdnow.summary import reproduced  # noqa: E402
from data_set import DATA_SETS, Channels, DataSet, canonical_events, channels  # noqa: E402
from judge import judged, judged_apart  # noqa: E402
from measures import NAMES, Estimate  # noqa: E402
from rolling import rolling  # noqa: E402
from training_data import Slice, check_order, label_gap_ms  # noqa: E402

CLAIMS = {"cdnow": reproduced}
"""What else a data set says of the engine."""
AT_MOST = ("brier",)


def folds(use_case: dict[str, Any], made: Channels, chosen_on: bool) -> list[tuple[Slice, Slice, Slice]]:
    gap, slices = label_gap_ms(use_case["label"]), made.slices
    found = [(slices["train"], slices["validation"], slices["test"])] if not chosen_on else []
    found = found or rolling(slices["train"], slices["validation"], gap)
    for train, validation, test in found:
        check_order(train, validation, test, gap)
    return found


def show(metrics: dict[str, Any], goals: dict[str, str]) -> str:
    """Markdown tables of the measures, and of calibration."""
    lines = ["| measure | model | logistic regression | paired difference | goal |", "| --- " * 5 + "|"]
    for name in NAMES:
        decimals = 0 if name == "scores_above_threshold" else 3
        cells = [as_text(metrics[who][name], decimals) for who in ("model", "baseline", "difference")]
        lines.append(f"| {name} | {' | '.join(cells)} | {goal_of(name, metrics, goals)} |")
    lines += ["", "| calibration | before | after | paired difference |", "| --- " * 4 + "|"]
    for name in ("brier", "calibration_error"):
        cells = [as_text(metrics["calibrated"][who][name]) for who in ("before", "after", "difference")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def goal_of(name: str, metrics: dict[str, Any], goals: dict[str, str]) -> str:
    """A goal has the decimals that it is written with, and so has what is held against it."""
    if name not in goals:
        return ""
    value = round(metrics["model"][name]["value"], len(goals[name].split(".")[1]))
    sign, met = ("≤", value <= float(goals[name])) if name in AT_MOST else ("≥", value >= float(goals[name]))
    return f"{sign} {goals[name]}: {'met' if met else 'missed'}"


def as_text(estimate: dict[str, float | None], decimals: int = 3) -> str:
    """`0.853 (0.836 to 0.869)`, or a dash where there is no value."""
    found = Estimate(**estimate)
    if found.value is None or found.low is None or found.high is None:
        return "—"
    value, low, high = (f"{one:.{decimals}f}" for one in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def head(data: DataSet, made: Channels) -> str:
    rows = ", ".join(f"{len(part):,} {name}" for name, part in made.slices.items())
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in made.dropped.items() if count)
    return f"## {data.name}\n\nRows: {rows}; left out: {left_out or 'none'}."


def measured(data: DataSet, frameworks: list[str], chosen_on: bool) -> list[dict[str, Any]]:
    """Prints and answers the metrics of a data set, by framework and fold."""
    use_case = data.use_case()
    if chosen_on:
        test = use_case["model"]["test"]
        use_case["model"]["test"] = test | {"to": test["from"] - 1}
    made = channels(use_case, canonical_events(use_case, data.wire_events()))
    print(head(data, made), end="\n\n", flush=True)
    own = use_case["model"].get("framework", "xgboost")
    results = []
    for framework in frameworks or [own]:
        for parts in folds(use_case, made, chosen_on):
            found = judged(use_case, *parts) if framework == own else judged_apart(framework, use_case, *parts)
            results.append(found | {"data": data.name, "framework": framework})
            rows = found["test"]
            about = f"{rows['rows']:,} rows of {rows['entities']:,} entities, base rate {rows['base_rate']:.3f}"
            print(f"{framework}, {about}, {found['seconds']:.0f} s:\n")
            print(show(found, data.goals if framework == own and not chosen_on else {}), end="\n\n", flush=True)
    if data.name in CLAIMS and not chosen_on:
        print(CLAIMS[data.name](use_case, data.load_events()), end="\n\n", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Out-of-time quality of models on real events")
    parser.add_argument("--data", nargs="*", choices=sorted(DATA_SETS), help="which data sets; else all")
    parser.add_argument("--frameworks", nargs="*", default=[], help="others than those of the use cases, or them too")
    parser.add_argument("--json", type=Path, help="writes the figures here, too")
    parser.add_argument("--rolling", action="store_true", help="compare on earlier slices; leave the test slice alone")
    given = parser.parse_args()
    began = time.monotonic()
    results = [
        one for name in given.data or DATA_SETS for one in measured(DATA_SETS[name], given.frameworks, given.rolling)
    ]
    print(f"{time.monotonic() - began:.0f} s")
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
