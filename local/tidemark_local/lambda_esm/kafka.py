"""A topic of Kafka as the mapping engine reads it: a member of a consumer group, its partitions as the engine's shards.

The event has the shape of "Using Lambda with Amazon MSK"
(https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html): records by topic and partition, key and value in base64,
headers as lists of bytes. A partial failure names topic-partition and offset
(https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html). The invocation record is that of
"Capturing discarded batches" (https://docs.aws.amazon.com/lambda/latest/dg/kafka-on-failure.html).

One thread owns the consumer, which may not be used by two; the engine reads what it has fetched. Offsets are committed
once the function has handled what is before them, so what a lost partition had in flight is delivered again.
"""

import base64
import json
import logging
import os
import threading
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from .lane import Record
from .sources import iso
from .stream import Position, Shard

MSK_BOOTSTRAP = "TIDEMARK_LOCAL_MSK_BOOTSTRAP"
_AHEAD = 2000  # records of a partition that are fetched and not yet read
_POLL_MS = 100
_DIGITS = 20  # offsets as texts that sort as numbers do
logger = logging.getLogger("tidemark.esm")


class KafkaSource:
    """What one mapping reads. `wake` is called when something has come."""

    batch_info, arrivals = "KafkaBatchInfo", "milliseconds"

    def __init__(self, esm: dict[str, Any], wake: Callable[[], None]):
        endpoints = ((esm.get("SelfManagedEventSource") or {}).get("Endpoints") or {}).get("KAFKA_BOOTSTRAP_SERVERS")
        self._managed = not endpoints
        self.arn = esm.get("EventSourceArn") or ""
        self.account, self.region = esm["FunctionArn"].split(":")[4], esm["FunctionArn"].split(":")[3]
        # The clusters of MSK are not here: all of them are the one that the environment names.
        self._servers = list(endpoints or filter(None, os.environ.get(MSK_BOOTSTRAP, "").split(",")))
        self._topic: str = esm["Topics"][0]
        config = esm.get("AmazonManagedKafkaEventSourceConfig") or esm.get("SelfManagedKafkaEventSourceConfig") or {}
        self._group: str = config.get("ConsumerGroupId") or esm["UUID"]
        self._starting, self._timestamp = esm["StartingPosition"], esm.get("StartingPositionTimestamp")
        self._wake = wake
        self._lock = threading.Lock()
        self._fetched: dict[str, list[dict[str, Any]]] = {}  # of the partitions that are assigned
        self._commits: dict[str, int] = {}
        self._committed: dict[str, int] = {}
        self._placed: set[str] = set()  # partitions of which is known where they start
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem: str | None = None

    def identity(self) -> Any:
        if not self._servers:
            self.problem = f"no broker is known for {self.arn}: start the local cloud with {MSK_BOOTSTRAP}=host:port"
            return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"kafka-{self._topic}", daemon=True)
            self._thread.start()
        return self._group

    def shards(self) -> list[Shard]:
        with self._lock:
            return [Shard(partition) for partition in self._fetched]

    def read(self, shard_id: str, position: Position, limit: int) -> tuple[list[dict[str, Any]], bool]:
        """What was fetched after `position`; what is up to there is forgotten, as it is never asked for again."""
        with self._lock:
            records = self._fetched.get(shard_id, [])
            if position.kind == "AFTER":
                del records[: bisect_right(records, str(position.value), key=self.sequence)]
            return records[:limit], limit >= len(records)

    def sequence(self, raw: dict[str, Any]) -> str:
        return _sequence(raw["offset"])

    def event(self, shard_id: str, raw: dict[str, Any], role_arn: str) -> dict[str, Any]:
        return raw

    def record(self, event: dict[str, Any]) -> Record:
        size = len(json.dumps(event, separators=(",", ":")))
        return Record(event.get("key") or "", self.sequence(event), event["timestamp"] / 1000, size, event)

    def payload(self, records: list[Record]) -> dict[str, Any]:
        """The event of a batch."""
        by_partition: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            by_partition.setdefault(_name(record.event["topic"], record.event["partition"]), []).append(record.event)
        about = {"eventSource": "aws:kafka", "eventSourceArn": self.arn} if self._managed else {}
        return {
            **(about or {"eventSource": "SelfManagedKafka"}),
            "bootstrapServers": ",".join(self._servers),
            "records": by_partition,
        }

    def response(self, body: Any) -> Any:
        """The function's answer with its identifiers as sequences of the engine; one that names none of the batch's
        records fails the whole batch."""
        failures = body.get("batchItemFailures") if isinstance(body, dict) else None
        if not isinstance(failures, list):
            return body
        return {"batchItemFailures": [{"itemIdentifier": _identified(item)} for item in failures]}

    def discarded(self, shard_id: str, records: list[Record]) -> dict[str, Any]:
        """What an invocation record says of the batch."""
        first, last = records[0], records[-1]
        return {
            "batchSize": len(records),
            **({"eventSourceArn": self.arn} if self._managed else {}),
            "bootstrapServers": ",".join(self._servers),
            "payloadSize": sum(record.size for record in records),
            "recordInfo": {
                shard_id: {
                    "firstRecordOffset": str(first.event["offset"]),
                    "lastRecordOffset": str(last.event["offset"]),
                    "firstRecordTimestamp": iso(first.arrival),
                    "lastRecordTimestamp": iso(last.arrival),
                }
            },
        }

    def commit(self, done: dict[str, Position]) -> None:
        """Everything before these positions, or up to them, was handled or given up."""
        with self._lock:
            for partition, position in done.items():
                if partition in self._fetched and position.value is not None:
                    self._commits[partition] = int(position.value) + (1 if position.kind == "AFTER" else 0)

    def probe(self, session: Any) -> None:
        """The brokers know nothing of roles; whether a role may use the network of a VPC is not asked here."""

    def close(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._consume()
            except Exception as error:
                self.problem = f"{type(error).__name__}: {error}"
                logger.exception("the topic %s can't be read", self._topic)
                self._stopped.wait(1.0)

    def _consume(self) -> None:
        from kafka import KafkaConsumer  # only who reads Kafka needs it

        consumer: Any = KafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="latest" if self._starting == "LATEST" else "earliest",
            max_poll_records=500,
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
        )
        try:
            consumer.subscribe([self._topic], listener=_listener(self))
            while not self._stopped.is_set():
                self._send_commits(consumer)
                self._hold_back(consumer)
                if self._take(self._start_at_time(consumer, consumer.poll(timeout_ms=_POLL_MS))):
                    self._wake()
            self._send_commits(consumer)
        finally:
            self.revoked([*self._fetched])
            consumer.close()

    def _take(self, found: dict[Any, list[Any]]) -> bool:
        with self._lock:
            for partition, records in found.items():
                self._fetched.setdefault(_name(*partition), []).extend(map(_event, records))
        return bool(found)

    def _hold_back(self, consumer: Any) -> None:
        """Fetches no more of a partition than the function can follow."""
        for partition in consumer.assignment():
            many = len(self._fetched.get(_name(*partition), [])) >= _AHEAD
            if many != (partition in consumer.paused()):
                (consumer.pause if many else consumer.resume)(partition)

    def _send_commits(self, consumer: Any) -> None:
        from kafka.structs import OffsetAndMetadata, TopicPartition

        with self._lock:
            due = {name: offset for name, offset in self._commits.items() if self._committed.get(name) != offset}
            self._commits = {}
        if due:
            offsets = {TopicPartition(*_parts(name)): OffsetAndMetadata(offset, "", -1) for name, offset in due.items()}
            consumer.commit(offsets)
            self._committed |= due

    def _start_at_time(self, consumer: Any, found: dict[Any, list[Any]]) -> dict[Any, list[Any]]:
        """Puts partitions where the group has no place yet at the mapping's time; what was fetched before that does not
        count."""
        new = [part for part in consumer.assignment() if _name(*part) not in self._placed]
        self._placed |= {_name(*part) for part in new}
        new = [part for part in new if consumer.committed(part) is None]
        if self._starting != "AT_TIMESTAMP" or not new:
            return found
        at = int(float(self._timestamp or 0) * 1000)
        for part, place in consumer.offsets_for_times(dict.fromkeys(new, at)).items():
            if place is None:
                consumer.seek_to_end(part)
            else:
                consumer.seek(part, place.offset)
        return {part: records for part, records in found.items() if part not in new}

    def assigned(self, names: list[str]) -> None:
        with self._lock:
            for name in names:
                self._fetched.setdefault(name, [])
        self._wake()

    def revoked(self, names: list[str]) -> None:
        with self._lock:
            for name in names:
                self._placed.discard(name)
                for kept in (self._fetched, self._commits, self._committed):
                    kept.pop(name, None)
        self._wake()


def _listener(source: KafkaSource) -> Any:
    from kafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked: Any) -> None:
            source.revoked([_name(*partition) for partition in revoked])

        def on_partitions_assigned(self, assigned: Any) -> None:
            source.assigned([_name(*partition) for partition in assigned])

    return Listener()


def _event(record: Any) -> dict[str, Any]:
    """One record as the function gets it; a tombstone has no value."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestampType": "LOG_APPEND_TIME" if record.timestamp_type == 1 else "CREATE_TIME",
        **({} if record.key is None else {"key": base64.b64encode(record.key).decode()}),
        **({} if record.value is None else {"value": base64.b64encode(record.value).decode()}),
        # Bytes of Java have a sign.
        "headers": [
            {name: [byte - 256 if byte > 127 else byte for byte in value or b""]} for name, value in record.headers
        ],
    }


def _identified(item: Any) -> str | None:
    identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
    offset = identifier.get("offset") if isinstance(identifier, dict) else None
    return _sequence(offset) if isinstance(offset, int) else None


def _sequence(offset: int) -> str:
    return str(offset).zfill(_DIGITS)


def _name(topic: str, partition: int) -> str:
    return f"{topic}-{partition}"


def _parts(name: str) -> tuple[str, int]:
    topic, _, partition = name.rpartition("-")
    return topic, int(partition)
