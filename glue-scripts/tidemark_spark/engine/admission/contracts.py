"""The contract interpreter: bytes of one wire event → a canonical event, or a rejection with its reason.

The same rules in the same order as core/admission/admit.ts: rename → trim/case → parse → default → range/enum →
derived.
test/conformance/contracts.json holds both to them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.field_values import field_value, in_range, is_safe, is_well_formed
from tidemark_spark.engine.values.decimals import MAX_EXACT, MAX_TIME, UNDEFINED, ParseError, parse_timestamp, type_name
from tidemark_spark.engine.values.expressions import evaluate_one
from tidemark_spark.engine.values.local_times import LocalClock

_ENVELOPE = {"event_id", "entity_id", "event_type", "event_time", "source", "schema_version", "properties"}
_FORBIDDEN = {"__proto__", "constructor", "prototype"}
_COULD_HIDE_KEY = re.compile(r"__proto__|constructor|prototype|\\u")
_UNNAMEABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
"""Control characters, line and paragraph separators, and the two that XML, and so SNS and SQS, can't carry."""
MAX_DEPTH = 64
"""Objects and arrays within each other, the record itself included."""
MAX_INT32 = 2**31 - 1
UNKNOWN_KEY = "_unknown"
"""Where an event keeps what its contract does not know: no field can have this name."""
_MAX_ID = 128
_MAX_ENTITY = 256

Contracts = Mapping[str, Mapping[int, dict[str, Any]]]


class Rejection(Exception):
    """A wire event that is no canonical event; the message names field, found type and what is allowed."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.event_type: str | None = None
        self.schema_version: int | None = None
        self.source: str | None = None


@dataclass(frozen=True)
class Position:
    """Where and when a record arrived; `arrival_ms`: ms UTC."""

    shard_id: str
    sequence_number: str
    arrival_ms: int


@dataclass(frozen=True)
class AdmitOptions:
    """`replay`: available_at comes from the event, or is event_time + available_lag_ms; else it is the arrival."""

    replay: bool
    available_lag_ms: int
    max_bytes: int


def compile_contracts(contracts: list[dict[str, Any]]) -> Contracts:
    """Index by event type and schema version; `local` of each reads times without a zone, or is None."""
    by_type: dict[str, dict[int, dict[str, Any]]] = {}
    for contract in contracts:
        zone = contract.get("time_zone")
        compiled = contract | {"local": LocalClock(zone) if zone else None}
        by_type.setdefault(contract["event_type"], {})[contract["schema_version"]] = compiled
    return by_type


def admit(data: bytes, position: Position, contracts: Contracts, options: AdmitOptions) -> dict[str, Any]:
    """The canonical event (core/ir/document.ts; `properties` a dict). Raises Rejection, nothing else."""
    text, raw = _parse_record(data, options.max_bytes)
    try:
        return _canonicalise(text, raw, position, contracts, options)
    except Rejection as rejection:
        rejection.event_type = id_claim(raw.get("event_type"))
        rejection.source = id_claim(raw.get("source"))
        rejection.schema_version = schema_version_claim(raw.get("schema_version"))
        raise


def id_claim(value: Any) -> str | None:
    """The type or the source that a refused record says, where a table and a message can hold it."""
    return value if isinstance(value, str) and is_identifier(value, _MAX_ID) else None


def schema_version_claim(value: Any) -> int | None:
    """The version that a refused record says, where it is a 32-bit integer."""
    return value if is_safe(value) and -MAX_INT32 - 1 <= value <= MAX_INT32 else None


def is_identifier(text: str, longest: int) -> bool:
    """1 to `longest` code points, well-formed, none of them a control character or a line end (core/values/text.ts)."""
    return text != "" and len(text) <= longest and is_well_formed(text) and not _UNNAMEABLE.search(text)


def _parse_record(data: bytes, max_bytes: int) -> tuple[str, dict[str, Any]]:
    if len(data) > max_bytes:
        raise Rejection("OVERSIZE", f"record: found {len(data)} bytes; allowed: up to {max_bytes}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejection(
            "INVALID_UTF8", "record: found bytes that are not valid UTF-8; allowed: JSON in UTF-8"
        ) from None
    if wire_json.is_deeper(text, MAX_DEPTH):
        raise Rejection("TOO_DEEP", f"record: found JSON of more than {MAX_DEPTH} levels; allowed: {MAX_DEPTH}")
    try:
        value = wire_json.parse(text)
    except ValueError:
        raise Rejection(
            "MALFORMED_JSON", "record: found text that is not valid JSON; allowed: one JSON object"
        ) from None
    if not isinstance(value, dict):
        raise Rejection("NOT_AN_OBJECT", f"record: found {type_name(value)}; allowed: one JSON object")
    if _COULD_HIDE_KEY.search(text):
        _refuse_forbidden_keys(value)
    return text, value


def _refuse_forbidden_keys(root: dict[str, Any]) -> None:
    pending: list[Any] = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if not _FORBIDDEN.isdisjoint(value):
                raise Rejection("FORBIDDEN_KEY", "record: found a key that names a prototype; allowed: any other key")
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _canonicalise(
    text: str, raw: dict[str, Any], position: Position, contracts: Contracts, options: AdmitOptions
) -> dict[str, Any]:
    entity_id = _identifier(raw, "entity_id", _MAX_ENTITY, "MISSING_ENTITY")
    if entity_id.startswith("#"):
        raise Rejection("INVALID_FIELD", "entity_id: found a string that starts with #; allowed: any other string")
    event_id = _identifier(raw, "event_id", _MAX_ID, "MISSING_FIELD")
    contract = _contract_of(raw, contracts)
    source = _identifier(raw, "source", _MAX_ID, "INVALID_FIELD") if "source" in raw else ""
    properties = raw.get("properties")
    if not isinstance(properties, dict | None):
        raise Rejection("INVALID_FIELD", f"properties: found {type_name(properties)}; allowed: an object")
    event_time, source_time, available_at = _times_of(raw, contract, position, options)
    typed = _normalise(contract, properties or {})
    known = {field.get("from") or field["name"] for field in contract["fields"]}
    envelope = _ENVELOPE | {"available_at"} if options.replay else _ENVELOPE
    if not (envelope.issuperset(raw) and known.issuperset(properties or {})):
        typed[UNKNOWN_KEY] = _unknown_of(text, envelope, known)
    return {
        "event_id": event_id,
        "entity_id": entity_id,
        "event_type": contract["event_type"],
        "event_time": event_time,
        "source_time": source_time,
        "source": source,
        "schema_version": contract["schema_version"],
        "properties": typed,
        "available_at": available_at,
        "shard_id": position.shard_id,
        "sequence_number": position.sequence_number,
    }


def _identifier(raw: dict[str, Any], field: str, longest: int, missing: str) -> str:
    value = raw.get(field, UNDEFINED)
    allowed = f"a string of 1 to {longest} characters, none of them a control character"
    problem = f"{field}: found {type_name(value)}; allowed: {allowed}"
    if value is UNDEFINED or value is None or value == "":
        raise Rejection(missing, problem)
    if not isinstance(value, str) or not is_identifier(value, longest):
        raise Rejection("INVALID_FIELD", problem)
    return value


def _contract_of(raw: dict[str, Any], contracts: Contracts) -> dict[str, Any]:
    event_type, version = raw.get("event_type", UNDEFINED), raw.get("schema_version", UNDEFINED)
    versions = contracts.get(event_type) if isinstance(event_type, str) else None
    if versions is None:
        reason = "MISSING_FIELD" if event_type is UNDEFINED else "UNKNOWN_EVENT_TYPE"
        raise Rejection(reason, f"event_type: found {type_name(event_type)}; allowed: {', '.join(contracts)}")
    contract = versions.get(version) if is_safe(version) else None
    if contract is None:
        reason = "MISSING_FIELD" if version is UNDEFINED else "UNSUPPORTED_SCHEMA_VERSION"
        allowed = ", ".join(map(str, versions))
        raise Rejection(reason, f"schema_version: found {type_name(version)}; allowed: {allowed}")
    return contract


def _times_of(
    raw: dict[str, Any], contract: dict[str, Any], position: Position, options: AdmitOptions
) -> tuple[int, int | None, int]:
    """(event_time, source_time where it was clamped, available_at), ms."""
    if "event_time" not in raw:
        raise Rejection("MISSING_FIELD", f"event_time: found undefined; allowed: {contract['event_time_format']}")
    claimed = _time(raw["event_time"], contract["event_time_format"], "event_time", contract["local"])
    earliest = contract.get("min_event_time", 0)
    if claimed < earliest:
        since = f"{datetime.fromtimestamp(earliest / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        found = f"found a time before the contract's min_event_time; allowed: from {since}"
        raise Rejection("INVALID_EVENT_TIME", f"event_time: {found} (were seconds sent for milliseconds?)")
    available_at = position.arrival_ms
    if options.replay:
        given = raw.get("available_at", UNDEFINED)
        if given is UNDEFINED:
            available_at = claimed + options.available_lag_ms
        else:
            form = "epoch_ms" if type_name(given) == "number" else "iso8601"
            available_at = _time(given, form, "available_at", contract["local"])
        if available_at > MAX_TIME:
            raise Rejection("INVALID_EVENT_TIME", "available_at: found a time out of range; allowed: 1970 to 9999")
    ahead = claimed - available_at
    if ahead <= 0:
        return claimed, None, available_at
    if ahead <= contract["max_future_ms"]:
        return available_at, claimed, available_at
    raise Rejection(
        "EVENT_TIME_IN_FUTURE",
        f"event_time: found a time {ahead} ms after the arrival; allowed: up to {contract['max_future_ms']} ms",
    )


def _time(value: Any, form: str, field: str, local: LocalClock | None) -> int:
    try:
        return parse_timestamp(value, form, local)
    except ParseError as error:
        raise Rejection("INVALID_EVENT_TIME", f"{field}: {error}") from None


def _unknown_of(text: str, envelope: set[str], known: set[str]) -> str:
    """The record without what is known of it, as JSON text: each member as the producer wrote it."""
    left = []
    for member in wire_json.members_of(text, text.index("{")):
        if member.key != "properties":
            left += [] if member.key in envelope else [member.source]
        elif text[member.at] == "{":
            inside = [m.source for m in wire_json.members_of(text, member.at) if m.key not in known]
            left += [f'"properties":{{{",".join(inside)}}}'] if inside else []
    return f"{{{','.join(left)}}}"


def _normalise(contract: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """Exactly the columns of the contract: what it does not know can be no feature's input."""
    out: dict[str, Any] = {}
    for field in contract["fields"]:
        key = field.get("from") or field["name"]
        try:
            out[field["name"]] = field_value(field, raw.get(key, UNDEFINED), contract["local"])
        except ParseError as error:
            raise Rejection(error.reason, f"properties.{field['name']}: {error}") from None
    for column in contract["derived"]:
        try:
            out[column["name"]] = _derived_value(column, out)
        except ParseError as error:
            raise Rejection(error.reason, f"properties.{column['name']}: {error}") from None
    return out


def _derived_value(column: dict[str, Any], values: dict[str, Any]) -> int | None:
    value = evaluate_one(column["expr"], values)
    if value is None:
        return None
    if not (value.is_integer() and abs(value) <= MAX_EXACT):
        raise ParseError("DECIMAL_OVERFLOW", "found no exact integer; allowed: within 2^53")
    return in_range(column, int(value))
