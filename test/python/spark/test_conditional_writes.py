"""A lost race, a busy table and an item that is too large are told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from streams import START

from tidemark_spark.engine.state.states import State
from tidemark_spark.online.conditional_writes import attempt, size_of
from tidemark_spark.online.states import put_state, watermarks_of
from tidemark_spark.spark.backfill import write_states

ACTIONS = [{"Put": {"TableName": "t", "Item": {"entity_id": {"S": "A"}}}}]
NONE = {"Code": "None"}
TOO_LARGE = {"Code": "ValidationError", "Message": "Item size has exceeded the maximum allowed size"}


def cancelled(*reasons: dict[str, str]) -> dict[str, Any]:
    return {"service_error_code": "TransactionCanceledException", "modeled_fields": {"CancellationReasons": [*reasons]}}


def refused(code: str, message: str = "") -> dict[str, Any]:
    return {"service_error_code": code, "service_message": message}


def outcome_of(*answers: dict[str, Any] | None) -> tuple[str, list[float]]:
    """What is said of a transaction that meets these errors one after the other (None: it succeeds), and the waits."""
    client, slept = boto3.client("dynamodb", region_name="eu-central-1"), []
    with Stubber(client) as stub:
        for answer in answers:
            if answer is None:
                stub.add_response("transact_write_items", {})
            else:
                stub.add_client_error("transact_write_items", **answer)
        outcome = attempt(lambda: client.transact_write_items(TransactItems=ACTIONS), slept.append)
        stub.assert_no_pending_responses()
    return outcome, slept


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (None, "written"),
        (cancelled({"Code": "ConditionalCheckFailed"}, NONE), "lost"),
        (cancelled({"Code": "TransactionConflict"}, NONE), "lost"),
        (cancelled(NONE, {"Code": "TransactionConflict"}), "lost"),
        (cancelled(NONE, {"Code": "ConditionalCheckFailed"}), "lost"),
        (cancelled(TOO_LARGE, NONE), "too_large"),
        (refused("ConditionalCheckFailedException"), "lost"),
        (refused("TransactionConflictException"), "lost"),
        (refused("ValidationException", "Item size has exceeded the maximum allowed size"), "too_large"),
        (refused("ValidationException", "Item size to update has exceeded the maximum allowed size"), "too_large"),
    ],
)
def test_what_came_of_a_write(answer: dict[str, Any] | None, outcome: str) -> None:
    assert outcome_of(answer) == (outcome, [])


BUSY = [cancelled({"Code": c}, NONE) for c in ("ThrottlingError", "ProvisionedThroughputExceeded")]
BUSY += [cancelled(NONE, {"Code": "ThrottlingError"})]


@pytest.mark.parametrize("busy", BUSY)
def test_a_busy_table_is_waited_for(busy: dict[str, Any]) -> None:
    outcome, slept = outcome_of(*[busy] * 11, None)
    assert (outcome, len(slept)) == ("written", 11)
    assert all(0 <= wait <= 20 for wait in slept) and len(set(slept)) == 11


@pytest.mark.parametrize(
    "error",
    [
        cancelled({"Code": "AccessDenied"}, NONE),
        cancelled({"Code": "ValidationError", "Message": "another"}, NONE),
        refused("AccessDeniedException"),
        refused("ValidationException", "another"),
    ],
)
def test_what_no_further_try_helps_is_an_error(error: dict[str, Any]) -> None:
    with pytest.raises(ClientError):
        outcome_of(error)


def test_a_table_that_stays_busy_is_an_error() -> None:
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        outcome_of(*[BUSY[0]] * 12)


def state_of(size: int) -> State:
    return State("A", bytes(size), START, START, {"s1": "9"}, None)


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """What answers the job instead of the features table, where nobody was erased."""
    client = boto3.client("dynamodb", region_name="eu-central-1")
    monkeypatch.setattr("tidemark_spark.spark.backfill.connect", lambda: client)
    monkeypatch.setattr("tidemark_spark.spark.backfill.read_tombstones", lambda _: {})
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("size", "outcome"), [(350 * 1024, "written"), (350 * 1024 + 1, "too_large")])
def test_a_state_that_fits_no_item_is_counted_and_not_sent(size: int, outcome: str, stubbed: Stubber) -> None:
    if outcome == "written":
        stubbed.add_response("put_item", {})
    assert write_states("t", "v@0", iter([state_of(size)]), {}, {}) == {outcome: 1}


def test_two_parts_that_fit_no_item_together_are_too_large(stubbed: Stubber) -> None:
    begun = {"entity_id": {"S": "A"}, "view": {"S": "v@0"}, "state": {"B": bytes(300 * 1024)}, "version": {"N": "1"}}
    begun |= {"watermarks": {"M": {"s1": {"S": "10"}}}}
    stubbed.add_client_error("put_item", service_error_code="ConditionalCheckFailedException")
    stubbed.add_response("get_item", {"Item": begun})
    assert write_states("t", "v@0", iter([state_of(300 * 1024)]), {}, {}, cutting_over=True) == {"too_large": 1}


def test_marks_of_many_shards_count_towards_the_size() -> None:
    client = boto3.client("dynamodb", region_name="eu-central-1")
    watermarks = {f"shardId-{n:012d}": {"S": "4" * 56} for n in range(5400)}
    item = {"entity_id": {"S": "A"}, "state": {"B": b"x"}, "watermarks": {"M": watermarks}}
    assert 5400 * (20 + 56) < size_of(item) < 5400 * (20 + 56 + 2)
    assert put_state(client, "t", item, 1) == "too_large"


@pytest.mark.parametrize(
    ("known", "cutovers", "watermarks"),
    [
        ({}, {}, {"s1": "9"}),
        # Of the entity's own shard the highest; it never goes back.
        ({"s1": "12"}, {"s1": "50"}, {"s1": "12"}),
        ({"s1": "8"}, {}, {"s1": "9"}),
        # Of another one only what the processor would not leave out by itself.
        ({"s2": "49"}, {"s2": "50"}, {"s1": "9"}),
        ({"s2": "50"}, {"s2": "50"}, {"s1": "9", "s2": "50"}),
        ({"s2": "100"}, {"s2": "50"}, {"s1": "9", "s2": "100"}),
        ({"s2": "49"}, {}, {"s1": "9", "s2": "49"}),
        ({f"s{n}": "7" for n in range(500)}, {f"s{n}": "8" for n in range(500)}, {"s1": "9"}),
    ],
)
def test_watermarks_that_a_new_state_carries(known: Any, cutovers: Any, watermarks: Any) -> None:
    assert watermarks_of(state_of(1), known, cutovers) == watermarks
