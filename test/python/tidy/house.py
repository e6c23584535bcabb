"""What the Python code must look like: who imports whom, without circles, in files and functions that one can read."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

FILE_LINES, FUNCTION_LINES = 320, 70

PACKAGE = "tidemark_spark"
WINGS: dict[str, frozenset[str]] = {
    "engine": frozenset(),
    "experiments": frozenset(),
    "online": frozenset({"engine"}),
    "lake": frozenset({"engine"}),
    "spark": frozenset({"engine", "experiments", "online", "lake"}),
}
"""Wing of the Spark package → the wings it may import beside itself. All but the engine also have the ground floor."""
OUTSIDE_OF_ENGINE = frozenset({"awsglue", "boto3", "botocore", "pyspark"})
ROOTS: dict[str, frozenset[str]] = {
    "glue-scripts": frozenset({"tidemark_local"}),
    "local": frozenset({PACKAGE}),
    "model": frozenset({PACKAGE, "tidemark_local", "boto3", "pyspark"}),
}
"""Folder → what nothing in it may import: each is shipped, or runs, without it."""

Sources = dict[str, str]
"""Dotted name of each module below a root → its text; a package by its own name."""


def sources(root: Path) -> Sources:
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text()
    return found


def imports(module: str, text: str, known: Iterable[str], is_package: bool = False) -> Iterator[str]:
    """What a module imports, also inside functions: modules of `known` by their full name, others as written."""
    known = set(known)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + is_package]
                base = ".".join([*kept, base] if base else kept)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in known else base


def graph(modules: Sources) -> dict[str, set[str]]:
    packages = {name.rpartition(".")[0] for name in modules}
    return {name: set(imports(name, text, modules, name in packages)) for name, text in modules.items()}


def circle(modules: Sources) -> list[str]:
    """One circle of imports; none where there is none."""
    inner = {name: {other for other in of if other in modules} - {name} for name, of in graph(modules).items()}
    try:
        TopologicalSorter(inner).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def over_the_wall(modules: Sources) -> list[str]:
    """`importer → imported` for each import that the wings of the Spark package forbid."""
    pairs = [(name, other) for name, of in graph(modules).items() for other in sorted(of)]
    return [f"{name} → {other}" for name, other in pairs if _is_forbidden(_wing(name), other)]


def _is_forbidden(wing: str, other: str) -> bool:
    if wing not in WINGS or _wing(other) == wing:
        return False
    if wing == "engine":
        return other.split(".")[0] in {PACKAGE, *OUTSIDE_OF_ENGINE}
    return _wing(other) in WINGS.keys() - WINGS[wing]


def _wing(module: str) -> str:
    return module.split(".")[1] if module.startswith(f"{PACKAGE}.") else ""


def shipped_without(modules: Sources, forbidden: frozenset[str]) -> list[str]:
    """`importer → imported` for each import of a package that is not there where the modules run."""
    return [f"{name} → {o}" for name, of in graph(modules).items() for o in sorted(of) if o.split(".")[0] in forbidden]


def too_long(modules: Sources) -> list[str]:
    """Files and functions with more lines than a reader takes in."""
    found = []
    for name, text in modules.items():
        lines = len(text.splitlines())
        if lines > FILE_LINES:
            found.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    found.append(f"{name}.{node.name}: {lines} lines")
    return found
