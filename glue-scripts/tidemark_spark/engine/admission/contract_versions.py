"""What may differ between the versions of an event type, by the same rule as core/definition/validate-contracts.ts.

test/conformance/versions.json holds both to it. A document is checked where it is defined; Spark looks again, because a
job must not compute with what the stream would refuse.
"""

from __future__ import annotations

from typing import Any

_MAX_SCHEMA_VERSION = 2**31 - 1


class DefinitionError(ValueError):
    """The use case document can't be used; the message names the part and what is allowed."""


def refused(field: str, found: str, allowed: str) -> DefinitionError:
    return DefinitionError(f"{field}: found {found}; allowed: {allowed}")


def check_versions(contracts: list[dict[str, Any]]) -> None:
    """A name means one thing in all versions of an event type: a column keeps its type and, a decimal, its scale.

    Raises DefinitionError naming the contract, its version and the column.
    """
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for contract in contracts:
        event_type, version = contract["event_type"], contract["schema_version"]
        at = f"contracts.{event_type}@{version}"
        if version > _MAX_SCHEMA_VERSION:
            allowed = f"1 to {_MAX_SCHEMA_VERSION}: count versions, such as 1, 2, 3"
            raise refused(f"{at}.schema_version", str(version), allowed)
        columns = [(f["name"], _form_of(f)) for f in contract["fields"]]
        for name, form in [*columns, *((d["name"], "derived") for d in contract["derived"])]:
            known, where = first.setdefault((event_type, name), (form, version))
            if known != form:
                raise refused(
                    f"{at}.{name}",
                    f"{form}, where version {where} has {known}",
                    f"{known} in all versions of {event_type}, or a new name for the new column",
                )


def check_enum_values(feature: dict[str, Any], contracts: list[dict[str, Any]], at: str) -> None:
    """What a feature keeps of an enum has room for the values of all versions. Raises DefinitionError."""
    fields = [f for c in contracts if c["event_type"] == feature["event_type"] for f in c["fields"]]
    versions = [f["values"] for f in fields if f["name"] == feature["field"] and f["type"] == "enum"]
    every = dict.fromkeys(value for values in versions for value in values)
    if all(len(set(values)) == len(every) for values in versions):
        return
    cap, listed = feature["cap"], feature["enum_values"]
    name = feature["field"]
    if cap is not None and cap < len(every):
        raise refused(f"{at}.cap", str(cap), f"{len(every)} or more: as many values has {name} in all versions")
    missing = [value for value in every if listed and value not in listed]
    if missing:
        found = f"a version without {', '.join(missing)}"
        raise refused(f"{at}.of", found, f"a version whose {name} has all values")


def _form_of(field: dict[str, Any]) -> str:
    return f"decimal({field['scale']})" if field["type"] == "decimal" else field["type"]
