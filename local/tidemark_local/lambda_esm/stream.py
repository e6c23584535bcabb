"""All shards of a stream as one mapping sees them: where each is read, and a child only after its parents are done.

A pure state machine over lane.Lane. "Lambda processes records in each shard in order" and, after a reshard, "you must
process all records of the parent shards first" ("Resharding, scaling, and parallel processing",
https://docs.aws.amazon.com/streams/latest/dev/kinesis-record-processor-scaling.html). Starting positions follow
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html.
"""

import zlib
from dataclasses import dataclass, field

from .lane import Batch, Discard, Lane, Outcome, Record, Settings

_READ_AHEAD = 1000


@dataclass(frozen=True)
class Position:
    """Where reading goes on. `kind` is TRIM_HORIZON, AT or AFTER (a sequence number), or AT_TIMESTAMP (`value` in
    seconds)."""

    kind: str
    value: str | float | None = None


TRIM_HORIZON = Position("TRIM_HORIZON")


@dataclass(frozen=True)
class Shard:
    """`closed` shards get no more records; `newest` is the sequence number of the last one, or None when the shard is
    empty."""

    id: str
    parents: tuple[str, ...] = ()
    closed: bool = False
    newest: str | None = None


@dataclass
class Invocation:
    shard: str
    lane: int
    batch: Batch


@dataclass
class _Reader:
    position: Position
    lanes: list[Lane]
    closed: bool = False
    at_end: bool = False
    done: bool = False
    discards: list[Discard] = field(default_factory=list)

    def pending(self) -> int:
        return sum(lane.pending for lane in self.lanes)


class StreamProcessor:
    """Decides for one mapping. Its user reads the shards, invokes the function, and tells what came of both."""

    def __init__(self, settings: Settings, starting: str, timestamp: float | None, shards: list[Shard]):
        """`starting` applies to the shards that exist now; one born later is read from its beginning.

        Raises ValueError for a starting position Lambda does not know.
        """
        if starting not in ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"):
            raise ValueError(f"StartingPosition is {starting}: use TRIM_HORIZON, LATEST or AT_TIMESTAMP")
        self.settings = settings
        self._wanted: Settings | None = None
        self._shards: dict[str, Shard] = {}
        self._readers: dict[str, _Reader] = {}
        self._start: dict[str, Position] = {}
        for shard in shards:
            if starting == "LATEST":
                self._start[shard.id] = Position("AFTER", shard.newest) if shard.newest else TRIM_HORIZON
            elif starting == "AT_TIMESTAMP":
                self._start[shard.id] = Position("AT_TIMESTAMP", timestamp)
        self.update_shards(shards)

    def update_shards(self, shards: list[Shard]) -> None:
        """Takes the stream's present shards; those whose parents are done begin to be read."""
        self._shards = {shard.id: shard for shard in shards}
        for shard in shards:
            reader = self._readers.get(shard.id)
            if reader is not None:
                reader.closed = shard.closed
            elif all(self._finished(parent) for parent in shard.parents):
                self._readers[shard.id] = _Reader(
                    self._start.get(shard.id, TRIM_HORIZON), self._new_lanes(), shard.closed
                )
        for gone in [shard_id for shard_id in self._readers if shard_id not in self._shards]:
            if not any(lane.in_flight for lane in self._readers[gone].lanes):
                del self._readers[gone]

    def update_settings(self, settings: Settings) -> None:
        """New settings hold for the next batch. Another number of lanes waits until nothing is in flight, then reads
        on from the oldest record that is not done, so some may be delivered again, as after any change of a mapping."""
        if settings.lanes == self.settings.lanes:
            self.settings, self._wanted = settings, None
        else:
            self._wanted = settings
        self._apply_wanted()

    def wants(self) -> list[tuple[str, Position, int]]:
        """(shard, position, how many records) to read now."""
        if self._wanted:
            return []
        limit = max(_READ_AHEAD, 2 * self.settings.batch_size * self.settings.lanes)
        found = []
        for shard_id, reader in self._readers.items():
            room = limit - reader.pending()
            if not reader.done and room > 0:
                found.append((shard_id, reader.position, room))
        return found

    def offer(self, shard_id: str, records: list[Record], read_to: str | None, at_end: bool, now: float) -> None:
        """`records` passed the filters; `read_to` is the last sequence number read, filtered or not (None: nothing
        was read). `at_end` tells that nothing newer was there; for a closed shard nothing will be."""
        reader = self._readers[shard_id]
        for record in records:
            reader.lanes[zlib.crc32(record.key.encode()) % len(reader.lanes)].offer(record, now)
        if read_to is not None:
            reader.position = Position("AFTER", read_to)
        reader.at_end = at_end
        self._settle(shard_id)

    def next(self, now: float) -> tuple[list[Invocation], list[tuple[str, Discard]]]:
        """Batches to send now, which then count as in flight, and (shard, records given up)."""
        invocations: list[Invocation] = []
        discards: list[tuple[str, Discard]] = []
        if self._wanted:
            return invocations, discards
        for shard_id, reader in self._readers.items():
            for index, lane in enumerate(reader.lanes):
                batch, dropped = lane.next(self.settings, now, reader.closed and reader.at_end)
                discards += [(shard_id, discard) for discard in dropped]
                if batch:
                    invocations.append(Invocation(shard_id, index, batch))
            if discards:
                self._settle(shard_id)
        return invocations, discards

    def complete(self, invocation: Invocation, outcome: Outcome, now: float) -> list[tuple[str, Discard]]:
        reader = self._readers[invocation.shard]
        discards = reader.lanes[invocation.lane].complete(self.settings, outcome, now)
        self._settle(invocation.shard)
        self._apply_wanted()
        return [(invocation.shard, discard) for discard in discards]

    def wake_at(self, now: float) -> float | None:
        """When `next` may have something though nothing else happens."""
        times = [lane.wake_at(self.settings, now) for reader in self._readers.values() for lane in reader.lanes]
        return min((time for time in times if time is not None), default=None)

    def done(self) -> dict[str, Position]:
        """By shard, where a reader would have to go on that knows nothing of what is pending here."""
        found = {}
        for shard_id, reader in self._readers.items():
            pending = [first for lane in reader.lanes if (first := lane.first_pending()) is not None]
            found[shard_id] = Position("AT", min(pending)) if pending else reader.position
        return found

    @property
    def idle(self) -> bool:
        return all(reader.pending() == 0 for reader in self._readers.values())

    def _finished(self, shard_id: str) -> bool:
        if shard_id not in self._shards:
            return True  # expired, or never known
        reader = self._readers.get(shard_id)
        return reader is not None and reader.done

    def _settle(self, shard_id: str) -> None:
        reader = self._readers[shard_id]
        if reader.closed and reader.at_end and reader.pending() == 0 and not reader.done:
            reader.done = True
            self.update_shards(list(self._shards.values()))

    def _new_lanes(self) -> list[Lane]:
        return [Lane() for _ in range(max(1, self.settings.lanes))]

    def _apply_wanted(self) -> None:
        if self._wanted is None or any(lane.in_flight for reader in self._readers.values() for lane in reader.lanes):
            return
        self.settings, self._wanted = self._wanted, None
        for reader in self._readers.values():
            pending = [first for lane in reader.lanes if (first := lane.first_pending()) is not None]
            if pending:
                reader.position, reader.at_end = Position("AT", min(pending)), False
            reader.lanes = self._new_lanes()
