"""How far the archive in `events` reaches into each shard of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyspark.sql import SparkSession

from .lake import ARCHIVED_EVENTS, NDJSON, list_objects
from .positions import highest
from .tables import Tables


@dataclass(frozen=True)
class ArchiveReach:
    """Objects of the archive that were merged into `events`. One lane of the archiver reads a shard from its beginning
    and writes an object for each batch, also where all of it was refused: nothing lies between two objects."""

    keys: frozenset[str]
    ends: dict[str, str]
    """Shard → the last sequence number of its objects."""

    def unmerged(self, bucket: str, positions: dict[str, str]) -> str | None:
        """A shard with an object that lies before its position and was not merged.

        A listing is no snapshot: a compaction may have seen a later object and not one before it.
        """
        for shard, first in self._waiting(bucket):
            if shard in positions and first < int(positions[shard]):
                return shard
        return None

    def complete(self, bucket: str) -> dict[str, str]:
        """Shard → the highest sequence number up to which nothing that is archived waits to be merged."""
        ends = {shard: int(end) for shard, end in self.ends.items()}
        for shard, first in self._waiting(bucket):
            if shard in ends:
                ends[shard] = min(ends[shard], first - 1)
        return {shard: str(end) for shard, end in ends.items() if end >= 0}

    def _waiting(self, bucket: str) -> Iterator[tuple[str, int]]:
        """Shard and first sequence number of each object that was not merged."""
        for found in list_objects(bucket, ARCHIVED_EVENTS, NDJSON):
            if found.key not in self.keys:
                shard, first, _ = places_of(found.key)
                yield shard, int(first)


def read_reach(spark: SparkSession, tables: Tables) -> ArchiveReach:
    """What compaction remembers. A snapshot of `events` that is taken afterwards holds all of it."""
    if not tables.exists(spark, "archive_files"):
        return ArchiveReach(frozenset(), {})
    rows = spark.table(tables.name("archive_files")).where("kind = 'events'").select("key").collect()
    ends = highest({shard: last} for shard, _, last in (places_of(row["key"]) for row in rows))
    return ArchiveReach(frozenset(row["key"] for row in rows), ends)


def places_of(key: str) -> tuple[str, str, str]:
    """Shard, first and last sequence number of archive/events/dt=…/<shard>/<first>-<last>.ndjson.gz."""
    _, shard, name = key.rsplit("/", 2)
    first, last = name.removesuffix(NDJSON).split("-")
    return shard, first, last
