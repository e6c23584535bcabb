"""The card of a model package, as the registry takes it.

"ModelPackageModelCard … is a specific usage of a model card and its schema is simplified"
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageModelCard.html); the schema stands under
https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema. Its patterns `.{1,63}`
have no anchors and so only ask for a character; here they are lengths, as they are meant.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from .errors import validation

MOST_CHARACTERS = 100_000
Check = Callable[[Any, str], None]


def check_model_card(card: dict[str, Any]) -> None:
    """Raises a ValidationException that names the place, for content that the schema does not allow."""
    content = card.get("ModelCardContent")
    if content is None:
        return
    if len(content) > MOST_CHARACTERS:
        raise validation(
            "1 validation error detected: Value at 'modelCard.modelCardContent' failed to satisfy constraint: Member "
            f"must have length less than or equal to {MOST_CHARACTERS}"
        )
    try:
        document = json.loads(content)
    except ValueError as error:
        raise validation("Model card content is not valid JSON.") from error
    CARD(document, "#")


def refuse(at: str, wanted: str) -> None:
    raise validation(f"Model card content does not follow the model card schema: {at}: expected {wanted}.")


def text(most: int, least: int = 0) -> Check:
    def check(value: Any, at: str) -> None:
        if not (isinstance(value, str) and least <= len(value) <= most):
            refuse(at, f"a text of {least} to {most} characters")

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, at: str) -> None:
        if value not in allowed:
            refuse(at, f"one of {', '.join(allowed)}")

    return check


def number(value: Any, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        refuse(at, "a number")


def simple(value: Any, at: str) -> None:
    """The value of a simple metric."""
    if isinstance(value, str):
        text(NAME)(value, at)
    elif not isinstance(value, bool):
        number(value, at)


def listed(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, at: str) -> None:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            refuse(at, f"a list of {least} to {most or 'any number of'} items")
        for i, one in enumerate(value):
            item(one, f"{at}/{i}")

    return check


def members(required: tuple[str, ...] = (), other: Check | None = None, **known: Check) -> Check:
    """An object with the members `known`, and others only where there is a check for them."""

    def check(value: Any, at: str) -> None:
        if not isinstance(value, dict):
            refuse(at, "an object")
        for name in required:
            if name not in value:
                refuse(at, f"the member {name}")
        for name, one in value.items():
            found = known.get(name, other)
            if found is None:
                refuse(f"{at}/{name}", "no such member")
            else:
                found(one, f"{at}/{name}")

    return check


def anything(value: Any, at: str) -> None:
    """Where the schema says nothing, whatever it means to say."""


NAME, NOTE, TEXT, LONG = 63, 1024, 2048, 2096
AXIS = {"x_axis_name": text(NAME), "y_axis_name": text(NAME)}
AXES = listed(text(NAME))
NAMED: dict[str, Check] = {"name": text(255, 1), "notes": text(NOTE)}
METRIC_VALUES: dict[str, dict[str, Check]] = {
    **{kind: {"value": simple, **AXIS} for kind in ("number", "string", "boolean")},
    "linear_graph": {"value": listed(listed(number, 2, 2), 1), **AXIS},
    "bar_chart": {"value": listed(number, 1), "x_axis_name": AXES, "y_axis_name": text(NAME)},
    "matrix": {"value": listed(listed(number, 1, 20), 1, 20), "x_axis_name": AXES, "y_axis_name": AXES},
}


def metric(value: Any, at: str) -> None:
    """One of the four kinds of metrics, told by `type`."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in METRIC_VALUES:
        refuse(f"{at}/type", f"one of {', '.join(METRIC_VALUES)}")
    members(("name", "type", "value"), **NAMED, type=one_of(*METRIC_VALUES), **METRIC_VALUES[str(kind)])(value, at)


TRAINING_METRICS = listed(members(("name", "value"), **NAMED, value=number))
HYPER_PARAMETERS = listed(members(("name", "value"), name=text(255, 1), value=text(255, 1)))
ARNS = listed(text(NOTE), 0, 15)

CARD = members(
    model_overview=members(model_creator=text(NOTE), model_artifact=ARNS),
    intended_uses=members(
        purpose_of_model=text(TEXT),
        intended_uses=text(TEXT),
        factors_affecting_model_efficiency=text(TEXT),
        risk_rating=one_of("High", "Medium", "Low", "Unknown"),
        explanations_for_risk_rating=text(TEXT),
    ),
    business_details=members(
        business_problem=text(TEXT), business_stakeholders=text(TEXT), line_of_business=text(TEXT)
    ),
    training_details=members(
        objective_function=anything,
        training_observations=text(NOTE),
        training_job_details=members(
            training_arn=text(NOTE),
            training_datasets=ARNS,
            training_environment=members(container_image=ARNS),
            training_metrics=TRAINING_METRICS,
            user_provided_training_metrics=TRAINING_METRICS,
            hyper_parameters=HYPER_PARAMETERS,
            user_provided_hyper_parameters=HYPER_PARAMETERS,
        ),
    ),
    evaluation_details=listed(
        members(
            ("name",),
            name=text(NAME, 1),
            evaluation_observation=text(LONG),
            evaluation_job_arn=text(256),
            datasets=listed(text(NOTE), 0, 10),
            metadata=members(other=text(NOTE)),
            metric_groups=listed(
                members(("name", "metric_data"), other=anything, name=text(NAME, 1), metric_data=listed(metric))
            ),
        )
    ),
    additional_information=members(
        ethical_considerations=text(TEXT),
        caveats_and_recommendations=text(TEXT),
        custom_details=members(other=text(NOTE)),
    ),
)
"""The whole card: all of its parts may be missing."""
