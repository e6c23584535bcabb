"""What Spark refuses to read: the shared cases of test/conformance/versions.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typescript import ROOT

from tidemark_spark.engine.admission.contract_versions import DefinitionError, check_enum_values, check_versions
from tidemark_spark.engine.ir import compile_view, parse_use_case

CASES = json.loads((ROOT / "test/conformance/versions.json").read_text())


def check(case: dict[str, Any]) -> None:
    check_versions(case["contracts"])
    if "feature" in case:
        check_enum_values(case["feature"], case["contracts"], f"views.v.features.{case['feature']['name']}")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["rule"]) for case in CASES])
def test_versions_of_an_event_type(case: dict[str, Any]) -> None:
    if case["refused"] is None:
        check(case)
        return
    with pytest.raises(DefinitionError) as raised:
        check(case)
    assert str(raised.value).startswith(f"{case['refused']}: found ")


def test_a_document_whose_contracts_clash_is_refused() -> None:
    clash = next(case for case in CASES if case["refused"] == "contracts.buy@2.amount")
    with pytest.raises(DefinitionError, match=r"contracts\.buy@2\.amount"):
        parse_use_case(json.dumps({"ir_version": 2, "contracts": clash["contracts"]}))


def test_a_document_of_before_views_had_plans_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"^ir_version: found 1, this code reads 2\. Deploy from one commit\.$"):
        parse_use_case(json.dumps({"ir_version": 1, "contracts": []}))


def test_a_view_without_a_plan_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"^views\.v\.plan: found nothing; allowed: the plan that"):
        compile_view({"contracts": []}, {"name": "v", "features": [], "retractions": None})


def test_a_property_that_no_contract_has_is_refused() -> None:
    reads = [{"event_type": "buy", "properties": ["amount"]}]
    view = {"name": "v", "features": [], "retractions": None, "plan": {"reads": reads}}
    with pytest.raises(DefinitionError, match=r"^views\.v: buy has no property 'amount' in any contract\.$"):
        compile_view({"contracts": []}, view)
