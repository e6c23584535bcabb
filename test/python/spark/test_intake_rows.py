"""Rows of tables as JSON bodies, their ids, and how events are put: what needs no Spark."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from tidemark_spark.engine.admission.contracts import Rejection
from tidemark_spark.engine.intake.changes import TableRows, change_of
from tidemark_spark.engine.intake.refusals import refusal_line
from tidemark_spark.engine.intake.rows import bodies
from tidemark_spark.online.event_stream import NotPutError, Record, put_all

ROWS = TableRows("shop", "public", "orders", ["id"], "at", "deleted")


@pytest.mark.parametrize(
    ("kind", "value", "body"),
    [
        (pa.int64(), 2**53 - 1, 2**53 - 1),
        (pa.int64(), 2**53, "9007199254740992"),
        (pa.int64(), -(2**63), "-9223372036854775808"),
        (pa.int32(), 7, 7),
        (pa.decimal128(10, 2), Decimal("19.90"), "19.90"),
        (pa.decimal128(38, 18), Decimal("0.000000000000000001"), "0.000000000000000001"),
        (pa.float64(), 0.5, 0.5),
        (pa.float64(), 3.0, 3),
        (pa.float64(), 29.330000000000002, "29.330000000000002"),
        (pa.float64(), float("nan"), None),
        (pa.float64(), float("inf"), None),
        (pa.bool_(), True, True),
        (pa.string(), " x ", " x "),
        (pa.binary(), b"\x00\xff", "AP8="),
        (pa.date32(), date(2024, 2, 29), "2024-02-29"),
        (pa.timestamp("us", "UTC"), datetime(2024, 5, 1, 0, 0, 1, 500_000, UTC), "2024-05-01T00:00:01.500000Z"),
        (pa.timestamp("us"), datetime(2024, 5, 1, 0, 0, 1), "2024-05-01T00:00:01"),
        (pa.list_(pa.int64()), [1, 2**60], [1, str(2**60)]),
        (pa.struct([("a", pa.decimal128(4, 1))]), {"a": Decimal("1.5")}, {"a": "1.5"}),
        (pa.map_(pa.string(), pa.int64()), [("a", 1)], {"a": 1}),
        (pa.string(), None, None),
    ],
)
def test_a_value_as_json(kind: pa.DataType, value: Any, body: Any) -> None:
    (found,) = bodies(pa.RecordBatch.from_arrays([pa.array([value], kind)], ["x"]))
    assert found == {"x": body}
    assert type(found["x"]) is type(body)


def test_an_id_is_of_the_version_of_a_row() -> None:
    def of(op: str = "r", rows: TableRows = ROWS, **row: Any) -> str:
        return change_of(rows, {"id": 1, "at": "t1", "deleted": None, "x": 1} | row, op, 5).item_id

    # However it was read, and whatever else is in it.
    assert of() == of("c") == of("u") == of(x=2)
    other = TableRows("shop", "public", "other", ["id"], "at", "deleted")
    both = [of(), of(id=2), of(at="t2"), of(id="1"), of("d"), of(rows=other)]
    assert len(set(both)) == len(both)
    assert of("d") == of(deleted="2024-01-01") == of(deleted=True)


def test_a_row_that_is_gone_is_before() -> None:
    row = {"id": 1, "at": "t1", "deleted": True}
    change = change_of(ROWS, row, "r", 5)
    assert change.kind == "orders.d"
    assert change.body == {
        "op": "d",
        "schema": "public",
        "table": "orders",
        "before": row,
        "after": None,
        "key": {"id": 1},
        "position": None,
        "time_ms": 5,
    }
    for no in (False, None, "false", 0, ""):
        assert change_of(ROWS, row | {"deleted": no}, "r", 5).body["op"] == "r"
    with pytest.raises(KeyError):
        change_of(ROWS, {"id": 1}, "r", 5)


def test_refused_bytes_have_their_place() -> None:
    line = refusal_line("shop", "table", Rejection("MISSING_ENTITY", "entity: …"), b'{"a":1}', 9)
    # As engine/intake/kept.ts counts it: BigInt of the first 30 hex digits of the sha256.
    assert line["sequence_number"] == str(int("015abd7f5cc57a2dd94b7590f04ad8", 16))
    assert (line["shard_id"], line["arrival"], line["source"]) == ("intake-shop-table", 9, "shop")


class Stream:
    """Takes what `answers` let it, call by call; everything once they are used up."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.calls, self.taken = list(answers), [], []

    def __call__(self, records: list[Record]) -> list[bool]:
        self.calls.append([r["PartitionKey"] for r in records])
        answer = self.answers.pop(0) if self.answers else [True] * len(records)
        if isinstance(answer, Exception):
            raise answer
        self.taken += [r for r, is_taken in zip(records, answer, strict=True) if is_taken]
        return answer

    def events(self) -> list[tuple[str, str]]:
        return [(r["PartitionKey"], line.decode()) for r in self.taken for line in r["Data"].split(b"\n")]


def test_an_entity_waits_for_its_earlier_record() -> None:
    big = b"x" * 700_000
    events = [("ann", b"1" + big), ("bob", b"1"), ("ann", b"2" + big), ("ann", b"3")]
    stream, waits = Stream([False, True]), []
    assert put_all(stream, events, waits.append) == 4
    assert [(who, text[0]) for who, text in stream.events()] == [("bob", "1"), ("ann", "1"), ("ann", "2"), ("ann", "3")]
    assert stream.calls == [["ann", "bob"], ["ann"], ["ann"]]
    assert waits == [1]


def test_what_an_error_leaves_open_is_sent_again() -> None:
    throttled = ClientError({"Error": {"Code": "InternalFailure"}}, "PutRecords")
    stream = Stream(throttled, throttled)
    assert put_all(stream, [("ann", b"1")], lambda _: None) == 1
    assert stream.events() == [("ann", "1")]
    with pytest.raises(NotPutError, match="none of 1 records in 12 tries"):
        put_all(Stream(*[throttled] * 12), [("ann", b"1")], lambda _: None)
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutRecords")
    with pytest.raises(ClientError):
        put_all(Stream(denied), [("ann", b"1")], lambda _: None)


def test_a_request_holds_what_kinesis_takes() -> None:
    events = [(f"e{i}", json.dumps(i).encode()) for i in range(1200)]
    stream = Stream()
    assert put_all(stream, events) == 1200
    assert [len(call) for call in stream.calls] == [500, 500, 200]
