"""Reads the compiled use case (the IR document, see core/ir/document.ts) and answers what Spark needs to know of it.

The document is kept as the plain JSON it is: every other engine reads the same keys, so who knows one knows all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tidemark_spark.engine.admission.contract_versions import DefinitionError, check_enum_values, check_versions
from tidemark_spark.engine.values.columns import FieldKind

IR_VERSION = 2

_KIND_OF_TYPE: dict[str, FieldKind] = {
    "string": "string",
    "enum": "string",
    "int": "int",
    "decimal": "int",
    "timestamp": "int",
    "bool": "bool",
}


def parse_use_case(text: str | bytes) -> dict[str, Any]:
    """The IR document. Raises DefinitionError when it isn't JSON of this IR version, or its contracts clash."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"The use case document is not JSON ({error}). Compile it again.") from error
    version = document.get("ir_version") if isinstance(document, dict) else None
    if version != IR_VERSION:
        raise DefinitionError(f"ir_version: found {version!r}, this code reads {IR_VERSION}. Deploy from one commit.")
    check_versions(document["contracts"])
    return document


def view_named(use_case: dict[str, Any], name: str) -> dict[str, Any]:
    """The feature view `name`. Raises DefinitionError when there is none."""
    for view in use_case["views"]:
        if view["name"] == name:
            return view
    known = ", ".join(view["name"] for view in use_case["views"])
    raise DefinitionError(f"view: {name!r} is not defined. Defined: {known}.")


def online_view(use_case: dict[str, Any]) -> dict[str, Any]:
    """The view that is kept up online: the one the model reads; without one there is one view (core/ir/parts.ts)."""
    model = use_case.get("model")
    return view_named(use_case, model["view"]) if model else use_case["views"][0]


def field_kinds(use_case: dict[str, Any]) -> dict[tuple[str, str], FieldKind]:
    """How each property of a canonical event is held: (event_type, name) → int, string or bool.

    Raises DefinitionError when two schema versions hold one property differently: such a change needs a new name.
    """
    check_versions(use_case["contracts"])
    kinds: dict[tuple[str, str], FieldKind] = {}
    for contract in use_case["contracts"]:
        of_type = contract["event_type"]
        kinds |= {(of_type, f["name"]): _KIND_OF_TYPE[f["type"]] for f in contract["fields"]}
        kinds |= {(of_type, d["name"]): "int" for d in contract["derived"]}
    return kinds


@dataclass(frozen=True)
class ViewPlan:
    """A feature view with all that its evaluation needs. `fields`: event_type → {property: kind} that it reads."""

    view: dict[str, Any]
    fields: dict[str, dict[str, FieldKind]] = field(default_factory=dict)

    @property
    def features(self) -> list[dict[str, Any]]:
        return self.view["features"]

    @property
    def aggregates(self) -> list[dict[str, Any]]:
        return [f for f in self.features if f["kind"] == "aggregate"]

    @property
    def retraction_rules(self) -> list[dict[str, str]]:
        """`event_type` cancels the event of type `of` whose id its property `field` holds; one rule an event type."""
        return self.view["retractions"]["rules"] if self.view["retractions"] else []

    @property
    def retractable(self) -> dict[str, list[str]]:
        """Event types that may be retracted, and the properties that a state remembers of each; in its order."""
        return {read["event_type"]: read["properties"] for read in self.view["plan"]["ledger"] or []}

    @property
    def event_types(self) -> list[str]:
        """The event types that can change a value of the view, sorted."""
        return sorted(self.fields)

    @property
    def reads_properties(self) -> bool:
        return any(self.fields.values())


def compile_view(use_case: dict[str, Any], view: dict[str, Any]) -> ViewPlan:
    """`view` with the kinds of the properties that its plan reads.

    Raises DefinitionError for a view without a plan, an unknown property, and where versions of an event type clash.
    """
    at = f"views.{view['name']}"
    if "plan" not in view:
        raise DefinitionError(
            f"{at}.plan: found nothing; allowed: the plan that the compiler writes. Compile it again."
        )
    for feature in ViewPlan(view).aggregates:
        check_enum_values(feature, use_case["contracts"], f"{at}.features.{feature['name']}")
    kinds = field_kinds(use_case)
    fields: dict[str, dict[str, FieldKind]] = {}
    for read in view["plan"]["reads"]:
        event_type = read["event_type"]
        unknown = [name for name in read["properties"] if (event_type, name) not in kinds]
        if unknown:
            raise DefinitionError(f"{at}: {event_type} has no property {unknown[0]!r} in any contract.")
        fields[event_type] = {name: kinds[event_type, name] for name in read["properties"]}
    return ViewPlan(view, fields)
