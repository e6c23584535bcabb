"""Which names of MiniStack a module of the local cloud uses, by its source; and which it says that it does."""

import ast
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jobs_support  # noqa: F401 makes tidemark_local importable
import tidemark_local
from tidemark_local.host.relies_on import ReliesOn

# Scripts that run in processes of their own, and need the emulator no more than they need us.
_SCRIPTS = {"host.guardian", "host.die_with_parent", "glue.driver", "sagemaker.serve", "__main__"}
_DECLARATIONS = ("PLUGIN", "RELIES_ON")


def modules() -> list[ModuleType]:
    """Every module of the local cloud."""
    prefix = f"{tidemark_local.__name__}."
    found = [module.name for module in pkgutil.walk_packages(tidemark_local.__path__, prefix)]
    return [importlib.import_module(name) for name in found if name.removeprefix(prefix) not in _SCRIPTS]


def short_name(module: ModuleType) -> str:
    return module.__name__.removeprefix(f"{tidemark_local.__name__}.")


def declared(module: ModuleType) -> list[ReliesOn]:
    """What it says that it relies on, as a plug-in or as a module that helps one."""
    plugin = getattr(module, "PLUGIN", None)
    return [*(plugin.relies_on if plugin else []), *getattr(module, "RELIES_ON", [])]


@functools.cache
def used(module: ModuleType) -> set[tuple[str, str]]:
    """Module below `ministack`, and name: the private ones that it reads, and all that it replaces."""
    tree = _tree(module)
    names, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ministack":
            for name in node.names:
                target = f"{node.module}.{name.name}"
                if _is_module(target):
                    names[name.asname or name.name] = target
                elif name.name.startswith("_"):
                    found.add((node.module, name.name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            replaced = isinstance(node.ctx, ast.Store)
            if replaced or (node.attr.startswith("_") and not node.attr.startswith("__")):
                found.add((names[node.value.id], node.attr))
    return {(target.removeprefix("ministack."), name) for target, name in found}


def replaced(module: ModuleType) -> set[str]:
    """Names of MiniStack that it sets."""
    stored = {
        node.attr
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
    }
    return {name for _, name in used(module) if name in stored}


def mentioned(module: ModuleType) -> set[str]:
    """Identifiers and texts of its source, but for what it declares."""
    body = [node for node in _tree(module).body if not _declares(node)]
    return set(_words(ast.Module(body, type_ignores=[])))


def _words(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _declares(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(isinstance(target, ast.Name) and target.id in _DECLARATIONS for target in targets)


@functools.cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(Path(inspect.getfile(module)).read_text(encoding="utf-8"))


def _is_module(name: str) -> bool:
    parent, _, leaf = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return inspect.ismodule(getattr(importlib.import_module(parent), leaf))
