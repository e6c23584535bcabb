"""What was known at an instant, and by which events."""

from __future__ import annotations

import base64
import json
from typing import Any

import features_at as job
import pyarrow as pa
import pytest
from streams import CONTRACTS, DAY, START
from test_archive_and_check import VIEW
from typescript import planned, unreadable

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.features_at import features_at

USE_CASE = {"contracts": CONTRACTS}
T = START // DAY * DAY + 20 * DAY


def made(name: str, event_time: int, available_at: int, kind: str = "purchase", **properties: Any) -> dict[str, Any]:
    base = {
        "event_id": name,
        "entity_id": "A",
        "event_type": kind,
        "event_time": event_time,
        "available_at": available_at,
    }
    return base | {"shard_id": "s", "sequence_number": str(available_at - START), "properties": json.dumps(properties)}


def test_every_event_before_t_says_why_it_counts_or_not() -> None:
    rows = [
        made("old", T - 10 * DAY, T - 10 * DAY, amount=4, store="x"),
        made("in", T - DAY, T - DAY, amount=2, loyal=True),
        made("in", T - DAY, T - DAY + 5, amount=2, loyal=True),
        made("edge", T - 7 * DAY, T - 7 * DAY),
        made("late", T - 5, T + 5, amount=100),
        made("refunded", T - 2 * DAY, T - 2 * DAY, amount=9),
        made("refund", T - DAY, T - DAY + 1, "refund", purchase_id="refunded"),
        made("at", T, T),
    ]
    events = pa.Table.from_pylist(rows, EVENT_SCHEMA)
    found = features_at(USE_CASE, planned(VIEW), events, "A", T, T)
    about = {"entity_id": "A", "t": T, "known_before": T, "snapshot_id": "1", "view": "v@1", "refused": []}
    assert unreadable("featuresAt", about | found) == []
    assert [(e["event_id"], e["status"], e["features"]) for e in found["events"]] == [
        ("late", "not_known_yet", ["n", "mean"]),
        ("in", "duplicate", ["n", "mean", "loyal"]),
        ("refund", "outside", []),
        ("in", "counted", ["n", "mean", "loyal"]),
        ("refunded", "cancelled", ["n", "mean"]),
        ("edge", "counted", ["n"]),
        ("old", "counted", ["mean", "store"]),
    ]
    values = {f["name"]: (f["value"], f["latest"]) for f in found["features"]}
    assert values["store"] == ("x", "x")
    assert values["n"][1] == values["n"][0] + 1, "the late event is known by now"
    everything = features_at(USE_CASE, planned(VIEW), events, "A", T, None)
    assert [e["status"] for e in everything["events"]].count("not_known_yet") == 0
    assert all(f["value"] == f["latest"] for f in everything["features"])


def test_each_window_of_a_series_counts_its_own_events() -> None:
    series = [VIEW["features"][0] | {"name": f"n{place}", "offset_ms": place * 7 * DAY} for place in range(2)]
    rows = [made("this", T - 7 * DAY, T - 7 * DAY), made("last", T - 7 * DAY - 1, T), made("older", T - 15 * DAY, T)]
    events = pa.Table.from_pylist(rows, EVENT_SCHEMA)
    found = features_at(USE_CASE, planned(VIEW | {"features": series}), events, "A", T, None)
    assert [(e["event_id"], e["features"]) for e in found["events"]] == [
        ("this", ["n0"]),
        ("last", ["n1"]),
        ("older", []),
    ]
    assert [f["value"] for f in found["features"]] == [1, 1]


def test_a_retraction_of_what_the_view_does_not_read_is_told_too() -> None:
    visits = planned(VIEW | {"features": [VIEW["features"][0] | {"event_type": "visit"}]})
    rows = [made("refunded", T - 2, T - 2), made("refund", T - 1, T - 1, "refund", purchase_id="refunded")]
    events = pa.Table.from_pylist(rows, EVENT_SCHEMA)
    assert [e["status"] for e in features_at(USE_CASE, visits, events, "A", T, T)["events"]] == ["outside", "cancelled"]


def test_an_entity_without_events_has_values_all_the_same() -> None:
    found = features_at(USE_CASE, planned(VIEW), EVENT_SCHEMA.empty_table(), "A", T, T)
    assert found["events"] == []
    assert {f["name"]: f["value"] for f in found["features"]} == {"n": 0, "mean": None, "store": None, "loyal": None}


@pytest.mark.parametrize(
    ("raw", "event_id"),
    [
        (b'{"event_id":"e1"}', "e1"),
        (b'{"event_id":7}', None),
        (b'{"event_id":', None),
        (b"[]", None),
        (b"\xff", None),
        (b"", None),
        (b'{"event_id":"e1","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        (b'{"event_id":"e1","n":' + b"9" * 100_000 + b"}", "e1"),
    ],
    ids=lambda value: None if value is None else str(value)[:24],
)
def test_what_a_refused_record_calls_itself(raw: bytes, event_id: str | None) -> None:
    assert job._id_of(base64.b64encode(raw).decode()) == event_id
