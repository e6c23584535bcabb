"""The model card: card.json for the registry, card.md for people, and the plots that both speak of.

card.json follows the schema of a model package's card: names of 63 characters, texts of 1024 or 2048
(https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema), 100,000 characters in
all (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageModelCard.html).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from card_markdown import markdown
from card_words import PASSED, leak_sentence, purpose
from identity import write_json
from measures import NAMES
from plots import write_plots
from search import Trial

Document = dict[str, Any]
MOST_CHARACTERS = 95_000
"""Room for what the gate adds."""
NAME, TEXT = 63, 1024


def write_card(folder: Path, use_case: Document, manifest: Document, metrics: Document, trials: list[Trial]) -> None:
    """Writes card.json, card.md and plots/*.svg. Raises ValueError when the registry would not take card.json."""
    plots = write_plots(folder / "plots", metrics)
    card = card_json(use_case, manifest, metrics)
    if len(json.dumps(card)) > MOST_CHARACTERS:
        raise ValueError(f"card.json: found more than {MOST_CHARACTERS} characters; report fewer segments")
    write_json(folder / "card.json", card)
    (folder / "card.md").write_text(markdown(use_case, manifest, metrics, trials, plots))


def card_json(use_case: Document, manifest: Document, metrics: Document) -> Document:
    """The content of the registry's card. The gate adds where the artefact is, and what it decided."""
    alerts = use_case.get("alerts")
    return {
        "model_overview": {"model_creator": "Tidemark"},
        "intended_uses": {
            "purpose_of_model": purpose(use_case)[: 2 * TEXT],
            "intended_uses": (
                f"Alerts above {metrics['threshold']:g}: {alerts['title']}" if alerts else "Scores, without alerts"
            )[: 2 * TEXT],
            "factors_affecting_model_efficiency": "Figures are of one later slice of time: they hold while customers, "
            "sources and what is done about an alert stay as they were.",
            "risk_rating": "Unknown",
        },
        "training_details": _training(manifest, metrics),
        "evaluation_details": [_test(manifest, metrics), *_champion(metrics), _leaks(metrics)],
        "additional_information": {
            "caveats_and_recommendations": "A score is a probability that was calibrated before anybody acted on it; "
            "whom an alert makes stay is told by the hold-out alone.",
            "custom_details": {
                key: str(manifest[key])[:TEXT]
                for key in ("model_version", "model_sha256", "definition_hash", "view", "framework", "snapshot_id")
                if manifest.get(key) is not None
            },
        },
    }


def _training(manifest: Document, metrics: Document) -> Document:
    search = metrics["search"]
    found = f"best of {search['trials']} trials ({search['strategy']})" if search["strategy"] else "as declared"
    return {
        "objective_function": {
            "function": {"function": "Minimize", "facet": "Loss"},
            "notes": "Log loss on the tuning half of the validation slice",
        },
        "training_observations": f"Hyperparameters {found}; calibration: {metrics['calibration']['method']}",
        "training_job_details": {
            "training_datasets": [str(manifest["training_set_id"])],
            "training_metrics": [
                {"name": name, "value": metrics["model"][name]["value"]}
                for name in NAMES
                if metrics["model"][name]["value"] is not None
            ],
            "hyper_parameters": [
                {"name": name, "value": str(value)[:255] or "none"}
                for name, value in sorted(search["parameters"].items())
            ],
        },
    }


def _test(manifest: Document, metrics: Document) -> Document:
    test, importance = metrics["test"], metrics["importance"][:20]
    known = [one for one in metrics["segments"] if one.get("auc", {}).get("value") is not None]
    groups = [
        _measures("Model", metrics["model"]),
        _measures("Baseline: logistic regression", metrics["baseline"]),
        _measures("Model minus baseline, paired", metrics["difference"]),
        _group(
            "Calibration",
            [
                _graph("observed rate by mean score", metrics["reliability"], "score", "observed"),
                _graph("before calibration", metrics["calibration"]["reliability_before"], "score", "observed"),
                *_lines("slope", metrics["calibration"]["after"]["slope"]),
            ],
        ),
        _group("Lift", [_bars("lift by tenth", [(str(one["tenth"]), one["lift"]) for one in metrics["lift"]])]),
        _group("Precision", [_graph("precision by recall", metrics["precision_recall"], "recall", "precision")]),
        _group(
            "Inputs",
            [
                _bars(
                    "mean absolute contribution, log-odds",
                    [(one["input"], one["mean_abs_contribution"]) for one in importance],
                )
            ],
        ),
        _group(
            "Serving",
            [
                _number("p99 of one row, ms", metrics["serving"]["latency_ms"]["p99"]),
                _number("bytes", metrics["serving"]["bytes"]),
            ],
        ),
    ]
    if known:
        bars = [(f"{one['segment']}: {one['value']}", one["auc"]["value"]) for one in known]
        groups.append(_group("Segments", [_bars("AUC", bars)]))
    if metrics["capacity"]:
        precision = metrics["capacity"]["precision"]
        groups.append(_group(f"The {metrics['capacity']['per_day']} a day", _lines("precision", precision)))
    return {
        "name": "Test slice",
        "evaluation_observation": "Later than all the model has learnt from; intervals at 95 %, entities drawn anew",
        "datasets": [f"{manifest['training_set_id']}/test"],
        "metadata": {key: str(test[key]) for key in ("rows", "entities", "positives", "base_rate", "from", "to")},
        "metric_groups": groups,
    }


def _champion(metrics: Document) -> list[Document]:
    champion = metrics["champion"]
    if champion is None:
        return []
    if not champion["comparable"]:
        return [{"name": "Champion", "evaluation_observation": f"Not comparable: {champion['reason']}"[:2096]}]
    return [
        {
            "name": "Champion",
            "evaluation_observation": f"{champion['model_version']} on the same rows",
            "metric_groups": [
                _measures("Champion", champion["model"]),
                _measures("Model minus champion, paired", champion["difference"]),
            ],
        }
    ]


def _leaks(metrics: Document) -> Document:
    failed = metrics["leaks"]["failed"]
    words = "; ".join(leak_sentence(one) for one in failed) or PASSED
    return {"name": "Leak checks", "evaluation_observation": words[:2096]}


def _measures(name: str, measures: Document) -> Document:
    return _group(name, [line for key in NAMES for line in _lines(key, measures[key])])


def _lines(name: str, estimate: Document) -> list[Document]:
    """A value with its interval; none where it is not defined."""
    if estimate["value"] is None:
        return []
    low, high = (estimate[end] for end in ("low", "high"))
    notes = {} if low is None else {"notes": f"95 % interval {low:.4g} to {high:.4g}"}
    return [_number(name, estimate["value"]) | notes]


def _group(name: str, data: list[Document]) -> Document:
    return {"name": name[:NAME], "metric_data": data}


def _number(name: str, value: float) -> Document:
    return {"name": name, "type": "number", "value": value}


def _graph(name: str, points: list[Document], x: str, y: str) -> Document:
    value = [[round(one[x], 5), round(one[y], 5)] for one in points]
    return {"name": name, "type": "linear_graph", "value": value, "x_axis_name": x, "y_axis_name": y}


def _bars(name: str, bars: list[tuple[str, float]]) -> Document:
    return {
        "name": name,
        "type": "bar_chart",
        "value": [round(value, 5) for _, value in bars],
        "x_axis_name": [words[:NAME] for words, _ in bars],
    }
