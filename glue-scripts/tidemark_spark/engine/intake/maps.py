"""A source's map, compiled: bodies → canonical events as their producers would have sent them.

The same rules in the same order as core/intake/map.ts, where they are explained; test/conformance/intake holds both to
them. A map re-shapes and never judges: what a contract says is decided where the event is admitted.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tidemark_spark.engine.admission.contracts import Rejection
from tidemark_spark.engine.admission.field_values import field_value
from tidemark_spark.engine.intake.mapped_values import bool_of, identifier_text, shifted, written_as
from tidemark_spark.engine.intake.pointers import Select, pointer
from tidemark_spark.engine.values.decimals import UNDEFINED, ParseError, is_number, parse_timestamp, type_name
from tidemark_spark.engine.values.local_times import LocalClock
from tidemark_spark.engine.values.time_patterns import time_reader

Event = dict[str, Any]
Map = Callable[[Any, str | None], Event | None]
"""Of a body (JSON as wire_json reads it) and the provider's id, if there is one, the event of the first rule that asks
for it; None where none does. Raises Rejection where the rule can't make an event of it."""

_MAX_ID = 128
_FORMATS = ("iso8601", "epoch_s", "epoch_ms")
_WHOLE = "a text, or a whole number within 2^53"


def compile_map(source: dict[str, Any], contracts: list[dict[str, Any]]) -> Map:
    """`source`: an entry of the document's `sources`."""
    by_version = {(c["event_type"], c["schema_version"]): c for c in contracts}
    rules = [_rule(source["name"], r, by_version[r["event_type"], r["schema_version"]]) for r in source["map"]]

    def first(body: Any, item_id: str | None) -> Event | None:
        for rule in rules:
            event = rule(body, item_id)
            if event is not None:
                return event
        return None

    return first


def event_id_of(source: str, item_id: str) -> str:
    """`<source>:<id>`; where that is longer than an id may be, the hash of the id stands for it."""
    whole = f"{source}:{item_id}"
    if len(whole) <= _MAX_ID:
        return whole
    # Half of a pair, which UTF-8 has not, is hashed as U+FFFD, as JavaScript does.
    text = item_id.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"{source}:{sha256(text.encode()).hexdigest()}"


def _rule(source: str, rule: dict[str, Any], contract: dict[str, Any]) -> Map:
    holds = [_condition(one) for one in rule["when"]]
    entity = _selectors(rule["entity"])
    parts = [_selectors([one]) for one in rule["id"]] if "id" in rule else None
    time = _time(rule["time"], contract["event_time_format"])
    properties = [(one["name"], _property(one, contract)) for one in rule["properties"]]
    rest = pointer(rule["rest"]) if "rest" in rule else None

    def event_of(body: Any, item_id: str | None) -> Event | None:
        if not all(one(body) for one in holds):
            return None
        return {
            "event_id": event_id_of(source, _named(item_id) if parts is None else _joined(parts, body)),
            "entity_id": _entity_of(entity(body)),
            "event_type": rule["event_type"],
            "event_time": time(body),
            "source": source,
            "schema_version": rule["schema_version"],
            "properties": _properties_of(body, properties, rest),
        }

    return event_of


def _selectors(selectors: list[dict[str, Any]]) -> Select:
    """The first that is there and not null."""
    each = [pointer(one["at"]) if "at" in one else _constant(one["const"]) for one in selectors]
    if len(each) == 1:
        return each[0]

    def first(body: Any) -> Any:
        return next((value for value in (select(body) for select in each) if _is_there(value)), UNDEFINED)

    return first


def _constant(value: Any) -> Select:
    return lambda _: value


def _condition(condition: dict[str, Any]) -> Callable[[Any], bool]:
    select, asked = pointer(condition["at"]), condition.get("value")
    match condition["op"]:
        case "eq":
            return lambda body: _is_same(select(body), asked)
        case "ne":
            return lambda body: _is_there(value := select(body)) and not _is_same(value, asked)
        case "in":
            return lambda body: any(_is_same(value, one) for value in (select(body),) for one in asked or ())
        case "starts":
            return lambda body: isinstance(value := select(body), str) and value.startswith(str(asked))
        case "exists":
            return lambda body: _is_there(select(body))
        case "missing":
            return lambda body: not _is_there(select(body))
    raise ValueError(f"{condition['op']!r}: an operator that this engine does not know. Deploy from one commit.")


def _is_there(value: Any) -> bool:
    return value is not UNDEFINED and value is not None


def _is_same(value: Any, other: Any) -> bool:
    """`===` of JavaScript: True is not 1. Objects are the same as nothing."""
    if isinstance(value, dict | list):
        return False
    return (
        type(value) is type(other) and value == other if not is_number(value) else is_number(other) and value == other
    )


def _named(item_id: str | None) -> str:
    if item_id is not None:
        return item_id
    allowed = "an id of the provider, or a map that makes one"
    raise Rejection("MISSING_FIELD", f"id: found none in the item; allowed: {allowed}")


def _joined(parts: list[Select], body: Any) -> str:
    texts = []
    for select in parts:
        text = identifier_text(value := select(body))
        if text is None:
            raise Rejection("MISSING_FIELD", f"id: found {type_name(value)}; allowed: {_WHOLE}")
        texts.append(text)
    return ":".join(texts)


def _entity_of(value: Any) -> str:
    text = identifier_text(value)
    if text is None:
        raise Rejection("MISSING_ENTITY", f"entity: found {type_name(value)}; allowed: {_WHOLE}")
    return text


def _time(time: dict[str, Any], written: str) -> Select:
    select = _selectors(time["from"])
    local = LocalClock(time["time_zone"]) if "time_zone" in time else None
    form = time["format"]
    # The document was checked: what is no format is a pattern, and has a zone.
    by_pattern = None if form in _FORMATS or local is None else time_reader(form, local)

    def read(body: Any) -> Any:
        try:
            value = select(body)
            return written_as(written, by_pattern(value) if by_pattern else parse_timestamp(value, form, local))
        except ParseError as error:
            raise Rejection("INVALID_EVENT_TIME", f"time: {error}") from None

    return read


def _properties_of(body: Any, mapped: list[tuple[str, Select]], rest: Select | None) -> dict[str, Any]:
    others = rest(body) if rest else None
    properties = dict(others) if isinstance(others, dict) else {}
    for name, select in mapped:
        value = select(body)
        if _is_there(value):
            properties[name] = value
        else:
            properties.pop(name, None)
    return properties


def _property(mapped: dict[str, Any], contract: dict[str, Any]) -> Select:
    select, name, shift = _selectors(mapped["from"]), mapped["name"], mapped.get("shift", 0)
    moved: Select = select if shift == 0 else lambda body: shifted(select(body), shift, name)
    if "as" not in mapped:
        return moved
    # Whether it has to be there is the contract's to say.
    field = mapped["as"] | {"name": name, "required": False}
    target = next((one for one in contract["fields"] if (one.get("from") or one["name"]) == name), None)
    form = _form_of(field, target)
    local = LocalClock(contract["time_zone"]) if "time_zone" in contract else None
    reads: Callable[[Any], Any] = bool_of if field["type"] == "bool" else lambda value: value

    def read(body: Any) -> Any:
        try:
            value = field_value(field, reads(moved(body)), local)
        except ParseError as error:
            raise Rejection(error.reason, f"properties.{name}: {error}") from None
        return None if value is None else written_as(form, value)

    return read


def _form_of(field: dict[str, Any], target: dict[str, Any] | None) -> str | int | None:
    """How the contract's field reads a value of this type."""
    if field["type"] == "decimal":
        return field["scale"]
    if field["type"] != "timestamp":
        return None
    return target["format"] if target and target["type"] == "timestamp" else "epoch_ms"
