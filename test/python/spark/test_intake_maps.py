"""Maps of sources: the shared cases, by hand and random, to the bit of what core/intake makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typescript import ROOT

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.contracts import Rejection
from tidemark_spark.engine.intake.maps import compile_map


def cases(name: str) -> list[Any]:
    # As both engines read a body: numbers by JavaScript's rules.
    document = wire_json.parse((ROOT / "test" / "conformance" / "intake" / f"{name}.json").read_text())
    return [pytest.param(document["contracts"], case, id=case["rule"]) for case in document["cases"]]


@pytest.mark.parametrize(("contracts", "case"), [*cases("maps"), *cases("random")])
def test_a_case(contracts: list[dict[str, Any]], case: dict[str, Any]) -> None:
    try:
        event = compile_map(case["source"], contracts)(case["body"], case["id"])
        found = event and {"event": json.loads(wire_json.dumps(event))}
    except Rejection as rejection:
        found = {"reason": rejection.reason}
    assert found == case["expect"]
    # In Python True is 1: as text it is not.
    assert wire_json.dumps(found) == wire_json.dumps(case["expect"])
