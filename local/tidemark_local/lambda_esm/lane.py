"""One lane of a shard: batches records of its partition keys in order, and decides what follows a failed invocation.

A pure state machine: no I/O, no clock of its own. Times are seconds since the epoch. The sentences it follows are
those of

- "How Lambda processes records from stream and queue-based event sources"
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html): batch size, window, 6 MB payload
- "Configuring partial batch response with Kinesis Data Streams and Lambda"
  (https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html)
- "Retain discarded batch records for a Kinesis Data Streams event source in Lambda"
  (https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html): retries, age, splitting
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

PAYLOAD_BYTES = 6 * 1024 * 1024
_ENVELOPE_BYTES = len('{"Records":[]}')
# Recorded: a record of 60 s at most is given up at the eighth attempt. Doubling from half a second gives that; how AWS
# waits is not said, nor how long at most.
_BACKOFF_SECONDS, _BACKOFF_LIMIT_SECONDS = 0.5, 60.0
RETRIES_EXHAUSTED, AGE_EXCEEDED = "RetryAttemptsExhausted", "RecordAgeExceeded"


@dataclass(frozen=True)
class Settings:
    """The mapping's parameters. -1 means without limit; `window` and `max_age` are in seconds."""

    batch_size: int = 100
    window: float = 0
    max_retries: int = -1
    max_age: int = -1
    bisect: bool = False
    partial: bool = False
    lanes: int = 1


@dataclass(frozen=True)
class Record:
    """A record as it will stand in the function's event. `size` is its length there in bytes, `arrival` in seconds."""

    key: str
    sequence: str
    arrival: float
    size: int
    event: dict[str, Any] = field(hash=False, compare=False)


@dataclass
class Batch:
    """Records of one lane in stream order. `failures` counts against the retry quota, `invocations` does not."""

    records: list[Record]
    failures: int = 0
    invocations: int = 0
    delays: int = 0
    not_before: float = 0.0
    last: "Outcome | None" = None


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to. `invoked` is False when the function was not reached (throttled). `error` is the
    kind of function error or None; `body` is what the function returned."""

    invoked: bool = True
    error: str | None = None
    body: Any = None
    version: str = "$LATEST"


@dataclass(frozen=True)
class Discard:
    """Records given up, with the condition an on-failure destination is told. `invocations` counts the attempt that
    found a record too old as well, so it is 1 for one that never reached the function; `last` is then None."""

    records: list[Record]
    condition: str
    invocations: int
    last: Outcome | None


def first_failure(outcome: Outcome, records: Sequence[Record], partial: bool) -> int | None:
    """Index of the first record that counts as failed, 0 for the whole batch, None for success.

    "If you return … an empty batchItemFailures list, a null list, an empty or null EventResponse": success. "An empty
    string, a null or a badly named itemIdentifier": complete failure, and so is an identifier that is not in the
    batch. Of several, Lambda takes the lowest sequence number as the checkpoint.
    """
    if outcome.error is not None:
        return 0
    if not partial or not outcome.body:
        return None
    if not isinstance(outcome.body, dict):
        return 0
    failures = outcome.body.get("batchItemFailures")
    if not failures:
        return None
    if not isinstance(failures, list):
        return 0
    index: dict[Any, int] = {record.sequence: position for position, record in enumerate(records)}
    named = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    return min(index.get(name, 0) for name in named)


def failures(outcome: Outcome, records: Sequence[Record], partial: bool) -> int:
    """How many records count as failed: those the response names, or all of them."""
    if first_failure(outcome, records, partial) is None:
        return 0
    named = outcome.body.get("batchItemFailures") if isinstance(outcome.body, dict) and outcome.error is None else None
    return len(named) if isinstance(named, list) and named else len(records)


class Lane:
    """Holds at most one batch in flight, so records of one partition key are never handled at the same time or out of
    order."""

    def __init__(self) -> None:
        self._queue: deque[Record] = deque()
        self._stack: list[Batch] = []  # batches to send again, the next one last
        self.in_flight: Batch | None = None
        self._opened: float | None = None

    def offer(self, record: Record, now: float) -> None:
        if not self._queue:
            self._opened = now
        self._queue.append(record)

    @property
    def pending(self) -> int:
        waiting = sum(len(batch.records) for batch in self._stack)
        return len(self._queue) + waiting + (len(self.in_flight.records) if self.in_flight else 0)

    def first_pending(self) -> str | None:
        """Sequence number of the oldest record that is not done."""
        if self.in_flight:
            return self.in_flight.records[0].sequence
        if self._stack:
            return self._stack[-1].records[0].sequence
        return self._queue[0].sequence if self._queue else None

    def next(self, settings: Settings, now: float, closed: bool) -> tuple[Batch | None, list[Discard]]:
        """The batch to send now, if any, which is then in flight; and what is given up for its age before that."""
        discards: list[Discard] = []
        if self.in_flight:
            return None, discards
        self._drop_aged(settings, now, discards)
        if self._stack:
            if self._stack[-1].not_before <= now:
                self.in_flight = self._stack.pop()
        elif self._queue and self._due(settings, now, closed):
            self.in_flight = Batch(self._gather(settings))
            self._opened = now if self._queue else None
        if self.in_flight:
            self.in_flight.invocations += 1
        return self.in_flight, discards

    def wake_at(self, settings: Settings, now: float) -> float | None:
        """When `next` may have something without another record or completion; None if never."""
        if self.in_flight:
            return None
        if self._stack:
            return self._stack[-1].not_before
        return self._opened + settings.window if self._queue and self._opened is not None else None

    def complete(self, settings: Settings, outcome: Outcome, now: float) -> list[Discard]:
        """Takes the outcome of the batch in flight; what is to be sent again waits its turn before everything newer."""
        batch, self.in_flight = self.in_flight, None
        assert batch is not None, "no batch is in flight"
        batch.last = outcome
        if not outcome.invoked:
            # "retries until the records expire or exceed the maximum age": throttles do not use up the quota.
            self._again(batch, now)
            return []
        failed = first_failure(outcome, batch.records, settings.partial)
        if failed is None:
            return []
        rest = batch.records[failed:]
        if failed > 0:
            # The checkpoint moved: what is left is a batch of its own, with its whole quota (recorded: with three
            # retries the record that always fails is delivered five times, and four invocations are told).
            self._stack.append(Batch(rest, not_before=now, last=outcome))
            return []
        if settings.bisect and len(rest) > 1:
            # "Splitting a batch doesn't consume the retry quota", and every part is smaller than the batch, so this
            # ends.
            middle = (len(rest) + 1) // 2
            for part in (rest[middle:], rest[:middle]):
                self._stack.append(Batch(part, batch.failures, batch.invocations, 0, now, outcome))
            return []
        batch.records = rest
        batch.failures += 1
        if 0 <= settings.max_retries < batch.failures:
            return [Discard(rest, RETRIES_EXHAUSTED, batch.invocations, outcome)]
        self._again(batch, now)
        return []

    def _again(self, batch: Batch, now: float) -> None:
        batch.not_before = now + min(_BACKOFF_SECONDS * 2**batch.delays, _BACKOFF_LIMIT_SECONDS)
        batch.delays += 1
        self._stack.append(batch)

    def _due(self, settings: Settings, now: float, closed: bool) -> bool:
        if closed or len(self._queue) >= settings.batch_size:
            return True
        if self._opened is not None and now >= self._opened + settings.window:
            return True
        return _ENVELOPE_BYTES + sum(record.size + 1 for record in self._queue) >= PAYLOAD_BYTES

    def _gather(self, settings: Settings) -> list[Record]:
        records, size = [], _ENVELOPE_BYTES
        while self._queue and len(records) < settings.batch_size:
            size += self._queue[0].size + 1
            if records and size > PAYLOAD_BYTES:
                break
            records.append(self._queue.popleft())
        return records

    def _drop_aged(self, settings: Settings, now: float, discards: list[Discard]) -> None:
        if settings.max_age < 0:
            return
        oldest = now - settings.max_age
        while self._stack:
            batch = self._stack[-1]
            aged = [record for record in batch.records if record.arrival < oldest]
            if not aged:
                return
            discards.append(Discard(aged, AGE_EXCEEDED, batch.invocations + 1, None))
            batch.records = batch.records[len(aged) :]
            if batch.records:
                return
            self._stack.pop()
        aged = []
        while self._queue and self._queue[0].arrival < oldest:
            aged.append(self._queue.popleft())
        if aged:
            discards.append(Discard(aged, AGE_EXCEEDED, 1, None))
