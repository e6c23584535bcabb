"""Simulated experiments: how often the interval alarms where there is no difference, and finds one where there is.

`python bench/experiments/experiment_figures.py` writes the tables of docs/explanation/experiments.md anew (seconds).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "glue-scripts"))

from tidemark_spark.experiments import sequential, srm  # noqa: E402

PAGE = ROOT / "docs" / "explanation" / "experiments.md"
RUNS, LOOKS, A_LOOK, ALPHA, SEED = 2000, 40, 250, 0.05, 17
PLANNED = 2 * LOOKS * A_LOOK
Z = 1.959964

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Floats, Floats]]
"""(runs, looks): sums of the outcomes that came before each look, and of their squares."""


def proportion(p: float) -> Draw:
    def draw(random: np.random.Generator) -> tuple[Floats, Floats]:
        hits = random.binomial(A_LOOK, p, (RUNS, LOOKS)).astype(float)
        return hits, hits

    return draw


def spend(random: np.random.Generator) -> tuple[Floats, Floats]:
    """Amounts as customers spend them: log-normal, with a long tail."""
    values = random.lognormal(3, 1, (RUNS, LOOKS, A_LOOK))
    return values.sum(2), (values**2).sum(2)


def looks(first: Draw, second: Draw) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """At each look of each run: the difference of the means, its variance, and outcomes of both arms."""
    random = np.random.default_rng(SEED)
    n = A_LOOK * np.arange(1, LOOKS + 1)
    means, variances = [], []
    for draw in (first, second):
        total, squares = (part.cumsum(1) for part in draw(random))
        means.append(total / n)
        variances.append((squares - total**2 / n) / (n - 1) / n)
    return means[1] - means[0], variances[0] + variances[1], 2 * n


def outside(first: Draw, second: Draw) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """At each look of each run: whether the sequence's interval leaves 0 out, and whether the plain one does."""
    value, variance, n = looks(first, second)
    rho = sequential.mixture_rho(PLANNED, ALPHA)
    width = np.array([sequential.half_width(1.0, int(one), rho, ALPHA) for one in n])
    return np.abs(value) > width * np.sqrt(variance), np.abs(value) > Z * np.sqrt(variance)


def ever(alarms: NDArray[np.bool_]) -> float:
    return float(alarms.any(1).mean())


def mismatches() -> tuple[float, float]:
    """Shares of runs without a mismatch in which one is seen at any look: by the sequential test, by the plain one."""
    random = np.random.default_rng(SEED)
    counts = random.binomial(2 * A_LOOK, 0.5, (RUNS, LOOKS)).cumsum(1)
    totals = 2 * A_LOOK * np.arange(1, LOOKS + 1)
    plain = (2 * counts - totals) ** 2 / totals > 10.83
    pairs = np.stack([counts, totals - counts], 2).tolist()
    seen = [srm.sequential_p(run, [0.5, 0.5]) < srm.THRESHOLD for run in pairs]
    return float(np.mean(seen)), ever(plain)


def false_alarms() -> list[tuple[str, float, float]]:
    """What is measured, and the share of runs without a difference that alarm: by the sequence, by the plain test."""
    rows = []
    for name, draw in (("a proportion of 0.30", proportion(0.3)), ("a log-normal amount", spend)):
        sequence, plain = outside(draw, draw)
        rows.append((name, ever(sequence), ever(plain)))
    return rows


def power() -> list[tuple[float, float, float, int | None]]:
    """Challenger's proportion against 0.30; found at any look, by a plain test at the end alone; median outcomes."""
    rows = []
    for p in (0.31, 0.32, 0.33, 0.34, 0.36):
        sequence, plain = outside(proportion(0.3), proportion(p))
        found = sequence.any(1)
        first = 2 * A_LOOK * (1 + sequence[found].argmax(1))
        median = int(np.median(first)) if found.mean() > 0.5 else None
        rows.append((p, ever(sequence), float(plain[:, -1].mean()), median))
    return rows


def tables() -> str:
    """The measured part of the page."""
    sequence, plain = mismatches()
    alarms = [(name, f"{100 * ours:.1f} %", f"{100 * other:.1f} %") for name, ours, other in false_alarms()]
    alarms.append((f"sample-ratio mismatch, at {srm.THRESHOLD}", f"{100 * sequence:.2f} %", f"{100 * plain:.2f} %"))
    powers = [
        (f"0.30 → {p:.2f}", f"{100 * found:.1f} %", "–" if median is None else f"{median:,}", f"{100 * end:.1f} %")
        for p, found, end, median in power()
    ]
    return "\n".join(
        [
            f"{RUNS:,} simulated experiments without a difference, {LOOKS} looks, {A_LOOK} outcomes a variant before"
            f" each; alpha {ALPHA}, planned sample {PLANNED:,}.",
            "",
            *_table(("outcome", "false alarms of the interval used", "of a plain test at each look"), alarms),
            "",
            "The same with a difference: how often it is found, and after how many outcomes.",
            "",
            *_table(
                (
                    *("champion → challenger", "found", "median outcomes until then"),
                    "found by a plain test at the end alone",
                ),
                powers,
            ),
        ]
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The lines of a table of Markdown, its columns aligned."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return [f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines]


_MARKED = re.compile(r"(<!-- simulated -->\n).*?(<!-- /simulated -->)", re.S)


def measured_part(page: str) -> str:
    """What the page says between its marks. Raises ValueError where these are gone."""
    found = _MARKED.search(page)
    if not found:
        raise ValueError(f"{PAGE.name}: found no <!-- simulated --> part; put it back")
    return found[0].removeprefix(found[1]).removesuffix(found[2]).strip()


if __name__ == "__main__":
    text = PAGE.read_text()
    PAGE.write_text(_MARKED.sub(lambda found: f"{found[1]}\n{tables()}\n\n{found[2]}", text))
