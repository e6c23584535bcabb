"""Values as AWS's Java services show them in their messages."""

import base64
from typing import Any


def as_java(shape: Any, value: Any) -> str:
    """A value as AWS's messages show it: `toString` of Java; what the model calls sensitive is not shown."""
    if value is None:
        return "null"
    if shape.metadata.get("sensitive"):
        return "*"
    if shape.type_name == "list" and isinstance(value, list):
        return "[" + ", ".join(as_java(shape.member, item) for item in value) + "]"
    if shape.type_name == "map" and isinstance(value, dict):
        return "{" + ", ".join(f"{key}={as_java(shape.value, item)}" for key, item in value.items()) + "}"
    if shape.type_name == "structure" and isinstance(value, dict):
        fields = (
            f"{camel(name)}={as_java(member, value.get(name, value.get(member.serialization.get('name'))))}"
            for name, member in shape.members.items()
        )
        return f"{shape.name}({', '.join(fields)})"
    if shape.type_name == "blob":
        size = len(base64.b64decode(value)) if isinstance(value, str) else len(value)
        return f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
    return str(value)


def unexpected(value: Any, wanted: str) -> str:
    """What AWS's reader of JSON says, e.g. `NUMBER_VALUE can not be converted to a String`."""
    if isinstance(value, dict):
        return "Start of structure or map found where not expected."
    if isinstance(value, list):
        return "Start of list found where not expected"
    if isinstance(value, bool):
        kind = "TRUE_VALUE" if value else "FALSE_VALUE"
    else:
        kind = "NUMBER_VALUE" if isinstance(value, (int, float)) else "STRING_VALUE"
    if wanted in ("a structure", "a list", "a map"):
        return "Unexpected field type"
    return f"{kind} can not be converted to {wanted}"


def camel(name: str) -> str:
    return name[0].lower() + name[1:]
