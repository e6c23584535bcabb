"""The contract interpreter: shared cases, and the TypeScript engine's verdict on thousands of damaged events."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from damage import BYTES, CONTRACTS, GOOD, LONDON, damaged
from typescript import ROOT, ask

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.contracts import AdmitOptions, Position, Rejection, admit, compile_contracts
from tidemark_spark.engine.values.decimals import ParseError, parse_decimal, parse_timestamp
from tidemark_spark.engine.values.local_times import LocalClock

OPTIONS = {"replay": True, "available_lag_ms": 60_000, "max_bytes": 4096}
ARRIVAL = 1_488_362_400_000
POSITION = Position("history", "1", ARRIVAL)


def verdict(data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        event = admit(data, POSITION, compile_contracts(CONTRACTS), AdmitOptions(**options))
    except Rejection as rejection:
        claims = {name: getattr(rejection, name) for name in ("event_type", "schema_version", "source")}
        return {"reason": rejection.reason} | {name: claim for name, claim in claims.items() if claim is not None}
    return {"event": event | {"properties": json.loads(wire_json.canonical(event["properties"]))}}


@pytest.mark.parametrize("replay", [True, False])
def test_both_engines_give_the_same_verdict(replay: bool) -> None:
    random = Random(7)
    options = OPTIONS | {"replay": replay}
    records = [*BYTES, json.dumps(GOOD).encode(), *(damaged(random) for _ in range(4000))]
    answers = ask(
        {
            "op": "admit",
            "contracts": CONTRACTS,
            "options": options,
            "records": [{"base64": base64.b64encode(r).decode(), "arrival_ms": ARRIVAL} for r in records],
        }
    )
    reasons = set()
    for record, answer in zip(records, answers, strict=True):
        wanted = (
            {"event": answer["event"]} if answer["ok"] else {k: answer[k] for k in answer if k not in ("ok", "detail")}
        )
        assert verdict(record, options) == wanted, record
        reasons.add(answer.get("reason", "admitted"))
    assert reasons >= {"admitted", "MISSING_FIELD", "INVALID_FIELD", "NOT_IN_ENUM", "FORBIDDEN_KEY", "DECIMAL_OVERFLOW"}
    assert reasons >= {"OUT_OF_RANGE", "MISSING_ENTITY", "INVALID_EVENT_TIME", "EVENT_TIME_IN_FUTURE", "INVALID_UTF8"}
    assert reasons >= {
        "TOO_DEEP",
        "MALFORMED_JSON",
        "NOT_AN_OBJECT",
        "OVERSIZE",
        "UNKNOWN_EVENT_TYPE",
        "UNSUPPORTED_SCHEMA_VERSION",
    }


@pytest.mark.parametrize(
    ("text", "scale", "units"),
    [
        ("1.005", 2, 100),
        ("1.015", 2, 102),
        ("-0.005", 2, 0),
        ("1.0051", 2, 101),
        (1.5, 0, 2),
        (2.5, 0, 2),
        ("1e-9", 2, 0),
    ],
)
def test_decimals_round_half_to_even_from_their_text(text: Any, scale: int, units: int) -> None:
    assert parse_decimal(text, scale) == units


def test_a_number_of_more_than_15_digits_is_refused_but_its_text_is_taken() -> None:
    with pytest.raises(ParseError, match="15 digits"):
        parse_decimal(1234567890.123456, 6)
    assert parse_decimal("1234567890.123456", 6) == 1_234_567_890_123_456


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ParseError, match="with a zone"):
        parse_timestamp("2017-01-31T09:30:00", "iso8601")


def test_local_times_are_those_of_the_time_zone_database() -> None:
    clock, zone, random = LocalClock(LONDON), ZoneInfo("Europe/London"), Random(3)
    epoch = datetime(1970, 1, 1)
    for _ in range(20_000):
        local = random.randrange(86_400, 4_000_000_000) * 1000
        # fold=0: what never was has the offset before, what is there twice is the first (PEP 495).
        wall = (epoch + timedelta(milliseconds=local)).replace(tzinfo=zone)
        assert clock(local) == round(wall.timestamp() * 1000)


def test_a_rejection_never_quotes_the_payload() -> None:
    secret = "4111-1111-1111-1111"
    for name in ["Total", "items", "channel", "loyal", "due"]:
        event = GOOD | {"properties": GOOD["properties"] | {name: secret}}
        with pytest.raises(Rejection) as raised:
            admit(json.dumps(event).encode(), POSITION, compile_contracts(CONTRACTS), AdmitOptions(**OPTIONS))
        assert secret not in str(raised.value)


def shared_cases() -> list[Any]:
    files = [ROOT / "test/conformance" / f"{name}.json" for name in ("contracts", "derived-columns")]
    documents = [json.loads(file.read_text()) for file in files]
    return [pytest.param(d["contracts"], case, id=case["rule"]) for d in documents for case in d["cases"]]


@pytest.mark.parametrize(("contracts", "case"), shared_cases())
def test_shared_cases(contracts: list, case: dict[str, Any]) -> None:
    data = base64.b64decode(case["base64"]) if "base64" in case else case["record"].encode()
    position = Position("s", "1", case["arrival_ms"])
    options = AdmitOptions(replay=case.get("replay", False), available_lag_ms=1000, max_bytes=2000)
    if "reason" in case["expect"]:
        with pytest.raises(Rejection) as raised:
            admit(data, position, compile_contracts(contracts), options)
        assert raised.value.reason == case["expect"]["reason"]
        return
    event = admit(data, position, compile_contracts(contracts), options)
    wanted = case["expect"]["event"]
    some = wanted.get("properties", {})
    assert {key: event["properties"][key] for key in some} == some
    assert event | {key: wanted[key] for key in wanted if key != "properties"} == event
