"""Putting events on the stream from a job: nothing counts as put that the stream has not taken, and an entity's order
holds. The same rules as engine/intake/put-all.ts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidemark_spark import aws
from tidemark_spark.online.conditional_writes import pause

Event = tuple[str, bytes]
"""Whom it is about, and its JSON."""
Record = dict[str, Any]
Put = Callable[[list[Record]], list[bool]]
"""Whether the stream took each of the records. Raises what says nothing about any of them."""

# PutRecords takes 500 records and 5 MiB with their keys; a record 1 MiB with its key (Kinesis API reference).
_MAX_RECORDS, _MAX_REQUEST_BYTES, _MAX_RECORD_BYTES = 500, 5 * 1024 * 1024, 1024 * 1024
_MAX_KEY = 256
_TRIES = 12
_AT_A_TIME = 5_000


class NotPutError(RuntimeError):
    """The stream took nothing more, after all tries; the job may run again."""


def into_stream(name: str) -> Put:
    """PutRecords of the stream `name`."""
    client = aws.client("kinesis", retries={"mode": "adaptive", "max_attempts": 3})

    def put(records: list[Record]) -> list[bool]:
        answers = client.put_records(StreamName=name, Records=records)["Records"]
        return ["ErrorCode" not in answer for answer in answers]

    return put


def put_all(put: Put, events: Iterable[Event], wait: Callable[[int], None] = pause) -> int:
    """Puts all events, those of an entity in their order: a later one waits while an earlier one is tried again. What
    an error leaves open is sent again, and is the same event by its id. Returns how many.

    `wait`: before a try is repeated, by the number of tries in a row that failed wholly. Raises NotPutError.
    """
    total, left = 0, iter(events)
    while some := list(islice(left, _AT_A_TIME)):
        _put_some(put, some, wait)
        total += len(some)
    return total


def _put_some(put: Put, events: list[Event], wait: Callable[[int], None]) -> None:
    lanes, failures = _lanes(events), 0
    while lanes:
        taken, failed = 0, 0
        for request in _requests(lanes):
            for lane, is_taken in zip(request, _answers(put, [lane[0] for lane in request]), strict=True):
                if is_taken:
                    lane.pop(0)
                taken, failed = taken + is_taken, failed + (not is_taken)
        lanes = [lane for lane in lanes if lane]
        if failed == 0:
            failures = 0
            continue
        failures = 1 if taken else failures + 1
        if failures == _TRIES:
            records = sum(len(lane) for lane in lanes)
            raise NotPutError(f"the stream took none of {records} records in {_TRIES} tries. Run the job again.")
        wait(failures)


def _answers(put: Put, records: list[Record]) -> list[bool]:
    try:
        return put(records)
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"].startswith(_HOPELESS):
            raise
        return [False] * len(records)


_HOPELESS = ("AccessDenied", "ResourceNotFound", "Validation", "InvalidArgument", "UnrecognizedClient", "KMSAccess")


def _lanes(events: list[Event]) -> list[list[Record]]:
    """An entity's records in their order, as many events each as fit: readers take a record of several for that."""
    by_entity: dict[str, list[bytes]] = {}
    for entity_id, data in events:
        by_entity.setdefault(entity_id, []).append(data)
    return [_records(entity_id, own) for entity_id, own in by_entity.items()]


def _records(entity_id: str, own: list[bytes]) -> list[Record]:
    key = entity_id if len(entity_id) <= _MAX_KEY else sha256(entity_id.encode()).hexdigest()
    most = _MAX_RECORD_BYTES - len(key.encode())
    found: list[list[bytes]] = [[]]
    size = 0
    for data in own:
        if found[-1] and size + len(data) + 1 > most:
            found.append([])
            size = 0
        found[-1].append(data)
        size += len(data) + 1
    return [{"PartitionKey": key, "Data": b"\n".join(lines)} for lines in found]


def _requests(lanes: list[list[Record]]) -> Iterator[list[list[Record]]]:
    request: list[list[Record]] = []
    size = 0
    for lane in lanes:
        own = len(lane[0]["Data"]) + len(lane[0]["PartitionKey"].encode())
        if request and (len(request) == _MAX_RECORDS or size + own > _MAX_REQUEST_BYTES):
            yield request
            request, size = [], 0
        request.append(lane)
        size += own
    if request:
        yield request
