"""Writes to the features table under a condition: what came of one, told apart from a table that is busy."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Literal

from botocore.exceptions import ClientError

from tidemark_spark.names import LIMIT

Outcome = Literal["written", "lost", "too_large"]
"""`lost`: somebody else wrote since the item was read. `too_large`: no item can hold it."""

MAX_ITEM_BYTES = LIMIT["item_bytes"]

_TRIES = 12
_BASE_SECONDS, _CAP_SECONDS = 0.05, 20.0
_LOST = {"ConditionalCheckFailed", "TransactionConflict"}
_BUSY = {"ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "Throttling"}
_SIZE = "has exceeded the maximum allowed size"


def attempt(write: Callable[[], Any], sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Runs one conditional write; where DynamoDB throttles a transaction, which the SDK does not try again, waits.

    Raises botocore's ClientError when it was anything else, and when the throttling does not end.
    """
    for tried in range(_TRIES):
        try:
            write()
        except ClientError as error:
            outcome = _outcome_of(error)
            if outcome is not None:
                return outcome
            if tried + 1 == _TRIES:
                raise
            pause(tried, sleep)
        else:
            return "written"
    raise AssertionError("unreachable")


def pause(tried: int, sleep: Callable[[float], None] = time.sleep) -> None:
    """Exponential backoff with full jitter (Brooker, AWS Architecture Blog, 2015). `tried`: from 0."""
    sleep(random.uniform(0, min(_CAP_SECONDS, _BASE_SECONDS * 2**tried)))


def _outcome_of(error: ClientError) -> Outcome | None:
    """None when it may be tried again. Raises the error when trying again would not help."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code in ("ConditionalCheckFailedException", "TransactionConflictException"):
        return "lost"
    if code == "ValidationException" and _SIZE in message:
        return "too_large"
    if code != "TransactionCanceledException":
        raise error
    reasons = error.response.get("CancellationReasons", [])
    codes = [reason.get("Code", "None") for reason in reasons]
    if any(reason.get("Code") == "ValidationError" and _SIZE in reason.get("Message", "") for reason in reasons):
        return "too_large"
    if _LOST & set(codes):
        return "lost"
    if _BUSY & set(codes):
        return None
    raise error


def size_of(item: dict[str, Any]) -> int:
    """Bytes that DynamoDB counts for an item (developer guide, "item sizes and formats"), never fewer."""
    return sum(len(name.encode()) + _size_of_value(value) for name, value in item.items())


def _size_of_value(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "B":
        return len(value)
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size_of_value(one) for name, one in value.items())
    return 1
