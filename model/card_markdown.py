"""card.md: what one reads before a model is approved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from card_words import PASSED, leak_sentence, purpose
from measures import NAMES
from search import Trial

Document = dict[str, Any]
PLOTS = {
    "reliability.svg": "Observed rate by score: on the diagonal a score means what it says.",
    "lift.svg": "How often the label is 1 in each tenth of the scores, against everybody.",
    "precision-recall.svg": "How many alerts are right, by how many of those there are are found.",
    "scores.svg": "Where the scores lie; the dashed line is the threshold of alerts.",
    "segments.svg": "AUC by segment with its interval; the dashed line is that of all rows.",
    "importance.svg": "What moves the scores: mean absolute contribution, in log-odds.",
}


def markdown(use_case: Document, manifest: Document, metrics: Document, trials: list[Trial], plots: list[str]) -> str:
    """The card; `plots` are files in the folder plots/ beside it."""
    pictures = [f"![{PLOTS[name]}](plots/{name})\n\n{PLOTS[name]}" for name in plots]
    parts = [
        f"# Model card: {manifest['model_version']}",
        f"{purpose(use_case)}.",
        _origin(manifest, metrics),
        "## On the test slice",
        _slice(metrics),
        _measures(metrics),
        *_capacity(metrics),
        "## Plots",
        *pictures,
        "## Calibration",
        _calibration(metrics),
        *_segments(metrics),
        "## Hyperparameters",
        _search(metrics, trials),
        "## Leak checks",
        _leaks(metrics),
        "## Serving",
        _serving(metrics),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _origin(manifest: Document, metrics: Document) -> str:
    rows = [
        [
            "framework",
            ", ".join([manifest["framework"], *(f"{k} {v}" for k, v in sorted(manifest["versions"].items()))]),
        ],
        ["definition", f"{manifest['view']} ({manifest['definition_hash'][:12]})"],
        ["training set", f"{manifest['training_set_id']}, snapshot {manifest['snapshot_id'] or 'unknown'}"],
        ["rows", ", ".join(f"{name} {count:,}" for name, count in manifest["rows"].items())],
        ["learnt until", f"{_date(manifest['learnt_until'])} UTC"],
        ["sha256 of the model", manifest["model_sha256"]],
    ]
    return _table(["", ""], rows)


def _slice(metrics: Document) -> str:
    test = metrics["test"]
    return (
        f"{test['rows']:,} rows of {test['entities']:,} entities, {_date(test['from'])} to {_date(test['to'])} UTC; "
        f"the label is 1 in {test['base_rate']:.1%}.\n"
        "Intervals are at 95 %, by drawing entities anew; differences are paired."
    )


def _estimate(one: Document) -> str:
    if one["value"] is None:
        return "—"
    between = "" if one["low"] is None else f" ({one['low']:.4g} to {one['high']:.4g})"
    return f"{one['value']:.4g}{between}"


def _measures(metrics: Document) -> str:
    champion = metrics["champion"]
    columns = [
        ("model", metrics["model"]),
        ("baseline", metrics["baseline"]),
        ("model − baseline", metrics["difference"]),
    ]
    if champion and champion["comparable"]:
        columns += [("champion", champion["model"]), ("model − champion", champion["difference"])]
    rows = [[name.replace("_", " "), *(_estimate(of[name]) for _, of in columns)] for name in NAMES]
    table = _table(["measure", *(head for head, _ in columns)], rows)
    alone = f"\n\nThe threshold is {metrics['threshold']:g}."
    if champion is None:
        return f"{table}{alone} No model serves yet."
    if not champion["comparable"]:
        return f"{table}{alone} The champion was not compared: {champion['reason']}."
    return f"{table}{alone} The champion is {champion['model_version']}."


def _capacity(metrics: Document) -> list[str]:
    found = metrics["capacity"]
    if not found:
        return []
    return [
        f"Of the {found['per_day']} highest scores of an instant {_estimate(found['precision'])} are right; "
        f"they are {_estimate(found['recall'])} of all that there are."
    ]


def _calibration(metrics: Document) -> str:
    found = metrics["calibration"]
    before, after = found["before"], found["after"]
    rows = [
        [name.replace("_", " "), f"{before[name]:.4g}", f"{after[name]:.4g}"] for name in ("brier", "calibration_error")
    ] + [[f"{name} (calibrated: {ideal})", _estimate(before[name]), _estimate(after[name])] for name, ideal in LINE]
    losses = ", ".join(f"{name} {'—' if v is None else f'{v:.5f}'}" for name, v in found["log_loss"].items())
    shared = (
        "\nThe validation slice is too small for two halves: it stopped the fit and calibrated."
        if found["shared_with_tuning"]
        else ""
    )
    return (
        _table(["on test", "before", "after"], rows)
        + f"\n\nMethod: {found['method']} (asked for: {found['wanted']}), of {found['rows']:,} rows of validation.\n"
        + f"Log loss there, on held-out folds: {losses}.{shared}"
    )


LINE = (("slope", 1), ("intercept", 0))


def _segments(metrics: Document) -> list[str]:
    if not metrics["segments"]:
        return []
    rows = [
        [
            one["segment"],
            one["value"],
            f"{one['rows']:,}",
            f"{one['base_rate']:.3f}" if "base_rate" in one else "—",
            f"{one['mean_score']:.3f}" if "mean_score" in one else "—",
            _estimate(one["auc"]) if "auc" in one else "too few rows",
        ]
        for one in metrics["segments"]
    ]
    return ["## Segments", _table(["input", "value", "rows", "rate of the label", "mean score", "auc"], rows)]


def _search(metrics: Document, trials: list[Trial]) -> str:
    search = metrics["search"]
    table = _table(["name", "value"], [[key, str(value)] for key, value in sorted(search["parameters"].items())])
    if search["strategy"] is None:
        return table
    order = sorted(trials, key=lambda trial: (trial.log_loss, trial.number))[:10]
    tried = _table(
        ["trial", "changed", "log loss", "auc"],
        [[str(t.number), _changed(t.changed), f"{t.log_loss:.5f}", f"{t.auc:.4f}"] for t in order],
    )
    return (
        f"{table}\n\nTrial {search['best']} of {search['trials']} ({search['strategy']}); trial 0 is what the use case "
        f"declares. The best, by the tuning half of validation:\n\n{tried}"
    )


def _changed(changed: dict[str, Any]) -> str:
    words = [f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in changed.items()]
    return ", ".join(words) or "nothing"


def _leaks(metrics: Document) -> str:
    failed = metrics["leaks"]["failed"]
    best = max(metrics["leaks"]["inputs"], key=lambda one: abs(one["test_auc"] - 0.5))
    strongest = (
        f"The strongest input alone is {best['input']}: AUC {max(best['test_auc'], 1 - best['test_auc']):.4f} on test."
    )
    return "\n".join([*(f"- {leak_sentence(one)}" for one in failed)] or [f"{PASSED}."]) + f"\n\n{strongest}"


def _serving(metrics: Document) -> str:
    found = metrics["serving"]
    ms = found["latency_ms"]
    return (
        f"One row with its contributions takes {ms['p50']:.2f} ms (p50) and {ms['p99']:.2f} ms (p99) where it was "
        f"trained, without HTTP; the files that decide a score have {found['bytes']:,} bytes."
    )
