"""What is read of a use case that leaves parts out."""

from __future__ import annotations

import pytest

from tidemark_spark.engine.ir import DefinitionError, online_view

VIEWS = [{"name": "one"}, {"name": "two"}]


def test_the_online_view_is_the_model_s() -> None:
    assert online_view({"views": VIEWS, "model": {"view": "two"}}) == VIEWS[1]


def test_without_a_model_it_is_the_only_one() -> None:
    assert online_view({"views": VIEWS[:1]}) == VIEWS[0]


def test_a_view_that_is_not_there_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"'three' is not defined\. Defined: one, two"):
        online_view({"views": VIEWS, "model": {"view": "three"}})
