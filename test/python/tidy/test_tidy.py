"""The Python code keeps the rules of house.py, and each rule finds what breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from house import (
    FILE_LINES,
    FUNCTION_LINES,
    PACKAGE,
    ROOTS,
    circle,
    graph,
    over_the_wall,
    shipped_without,
    sources,
    too_long,
)

ROOT = Path(__file__).resolve().parents[3]
CODE = {root: sources(ROOT / root) for root in ROOTS}
TESTS = sources(ROOT / "test" / "python")


def test_all_code_is_looked_at() -> None:
    assert {"tidemark_spark.engine.pit", "tidemark_spark", "features_at"} <= CODE["glue-scripts"].keys()
    assert "train" in CODE["model"]
    assert "tidemark_local" in CODE["local"]
    assert {"spark.test_pit", "model.test_train", "tidy.house"} <= TESTS.keys()


@pytest.mark.parametrize("root", ROOTS)
def test_no_module_imports_itself_by_way_of_others(root: str) -> None:
    assert circle(CODE[root]) == []


def test_the_wings_of_the_spark_package_keep_their_walls() -> None:
    assert over_the_wall(CODE["glue-scripts"]) == []


def test_what_a_value_is_stands_on_nothing_else() -> None:
    values = f"{PACKAGE}.engine.values"
    rooms = [(name, o) for name, of in graph(CODE["glue-scripts"]).items() if name.startswith(values) for o in of]
    assert [other for _, other in rooms if other.startswith(values)], "they import each other"
    assert [pair for pair in rooms if pair[1].startswith(PACKAGE) and not pair[1].startswith(values)] == []


@pytest.mark.parametrize("root", ROOTS)
def test_nothing_imports_what_it_is_shipped_without(root: str) -> None:
    assert shipped_without(CODE[root], ROOTS[root]) == []


@pytest.mark.parametrize("root", ROOTS)
def test_files_and_functions_can_be_read_at_a_glance(root: str) -> None:
    assert too_long(CODE[root]) == []


def test_tests_can_be_read_at_a_glance() -> None:
    assert too_long(TESTS) == []


def test_circles_are_found() -> None:
    one = {"p": "", "p.a": "from p import b", "p.b": "def f():\n    from .c import x", "p.c": "from p.a import y"}
    assert set(circle(one)) == {"p.a", "p.b", "p.c"}
    assert circle(one | {"p.c": "import p.d.a"}) == []
    assert set(circle({"p": "from .a import x", "p.a": "from . import y"})) == {"p", "p.a"}


def test_walls_are_found() -> None:
    at = "tidemark_spark"
    code = {at: "", f"{at}.aws": "", f"{at}.engine.a": f"from {at} import aws\nimport pyspark.sql"}
    code |= {f"{at}.online.b": f"from {at}.spark.c import x\nfrom {at} import aws", f"{at}.spark.c": ""}
    code |= {f"{at}.lake.d": f"from {at}.engine.a import x\nfrom pyspark import sql"}
    found = [f"{at}.engine.a → pyspark.sql", f"{at}.engine.a → {at}.aws", f"{at}.online.b → {at}.spark.c"]
    assert over_the_wall(code) == found
    assert shipped_without(code, frozenset({"pyspark"})) == [f"{at}.engine.a → pyspark.sql", f"{at}.lake.d → pyspark"]


def test_length_is_found() -> None:
    body = "    pass\n" * FUNCTION_LINES
    assert too_long({"a": f"def f():\n{body}"}) == [f"a.f: {FUNCTION_LINES + 1} lines"]
    assert too_long({"a": f"def f():\n{body[9:]}"}) == []
    assert too_long({"a": "x = 1\n" * (FILE_LINES + 1)}) == [f"a: {FILE_LINES + 1} lines"]
