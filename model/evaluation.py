"""How good a model is on the test slice, which is later than all it has learnt from: the document metrics.json."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from calibration import Calibration
from curves import at_capacity, calibration_line, distribution, lift, precision_recall
from fitting import Trained, blind_margins
from leaks import leaks_of_inputs, with_shuffled
from logistic import sigmoid
from measures import NAMES, Scored, compare
from numpy.typing import NDArray
from segments import by_segment
from serving import load
from training_data import Slice, view_of

Floats = NDArray[np.float64]
TIMED = 200
EXPLAINED = 500
MAX_AUC = 0.98
"""What an input alone may reach where the use case says nothing of it."""


def threshold_of(use_case: dict[str, Any]) -> float:
    """Above it an alert is raised. Without alerts no score has a consequence: the middle is as good as any."""
    return use_case["alerts"]["threshold"] if "alerts" in use_case else 0.5


def measure(use_case: dict[str, Any], trained: Trained, test: Slice) -> dict[str, Any]:
    """What scores and labels of the test slice say: model, baseline and their paired difference, curves, segments."""
    model, threshold = use_case["model"], threshold_of(use_case)
    scores = trained.scores(test)
    of_baseline = trained.baseline.predict(test.columns(list(model["baseline_inputs"])))
    found = compare(test.entity_id, test.label, scores, of_baseline, threshold, seed=model["seed"])
    per_day = use_case.get("alerts", {}).get("capacity_per_day")
    words = {one["name"]: one["enum_values"] for one in view_of(use_case).get("features", []) if one.get("enum_values")}
    segments = list(model.get("segments", []))
    return {
        **{who: {name: estimate.json() for name, estimate in all_.items()} for who, all_ in found.items()},
        "reliability": Scored(test.label, scores, threshold).reliability(),
        "calibration": _calibration(trained, test, scores, threshold),
        "lift": lift(test.label, scores),
        "precision_recall": precision_recall(test.label, scores),
        "distribution": distribution(test.label, scores),
        "segments": by_segment(test, scores, threshold, segments, words, seed=model["seed"]),
        "capacity": per_day and at_capacity(test.t, test.entity_id, test.label, scores, per_day, seed=model["seed"]),
        "search": {
            "strategy": model.get("search", {}).get("strategy"),
            "trials": len(trained.trials),
            "best": trained.best,
            "parameters": trained.parameters,
        },
        "test": {
            "rows": len(test),
            "entities": len(np.unique(test.entity_id)),
            "positives": int(test.label.sum()),
            "base_rate": float(test.label.mean()),
            "from": int(test.t.min()),
            "to": int(test.t.max()),
        },
        "threshold": threshold,
        **trained.fitted.details,
    }


def _calibration(trained: Trained, test: Slice, scores: Floats, threshold: float) -> dict[str, Any]:
    """Before: the model's own probabilities. After: what is served."""
    raw = sigmoid(trained.fitted.margins(test.x))

    def figures(of: Floats) -> dict[str, Any]:
        named = Scored(test.label, of, threshold).named()
        line = calibration_line(test.label, of, test.entity_id)
        return {name: named[name] for name in ("brier", "calibration_error")} | line

    return {
        **trained.chosen,
        "shared_with_tuning": trained.calibrating is trained.tuning,
        "before": figures(raw),
        "after": figures(scores),
        "reliability_before": Scored(test.label, raw, threshold).reliability(),
    }


def input_leaks(use_case: dict[str, Any], train: Slice, test: Slice) -> dict[str, Any]:
    """Whether an input knows the future, before anything is fitted: see leaks.py."""
    return leaks_of_inputs(train, test, use_case["model"].get("gate", {}).get("max_auc", MAX_AUC))


def leaks(
    of_inputs: dict[str, Any], model: dict[str, Any], trained: Trained, train: Slice, test: Slice
) -> dict[str, Any]:
    """Whether the training set knows the future: `of_inputs` with what the fitted model says, see leaks.py."""
    return with_shuffled(of_inputs, test, lambda seed: blind_margins(model, trained, train, test, seed))


def served(folder: Path, manifest: dict[str, Any], test: Slice) -> dict[str, Any]:
    """The written files as the endpoint loads them: what moves the scores, how long one row takes, how large they are.

    Milliseconds of one row with its contributions, on the machine that trains and without HTTP; bytes of the files that
    decide a score, without the library that reads them.
    """
    scorer, calibration = load(folder, manifest), Calibration.read(folder / "calibration.json")
    rows = test.x[:: max(1, len(test) // EXPLAINED)]
    effect = np.abs(scorer.contributions(rows)[:, :-1]).mean(axis=0)
    spent = np.empty(TIMED)
    for i in range(TIMED):
        one = test.x[i % len(test)][None, :]
        began = time.perf_counter()
        calibration.apply(scorer.contributions(one).sum(axis=1))
        spent[i] = time.perf_counter() - began
    p50, p99 = (float(v) for v in np.quantile(spent, (0.5, 0.99)) * 1000)
    order = np.argsort(-effect, kind="stable")
    return {
        "importance": [
            {"input": manifest["inputs"][i], "mean_abs_contribution": float(effect[i])} for i in order.tolist()
        ],
        "serving": {
            "latency_ms": {"p50": p50, "p99": p99},
            "bytes": sum((folder / name).stat().st_size for name in manifest["files"] if not name.endswith(".whl")),
        },
    }


def log_lines(metrics: dict[str, Any]) -> list[str]:
    """One line a measure, as the metric definitions of the training job read them."""
    values = {name: metrics["model"][name]["value"] for name in NAMES}
    values |= {f"baseline_{name}": metrics["baseline"][name]["value"] for name in NAMES}
    values |= {f"{name}_gain_low": metrics["difference"][name]["low"] for name in ("auc", "average_precision")}
    return [f"metric {name}={value:.6g};" for name, value in values.items() if value is not None]
