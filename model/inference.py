"""Serves the model of a use case. SageMaker XGBoost container, script mode: model_fn and transform_fn.

Request (application/json): {"instances": [[number or null, …], …], "definition_hash": "…"}, one list per entity in the
order of the model's inputs. Answer: {"predictions": [{"score", "contributions", "bias"}], "model_version",
"definition_hash"}. Contributions are Shapley values in log-odds; with the bias they add up to the log-odds before
calibration.

A refused request is answered with its status and {"error", "definition_hash", "model_version"}: the hash tells the
caller what this model was trained on. It is returned and not raised, because the container makes a 500 of every
exception (`error_wrapper` in sagemaker_containers 2.8.6.post2, `_functions.py`) and passes Flask's responses through.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from calibration import Calibration
from flask import Response
from identity import MANIFEST, read_manifest
from numpy.typing import NDArray
from serving import Scorer, load

Floats = NDArray[np.float64]
JSON = "application/json"
APPROVED = "TIDEMARK_MODEL_SHA256"


class RequestError(Exception):
    """A request that can't be answered: the caller's fault. `transform_fn` makes a response of it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Model:
    scorer: Scorer
    calibration: Calibration
    inputs: tuple[str, ...]
    definition_hash: str
    model_version: str


@dataclass(frozen=True)
class Request:
    instances: Floats
    """[rows, inputs], NaN for null."""
    definition_hash: str


@dataclass(frozen=True)
class Answer:
    scores: Floats
    contributions: Floats
    """[rows, inputs + 1], the bias last."""
    model: Model


def model_fn(model_dir: str) -> Model:
    """Loads trees, graphs and JSON, nothing that runs code. Raises ValueError when the files don't belong together,
    or are not those of the model that was approved: its hash stands in the environment of its package."""
    folder = Path(model_dir)
    manifest = read_manifest(folder)
    approved = os.environ.get(APPROVED)
    if approved is not None and manifest["model_sha256"] != approved:
        raise ValueError(f"{MANIFEST}: found other bytes than {APPROVED} says; deploy the model again")
    return Model(
        load(folder, manifest),
        Calibration.read(folder / "calibration.json"),
        tuple(manifest["inputs"]),
        manifest["definition_hash"],
        manifest["model_version"],
    )


def transform_fn(model: Model, body: str | bytes, content_type: str, accept: str) -> Response:
    """The whole request, in the place of input_fn, predict_fn and output_fn. What it raises is our fault: a 500."""
    try:
        text = write_answer(predict(read_request(body, content_type), model), accept)
        return Response(text, status=200, mimetype=JSON)
    except RequestError as error:
        refusal = {
            "error": str(error),
            "definition_hash": model.definition_hash,
            "model_version": model.model_version,
        }
        return Response(json.dumps(refusal), status=error.status, mimetype=JSON)


def read_request(body: str | bytes, content_type: str) -> Request:
    """Raises RequestError: 415 for another content type, 400 for a body of another shape."""
    if (content_type or "").split(";")[0].strip().lower() != JSON:
        raise RequestError(415, f"content type: found {content_type!r}; allowed: {JSON}")
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(
            400, f"body: found text that is not valid JSON ({error}); allowed: one JSON object"
        ) from error
    if not isinstance(document, dict):
        raise RequestError(400, f"body: found {type(document).__name__}; allowed: an object with instances")
    definition_hash = document.get("definition_hash")
    if not isinstance(definition_hash, str):
        raise RequestError(
            400, f"definition_hash: found {type(definition_hash).__name__}; allowed: the hash of the feature view"
        )
    return Request(_matrix(document.get("instances")), definition_hash)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _matrix(instances: Any) -> Floats:
    if not isinstance(instances, list) or not instances or not all(isinstance(row, list) for row in instances):
        raise RequestError(400, "instances: found no list of lists; allowed: one list of numbers and nulls per entity")
    width = len(instances[0])
    if any(len(row) != width for row in instances):
        raise RequestError(400, "instances: found rows of different lengths; allowed: one value per model input")
    # numpy would read "1.5" and true as numbers.
    wrong = {type(value) for row in instances for value in row} - {int, float, type(None)}
    if wrong:
        names = ", ".join(sorted(kind.__name__ for kind in wrong))
        raise RequestError(400, f"instances: found {names}; allowed: numbers and null")
    try:
        matrix = np.array(instances, dtype=np.float64)
    except OverflowError:
        matrix = np.array([[np.inf]])
    # Models compute in binary32: what is infinite there is no number it can place.
    with np.errstate(over="ignore"):
        if np.isinf(matrix.astype(np.float32)).any():
            raise RequestError(400, "instances: found a number beyond 3.4e38; allowed: finite numbers and null")
    return matrix


def predict(request: Request, model: Model) -> Answer:
    """Raises RequestError: 409 for another definition hash, 400 for another number of inputs."""
    if request.definition_hash != model.definition_hash:
        raise RequestError(
            409,
            f"definition_hash: found {request.definition_hash[:12]!r}, the model was trained on "
            f"{model.definition_hash[:12]!r}; train a model on this definition, or deploy the definition it knows",
        )
    width = request.instances.shape[1]
    if width != len(model.inputs):
        raise RequestError(
            400, f"instances: found {width} values per row; allowed: {len(model.inputs)}, one per model input"
        )
    contributions = model.scorer.contributions(request.instances)
    return Answer(model.calibration.apply(contributions.sum(axis=1)), contributions, model)


def write_answer(answer: Answer, accept: str) -> str:
    """The body as JSON. Raises RequestError 406 when the caller takes no JSON."""
    wanted = [part.split(";")[0].strip().lower() for part in (accept or JSON).split(",")]
    if not {JSON, "*/*", "application/*"} & set(wanted):
        raise RequestError(406, f"accept: found {accept!r}; allowed: {JSON}")
    rows = zip(answer.scores.tolist(), answer.contributions.tolist(), strict=True)
    document = {
        "predictions": [{"score": score, "contributions": row[:-1], "bias": row[-1]} for score, row in rows],
        "model_version": answer.model.model_version,
        "definition_hash": answer.model.definition_hash,
    }
    return json.dumps(document, separators=(",", ":"))
