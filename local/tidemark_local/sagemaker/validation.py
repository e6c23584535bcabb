"""Checks a request against the constraints of the service's own API model, with the messages AWS gives.

The model is botocore's copy of the SageMaker API model: required members, lengths, ranges, patterns and enums are
those of the API reference (e.g. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html).
"""

import functools
import re
from typing import Any

import botocore.session

from .errors import SageMakerError, validation

_TYPES = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
}


@functools.cache
def model(service: str = "sagemaker") -> Any:
    """The botocore service model."""
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def _pattern(text: str) -> re.Pattern | None:
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return None  # a Java-only construct: the other constraints still hold


def check(operation: str, data: dict) -> None:
    """Raises ValidationException with every violated constraint, or SerializationException for a wrong JSON type."""
    shape = model().operation_model(operation).input_shape
    found: list[str] = []
    if shape is not None:
        _check(shape, data, "", found)
    if found:
        noun = "validation error" if len(found) == 1 else "validation errors"
        raise validation(f"{len(found)} {noun} detected: " + "; ".join(found))


def _check(shape: Any, value: Any, path: str, found: list[str]) -> None:
    allowed = _TYPES.get(shape.type_name)
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed)):
        raise SageMakerError(
            "SerializationException",
            f"{path or 'the request'}: {type(value).__name__} found, {shape.type_name} expected",
        )
    _check_size(shape, value, path, found)
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                where = _join(path, name)
                found.append(f"Value null at '{where}' failed to satisfy constraint: Member must not be null")
        for name, item in value.items():
            if item is not None and name in shape.members:
                _check(shape.members[name], item, _join(path, name), found)
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            _check(shape.member, item, f"{path}.{index + 1}.member", found)
    elif shape.type_name == "map":
        for key, item in value.items():
            _check(shape.key, key, path, found)
            _check(shape.value, item, f"{path}.{key}.member", found)


def _check_size(shape: Any, value: Any, path: str, found: list[str]) -> None:
    limits = shape.metadata
    shown = "*" if limits.get("sensitive") else value
    if shape.type_name in ("string", "list", "map"):
        for key, word, broken in (("min", "greater", int.__lt__), ("max", "less", int.__gt__)):
            if key in limits and broken(len(value), int(limits[key])):
                found.append(_failed(shown, path, f"have length {word} than or equal to {limits[key]}"))
    elif shape.type_name in ("integer", "long", "float", "double"):
        if "min" in limits and value < limits["min"]:
            found.append(_failed(shown, path, f"have value greater than or equal to {limits['min']}"))
        if "max" in limits and value > limits["max"]:
            found.append(_failed(shown, path, f"have value less than or equal to {limits['max']}"))
    if shape.type_name == "string":
        if limits.get("enum") and value not in limits["enum"]:
            found.append(_failed(shown, path, f"satisfy enum value set: [{', '.join(limits['enum'])}]"))
        pattern = _pattern(limits["pattern"]) if limits.get("pattern") else None
        if pattern and not pattern.fullmatch(value):
            found.append(_failed(shown, path, f"satisfy regular expression pattern: {limits['pattern']}"))


def _failed(value: Any, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {rule}"


def _join(path: str, name: str) -> str:
    camel = name[0].lower() + name[1:]
    return f"{path}.{camel}" if path else camel
