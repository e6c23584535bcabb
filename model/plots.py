"""The plots of a model card, of the metrics document: each a file one looks at for one question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plot_frame import QUARTERS, Frame, percents

Metrics = dict[str, Any]
INPUTS = 15
"""Bars of the plot of importances."""


def write_plots(folder: Path, metrics: Metrics) -> list[str]:
    """One SVG a plot; returns their file names. A plot without data is not written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, draw in PLOTS.items():
        drawn = draw(metrics)
        if drawn is not None:
            (folder / f"{name}.svg").write_text(drawn)
            written.append(f"{name}.svg")
    return written


def reliability(metrics: Metrics) -> str:
    """Is a score of 30 % true for 30 % of them, and was it before calibration?"""
    after, before = metrics["reliability"], metrics["calibration"]["reliability_before"]
    points = [(one["score"], one["observed"]) for one in after]
    earlier = [(one["score"], one["observed"]) for one in before]
    frame = Frame("Calibration", "Observed rate by score, before and after calibration; the diagonal is calibrated")
    frame.axes("mean score of a tenth of the rows", "observed rate", percents(QUARTERS), percents(QUARTERS))
    frame.line([(0, 0), (1, 1)], "guide")
    frame.line(earlier, "other")
    frame.dots(earlier, "second", 2.5)
    frame.line(points, "line")
    frame.dots(points, "first")
    frame.legend([("second", "before"), ("first", "after")])
    return frame.svg()


def lift(metrics: Metrics) -> str:
    """How much better than picking at random are those with the highest scores?"""
    tenths = metrics["lift"]
    top = max(2.0, max(one["lift"] for one in tenths) * 1.12)
    step = 1 if top <= 6 else 2 if top <= 12 else round(top / 5)
    frame = Frame("Lift", "Rate of the label by tenth of the score, against everybody", (0.4, 10.6), (0.0, top))
    ticks = [(float(value), f"{value}×") for value in range(0, int(top) + 1, step)]
    frame.axes(
        "tenths of the rows by falling score",
        "rate against everybody’s",
        [(one["tenth"], str(one["tenth"])) for one in tenths],
        ticks,
    )
    for one in tenths:
        frame.bar(one["tenth"] - 0.36, one["tenth"] + 0.36, 0, one["lift"], "first")
        x, y = frame.at(one["tenth"], one["lift"])
        frame.text(x, y - 4, f"{one['lift']:.1f}", "soft middle")
    frame.line([(0.4, 1), (10.6, 1)], "guide")
    return frame.svg()


def precision_recall(metrics: Metrics) -> str:
    """How many alerts are right, and how many of those it should find does it find?"""
    base, threshold = metrics["test"]["base_rate"], metrics["threshold"]
    points = [(one["recall"], one["precision"]) for one in metrics["precision_recall"]]
    frame = Frame("Precision and recall", "Share of right alerts by share found, for every threshold")
    frame.axes("recall: share found", "precision: share right", percents(QUARTERS), percents(QUARTERS))
    frame.line([(0, base), (1, base)], "guide")
    frame.text(*frame.at(0.02, base + 0.02), "everybody", "soft")
    frame.line(points, "line")
    above = [one for one in metrics["precision_recall"] if one["threshold"] > threshold]
    if above:
        mark = (above[-1]["recall"], above[-1]["precision"])
        frame.dots([mark], "second", 5)
        frame.legend([("second", f"alerts above {threshold:g}")])
    return frame.svg()


def scores(metrics: Metrics) -> str:
    """Where do the scores lie, and does the label part them?"""
    bins = metrics["distribution"]
    rows = sum(one["negatives"] + one["positives"] for one in bins)
    shares = [((one["positives"]) / rows, (one["negatives"] + one["positives"]) / rows) for one in bins]
    top = max(total for _, total in shares) * 1.1
    frame = Frame("Scores", "Distribution of the scores, by label", (0.0, 1.0), (0.0, top))
    ticks = [(top * part, f"{100 * top * part:.0f} %") for part in (0, 1 / 3, 2 / 3)]
    frame.axes("score", "share of the rows", percents(QUARTERS), ticks)
    for one, (positives, total) in zip(bins, shares, strict=True):
        left, right = one["from"] + 0.004, one["to"] - 0.004
        frame.bar(left, right, 0, positives, "second")
        frame.bar(left, right, positives, total, "first")
    frame.line([(metrics["threshold"], 0), (metrics["threshold"], top)], "guide")
    frame.legend([("second", "label 1"), ("first", "label 0")])
    return frame.svg()


def segments(metrics: Metrics) -> str | None:
    """For whom does the model rank worse?"""
    rows = [one for one in metrics["segments"] if one.get("auc", {}).get("value") is not None]
    if not rows:
        return None
    whole = metrics["model"]["auc"]["value"]
    low = min(0.5, *(one["auc"]["low"] for one in rows))
    tall = 96 + 34 * len(rows)
    frame = Frame("AUC by segment", "AUC with its interval by segment", (low, 1.0), (0.0, float(len(rows))), tall)
    frame.left = 16
    ticks = [(value, f"{value:.2f}") for value in (low, (1 + low) / 2, 1.0)]
    frame.axes("AUC; dashed: all rows", "", ticks, [])
    frame.line([(whole, 0), (whole, len(rows))], "guide")
    for i, one in enumerate(rows):
        y = len(rows) - i - 0.68
        x, top = frame.at(low, len(rows) - i - 0.3)
        frame.text(x, top, f"{one['segment']}: {one['value']} ({one['rows']:,})", "soft")
        frame.line([(one["auc"]["low"], y), (one["auc"]["high"], y)], "line")
        frame.dots([(one["auc"]["value"], y)], "first", 4)
    return frame.svg()


def importance(metrics: Metrics) -> str:
    """Which inputs move the scores?"""
    rows = metrics["importance"][:INPUTS]
    top = max((one["mean_abs_contribution"] for one in rows), default=0.0) or 1.0
    frame = Frame(
        "What moves the scores",
        "Mean absolute contribution of the inputs, in log-odds",
        (0.0, top * 1.15),
        (0.0, float(len(rows))),
        96 + 32 * len(rows),
    )
    frame.left = 16
    frame.axes("mean |contribution|, log-odds", "", [(0.0, "0"), (top, f"{top:.2f}")], [])
    for i, one in enumerate(rows):
        y = len(rows) - i - 1.0
        x, top_of_text = frame.at(0, y + 0.62)
        frame.text(x, top_of_text, one["input"], "soft")
        frame.bar(0, one["mean_abs_contribution"], y + 0.14, y + 0.5, "first")
    return frame.svg()


PLOTS = {
    "reliability": reliability,
    "lift": lift,
    "precision-recall": precision_recall,
    "scores": scores,
    "segments": segments,
    "importance": importance,
}
