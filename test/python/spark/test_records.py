"""Records of several events: the shared cases, and the TypeScript engine's verdict on damaged ones."""

from __future__ import annotations

import base64
import gzip
import json
import time
from random import Random
from typing import Any

import pytest
from typescript import ROOT, ask

from tidemark_spark.engine.admission.contracts import AdmitOptions, Position, Rejection, compile_contracts
from tidemark_spark.engine.admission.framing import parts_of
from tidemark_spark.engine.admission.record_parts import RecordPart, admit_record
from tidemark_spark.engine.admission.tombstones import tombstone_of
from tidemark_spark.lake.erasure.objects import given_up, history

_DOCUMENT = json.loads((ROOT / "test/conformance/records.json").read_text())
CONTRACTS = _DOCUMENT["contracts"]
POSITION = Position("s", "7", 1_500_000_000_000)
OPTIONS = {"replay": False, "available_lag_ms": 0, "max_bytes": 2000}


def data_of(case: dict[str, Any]) -> bytes:
    return base64.b64decode(case["base64"]) if "base64" in case else case["record"].encode()


def parts(data: bytes, lanes: int = 1) -> list[RecordPart]:
    return admit_record(data, "h1", POSITION, compile_contracts(CONTRACTS), AdmitOptions(**OPTIONS), lanes)


def seen(part: RecordPart) -> dict[str, Any]:
    if isinstance(part.verdict, Rejection):
        return {"reason": part.verdict.reason, "partition_key": part.partition_key}
    misrouted = {"misrouted": True} if part.verdict["entity_id"] != part.partition_key else {}
    return {"event_id": part.verdict["event_id"], "partition_key": part.partition_key} | misrouted


@pytest.mark.parametrize("case", [pytest.param(case, id=case["rule"]) for case in _DOCUMENT["cases"]])
def test_shared_cases(case: dict[str, Any]) -> None:
    found = parts(data_of(case), case.get("lanes", 1))
    assert [seen(part) for part in found] == case["expect"]
    assert [part.sub_sequence for part in found] == list(range(len(found)))


def damaged(random: Random, data: bytes) -> bytes:
    body = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5])):
        at = random.randrange(len(body) + 1)
        match random.randrange(4):
            case 0:
                body[at : at + 1] = bytes([random.randrange(256)])
            case 1:
                del body[at : at + random.randrange(20)]
            case 2:
                body[at:at] = random.choice([b"{", b"}", b'"', b"\n{", b"\\", b"\r\n", b"[", b"\n", b"{}", b"\x00"])
            case 3:
                body += random.choice([data, b"\n" + data, data[: at // 2]])
    return bytes(body)


def test_both_engines_find_the_same_parts() -> None:
    random = Random(11)
    good = [data_of(case) for case in _DOCUMENT["cases"]]
    records = [*good, *(damaged(random, random.choice([g for g in good if g])) for _ in range(3000))]
    question = {"op": "records", "contracts": CONTRACTS, "options": OPTIONS, "partition_key": "h1"}
    answers = ask(question | {"records": [base64.b64encode(record).decode() for record in records]})
    several = 0
    for record, answer in zip(records, answers, strict=True):
        found = [seen(part) | {"data": base64.b64encode(part.data).decode()} for part in parts(record)]
        assert found == answer, record
        several += len(found) > 1
    assert several > 1000


@pytest.mark.parametrize("text", [b"{\n", b'{"a\n', b"[", b'{"', b"{}", b'"\n{', b"}\n", b"\n", b"\\", b'{\n}\n{"'])
def test_no_text_takes_long(text: bytes) -> None:
    data = text * (2**20 // len(text))
    started = time.process_time()
    parts_of(data, len(data) // 64)
    parts(data)
    assert time.process_time() - started < 5


def test_of_a_record_given_up_only_the_events_of_others_are_kept() -> None:
    """An aggregated record holds several people; the object of a batch that was given up is the only copy."""
    (both,) = [c for c in _DOCUMENT["cases"] if c["rule"] == "an aggregated record of two entities"]
    record = {"kinesis": {"sequenceNumber": "7", "partitionKey": "h1", "data": both["base64"]}}
    body = json.dumps({"payload": json.dumps({"Records": [record]})}).encode()
    erased = frozenset([tombstone_of("h1")])
    cleaned, taken = given_up(body, erased)
    assert taken == 1 and cleaned is not None
    (kept,) = json.loads(json.loads(cleaned)["payload"])["Records"]
    assert kept["kinesis"]["partitionKey"] == "h2" and kept["kinesis"]["sequenceNumber"] == "7"
    assert json.loads(base64.b64decode(kept["kinesis"]["data"]))["entity_id"] == "h2"
    assert given_up(cleaned, erased) == (cleaned, 0)
    assert given_up(body, frozenset([tombstone_of("h1"), tombstone_of("h2")])) == (None, 1)


def test_of_a_line_of_history_only_the_events_of_others_are_kept_in_their_places() -> None:
    line = b'{"entity_id":"a"}{"entity_id":"gone"}{"entity_id":"b"}'
    body, taken = history(gzip.compress(line + b"\n{}\n"), frozenset([tombstone_of("gone")]))
    assert taken == 1 and body is not None
    assert gzip.decompress(body) == b'{"entity_id":"a"}{}{"entity_id":"b"}\n{}\n'
