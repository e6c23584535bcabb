"""Where a new view version cuts over in each shard of the stream: behind what its backfill brings.

See docs/adr/0008-versions-and-the-join.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from tidemark_spark import aws
from tidemark_spark.engine.values.positions import HISTORY_SHARD
from tidemark_spark.lake.archive.reach import read_reach
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.cutovers import (
    COMPACT_FIRST,
    ArchiveBehindError,
    CutoverItem,
    RetiredError,
    has_other_versions,
    newest_watermarks,
)
from tidemark_spark.online.table import delete_states

_PROGRESS_SECONDS = 30
_ARCHIVED_WITHIN_MS = 15 * 60_000
"""Longer than the archiver gathers a batch, and a compaction that is under way."""
_ARCHIVER_SECONDS = 2


@dataclass(frozen=True)
class Online:
    """Where a view is kept up: names of the features table, of the stream, and of the lake with its archive."""

    table: str
    stream: str
    bucket: str
    cutover_after_ms: int
    """As the processor has it: longer than functions of former code live on, and than clocks are apart."""


def settle_positions(
    spark: SparkSession,
    tables: Tables,
    online: Online,
    view: str,
    compact: Callable[[], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Shard → the first sequence number that is the stream's for this view version; what lies before is the backfill's.

    Registers shards where nothing came since the version was deployed, once no function of former code runs that would
    read on there without it. Afterwards `events` holds all that lies before the positions: a shard cuts over with its
    first event after that wait, which no earlier compaction has seen, so `compact` merges the archive once more, as
    often as the archiver needs to bring it.

    A version that comes back after others were deployed without it begins anew: what it left has a hole.

    Raises ArchiveBehindError when the archive does not reach far enough (at once without `compact`, else after a time).
    """
    cutover = CutoverItem(online.table, view)
    first = not has_other_versions(online.table, view)
    after_ms = 0 if first else online.cutover_after_ms
    deadline = None
    while True:
        try:
            if begin_anew(online, cutover, sleep):
                first, after_ms = False, online.cutover_after_ms
            _wait_until(cutover.announce(_now() + after_ms) + after_ms, sleep)
            deadline = deadline or _now() + _ARCHIVED_WITHIN_MS
            return _settled(spark, tables, online, cutover, first)
        except RetiredError:
            # By a function of former code that was still about.
            if deadline is not None and _now() > deadline:
                raise
            sleep(_ARCHIVER_SECONDS)
            continue
        except ArchiveBehindError as behind:
            if compact is None or deadline is None or _now() > deadline:
                raise
            print(f"backfill: merges the archive first: {behind}")
        sleep(_ARCHIVER_SECONDS)
        compact()
        tables.refresh(spark, "archive_files", "events")


def begin_anew(online: Online, cutover: CutoverItem, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Deletes the states of a version that was retired, and lets it cut over anew; returns whether it was retired.

    Waits until no function can write such a state any more: as long as an answer of the processor holds, and a call
    of it. May break off: what is deleted stays so.
    """
    retired_at = cutover.retired_at()
    if retired_at is None:
        return False
    _wait_until(retired_at + 2 * online.cutover_after_ms, sleep)
    deleted = delete_states(online.table, cutover.view)
    print(f"backfill: {cutover.view} comes back; {deleted} states that it left are deleted")
    cutover.begin_anew(retired_at)
    return True


def _settled(spark: SparkSession, tables: Tables, online: Online, cutover: CutoverItem, first: bool) -> dict[str, str]:
    reach = read_reach(spark, tables)
    cutover.require_kept()
    positions = cutover.positions()
    # What former code has read behind the archive would be nobody's.
    for shard, watermark in {} if first else sorted(newest_watermarks(online.table, cutover.view).items()):
        if shard not in positions and int(watermark) > int(reach.ends.get(shard, -1)):
            raise ArchiveBehindError(
                f"{shard}: a state of another version holds events that are not archived. {COMPACT_FIRST}"
            )
    # A shard that begins later has no record from before the cutover, so the processor cuts it over.
    listed = set(_shards(online.stream))
    for shard in sorted((listed | cutover.left()) - positions.keys()):
        cutover.register(shard, reach.ends.get(shard))
    positions = cutover.positions()
    # Of a shard that ended longer ago than the stream keeps nothing can come any more: no function has to know.
    positions |= {shard: str(int(end) + 1) for shard, end in reach.ends.items() if shard not in positions}
    for shard, position in sorted(positions.items()):
        if int(reach.ends.get(shard, -1)) < int(position) - 1:
            raise ArchiveBehindError(
                f"{shard}: found archived events up to {reach.ends.get(shard, 'nowhere')}; needed: up to {position},"
                f" where this version cut over. {COMPACT_FIRST}"
            )
    gap = reach.gap(online.bucket, positions)
    if gap is not None:
        raise ArchiveBehindError(
            f"{gap}: the archiver gave up events that lie before {positions[gap]}. Put them back with `npx tidemark"
            " redrive --since <time>`."
        )
    hole = reach.unmerged(online.bucket, positions)
    if hole is not None:
        raise ArchiveBehindError(f"{hole}: an archived object is not merged. {COMPACT_FIRST}")
    return positions


def before(positions: dict[str, str]) -> Column:
    """Rows of `events` that are the backfill's: history, and what lies before the positions."""
    history = F.col("shard_id") == HISTORY_SHARD
    if not positions:
        return history
    # Sequence numbers may have a fixed width, and positions that were counted on from them have none.
    pairs = [F.lit(text) for shard, position in positions.items() for text in (shard, str(int(position)))]
    cutover = F.element_at(F.create_map(*pairs), F.col("shard_id"))
    number = F.regexp_replace("sequence_number", "^0+(?=.)", "")
    shorter = F.length(number) - F.length(cutover)
    earlier = (shorter < 0) | ((shorter == 0) & (number < cutover))
    # A shard without a position began after they were settled.
    return history | F.coalesce(earlier, F.lit(False))


def watermarks_before(positions: dict[str, str]) -> dict[str, str]:
    """Shard → the watermark of a state of all that lies before its position; a shard with nothing before has none."""
    return {shard: str(int(position) - 1) for shard, position in positions.items() if int(position) > 0}


def _now() -> int:
    return int(time.time() * 1000)


def _wait_until(at: int, sleep: Callable[[float], None]) -> None:
    while (left := at - _now()) > 0:
        print(f"backfill: waits {left // 1000} s until no function of former code runs")
        sleep(min(left / 1000, _PROGRESS_SECONDS))


def _shards(stream: str) -> Iterator[str]:
    """boto3's paginator names the stream on every page, which Kinesis refuses together with a token."""
    client = aws.client("kinesis")
    page = client.list_shards(StreamName=stream)
    while True:
        yield from (shard["ShardId"] for shard in page["Shards"])
        if "NextToken" not in page:
            return
        page = client.list_shards(NextToken=page["NextToken"])
