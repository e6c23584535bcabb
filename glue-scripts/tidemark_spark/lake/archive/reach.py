"""How far the archive in `events` reaches into each shard of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from pyspark.sql import SparkSession

from tidemark_spark.engine.values.positions import highest
from tidemark_spark.lake.archive.gaps import read_gaps
from tidemark_spark.lake.archive.window import KEEP_DAYS, back, newest_day
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables
from tidemark_spark.names import NDJSON, PREFIX


@dataclass(frozen=True)
class ArchiveReach:
    """Objects of the archive that were merged into `events`. One lane of the archiver reads a shard from its beginning
    and writes an object for each batch, also where all of it was refused: nothing lies between two objects, but what
    the archiver gave up (gaps.py)."""

    keys: frozenset[str]
    ends: dict[str, str]
    """Shard → the last sequence number of its objects."""
    since: str | None = None
    """The first day that may hold objects that are not merged; None: any."""

    def unmerged(self, bucket: str, positions: dict[str, str]) -> str | None:
        """A shard with an object that lies before its position and was not merged.

        A listing is no snapshot: a compaction may have seen a later object and not one before it.
        """
        for shard, first in self._waiting(bucket):
            if shard in positions and first < int(positions[shard]):
                return shard
        return None

    def gap(self, bucket: str, positions: dict[str, str]) -> str | None:
        """A shard of which the archiver gave something up before its position, which nobody has put back."""
        for gap in read_gaps(bucket):
            if gap.shard in positions and gap.first < int(positions[gap.shard]):
                return gap.shard
        return None

    def complete(self, bucket: str) -> dict[str, str]:
        """Shard → the highest sequence number up to which nothing is missing: no object waits to be merged, and the
        archiver gave nothing up that was not put back."""
        ends = {shard: int(end) for shard, end in self.ends.items()}
        gaps = ((gap.shard, gap.first) for gap in read_gaps(bucket))
        for shard, first in chain(self._waiting(bucket), gaps):
            if shard in ends:
                ends[shard] = min(ends[shard], first - 1)
        return {shard: str(end) for shard, end in ends.items() if end >= 0}

    def _waiting(self, bucket: str) -> Iterator[tuple[str, int]]:
        """Shard and first sequence number of each object that was not merged."""
        for found in list_objects(bucket, PREFIX["events"], NDJSON, self.since):
            if found.key not in self.keys:
                shard, first, _ = places_of(found.key)
                yield shard, int(first)


def read_reach(spark: SparkSession, tables: Tables) -> ArchiveReach:
    """What compaction remembers. A snapshot of `events` that is taken afterwards holds all of it."""
    if not tables.exists(spark, "archive_files"):
        return ArchiveReach(frozenset(), {})
    merged = spark.table(tables.name("archive_files")).where("kind = 'events'").select("key")
    newest = newest_day(merged)
    since = None if newest is None else back(newest, KEEP_DAYS)
    keys = frozenset(row["key"] for row in merged.collect())
    return ArchiveReach(keys, highest({shard: last} for shard, _, last in map(places_of, keys)), since)


def places_of(key: str) -> tuple[str, str, str]:
    """Shard, first and last sequence number of archive/events/dt=…/<shard>/<first>-<last>.ndjson.gz."""
    _, shard, name = key.rsplit("/", 2)
    first, last = name.removesuffix(NDJSON).split("-")
    return shard, first, last
