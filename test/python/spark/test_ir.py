"""What Spark refuses to read: the shared cases of test/conformance/versions.json."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typescript import ROOT

from tidemark_spark.engine.admission.contract_versions import DefinitionError, check_enum_values, check_versions
from tidemark_spark.engine.ir import parse_use_case

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
        parse_use_case(json.dumps({"ir_version": 1, "contracts": clash["contracts"]}))
