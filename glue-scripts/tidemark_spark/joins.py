"""Where a new view version joins each shard of the stream: behind what its backfill brings.

See docs/adr/0008-versions-and-the-join.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import ClientError
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from . import aws
from .archive_reach import read_reach
from .events import HISTORY_SHARD
from .online_table import SEGMENTS, Item, delete_states, key_of, partition, segment_pages
from .positions import highest, positions_of
from .tables import Tables

JOIN_KEY = "#join"
FENCE_KEY = "#fence"
_JOINS_AT = "joins_at"
_RETIRED_AT = "retired_at"
_LEFT = "left#"
_DIGITS = 64
_PROGRESS_SECONDS = 30
_ARCHIVED_WITHIN_MS = 15 * 60_000
"""Longer than the archiver gathers a batch, and a compaction that is under way."""
_ARCHIVER_SECONDS = 2
_COMPACT = "Compact the archive first."
_RETIRED = "{}: functions run that do not keep this version up. Deploy it, and run the job again."


class BackfillError(RuntimeError):
    """States that could not be written; the message says why and what to do."""


class ArchiveBehindError(BackfillError):
    """What is merged of the archive does not reach yet to where the version joined the stream."""


class RetiredError(BackfillError):
    """Functions run, or ran lately, that do not keep the version up."""


@dataclass(frozen=True)
class Online:
    """Where a view is kept up: names of the features table, of the stream, and of the lake with its archive."""

    table: str
    stream: str
    bucket: str
    join_after_ms: int
    """As the processor has it: longer than functions of former code live on, and than clocks are apart."""


def is_fenced(table: str, view: str) -> bool:
    """Consistent. A fence goes down when the version is kept up no more (lambdas/aws/dynamo/retirement.ts)."""
    item = aws.client("dynamodb").get_item(TableName=table, Key=key_of(FENCE_KEY, view), ConsistentRead=True)
    return item.get("Item", {}).get("ready", {}).get("BOOL") is True


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
    read on there without it. Afterwards `events` holds all that lies before the positions: a shard joins with its first
    event after that wait, which no earlier compaction has seen, so `compact` merges the archive once more, as often as
    the archiver needs to bring it.

    A version that comes back after others were deployed without it begins anew: what it left has a hole.

    Raises ArchiveBehindError when the archive does not reach far enough (at once without `compact`, else after a time).
    """
    join = JoinItem(online.table, view)
    first = not _has_other_versions(online.table, view)
    after_ms = 0 if first else online.join_after_ms
    deadline = None
    while True:
        try:
            if begin_anew(online, join, sleep):
                first, after_ms = False, online.join_after_ms
            _wait_until(join.announce(_now() + after_ms) + after_ms, sleep)
            deadline = deadline or _now() + _ARCHIVED_WITHIN_MS
            return _settled(spark, tables, online, join, first)
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


def begin_anew(online: Online, join: JoinItem, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Deletes the states of a version that was retired, and lets it join; returns whether it was retired.

    Waits until no function can write such a state any more: as long as an answer of the processor holds, and a call
    of it. May break off: what is deleted stays so.
    """
    retired_at = join.retired_at()
    if retired_at is None:
        return False
    _wait_until(retired_at + 2 * online.join_after_ms, sleep)
    deleted = delete_states(online.table, join.view)
    print(f"backfill: {join.view} comes back; {deleted} states that it left are deleted")
    join.begin_anew(retired_at)
    return True


def _settled(spark: SparkSession, tables: Tables, online: Online, join: JoinItem, first: bool) -> dict[str, str]:
    reach = read_reach(spark, tables)
    join.require_kept()
    positions = join.positions()
    # What former code has read behind the archive would be nobody's.
    for shard, mark in {} if first else sorted(_newest_marks(online.table, join.view).items()):
        if shard not in positions and int(mark) > int(reach.ends.get(shard, -1)):
            raise ArchiveBehindError(
                f"{shard}: a state of another version holds events that are not archived. {_COMPACT}"
            )
    # A shard that begins later has no record from before the version joined, so the processor joins it.
    listed = set(_shards(online.stream))
    for shard in sorted((listed | join.left()) - positions.keys()):
        join.register(shard, reach.ends.get(shard))
    positions = join.positions()
    # Of a shard that ended longer ago than the stream keeps nothing can come any more: no function has to know.
    positions |= {shard: str(int(end) + 1) for shard, end in reach.ends.items() if shard not in positions}
    for shard, position in sorted(positions.items()):
        if int(reach.ends.get(shard, -1)) < int(position) - 1:
            raise ArchiveBehindError(
                f"{shard}: found archived events up to {reach.ends.get(shard, 'nowhere')}; needed: up to {position},"
                f" where this version joined the stream. {_COMPACT}"
            )
    gap = reach.gap(online.bucket, positions)
    if gap is not None:
        raise ArchiveBehindError(
            f"{gap}: the archiver gave up events that lie before {positions[gap]}. Put them back with `npx tidemark"
            " redrive --since <time>`."
        )
    hole = reach.unmerged(online.bucket, positions)
    if hole is not None:
        raise ArchiveBehindError(f"{hole}: an archived object is not merged. {_COMPACT}")
    return positions


class JoinItem:
    """The item about the joins of one view version, as lambdas/aws/dynamo/joins.ts writes it too."""

    def __init__(self, table: str, view: str) -> None:
        self.view = view
        self._client = aws.client("dynamodb")
        self._at = {"TableName": table, "Key": key_of(JOIN_KEY, view)}

    def announce(self, at: int) -> int:
        """When the version joins, ms UTC: `at`, unless that stands already. Raises RetiredError."""
        try:
            answer = self._client.update_item(
                **self._at,
                UpdateExpression="SET joins_at = if_not_exists(joins_at, :at)",
                ConditionExpression="attribute_not_exists(retired_at)",
                ExpressionAttributeValues={":at": {"N": str(at)}},
                ReturnValues="ALL_NEW",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise RetiredError(_RETIRED.format(self.view)) from error
        return int(answer["Attributes"][_JOINS_AT]["N"])

    def retired_at(self) -> int | None:
        """Since when functions ran that do not keep the version up, ms UTC; None: it is kept up, or never was."""
        retired_at = self._read().get(_RETIRED_AT)
        return None if retired_at is None else int(retired_at["N"])

    def require_kept(self) -> None:
        """Raises RetiredError."""
        if self.retired_at() is not None:
            raise RetiredError(_RETIRED.format(self.view))

    def begin_anew(self, retired_at: int) -> None:
        """Forgets where the version had joined, but not what functions have left to the backfill.

        Raises RetiredError when it was retired again.
        """
        gone = {name: f"#n{i}" for i, name in enumerate([*self._shards(self._read()), _JOINS_AT, _RETIRED_AT])}
        try:
            self._client.update_item(
                **self._at,
                UpdateExpression="REMOVE " + ", ".join(gone.values()),
                ConditionExpression="retired_at = :at",
                ExpressionAttributeNames={short: name for name, short in gone.items()},
                ExpressionAttributeValues={":at": {"N": str(retired_at)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise RetiredError(_RETIRED.format(self.view)) from error

    def _read(self) -> Item:
        return self._client.get_item(**self._at, ConsistentRead=True).get("Item", {})

    def _shards(self, item: Item) -> list[str]:
        others = {*self._at["Key"], _JOINS_AT, _RETIRED_AT}
        return [name for name in item if name not in others and not name.startswith(_LEFT)]

    def positions(self) -> dict[str, str]:
        """Shard → where the version joined its stream, as far as that is registered."""
        item = self._read()
        return {shard: item[shard]["S"] for shard in self._shards(item)}

    def left(self) -> set[str]:
        """Shards of which functions have left something to the backfill."""
        return {name.removeprefix(_LEFT) for name in self._read() if name.startswith(_LEFT)}

    def register(self, shard: str, end: str | None) -> None:
        """Joins a shard right behind `end`, the last that is archived of it (None: nothing), unless it has joined.

        Raises ArchiveBehindError when a function has left something behind it to the backfill meanwhile.
        """
        try:
            self._client.update_item(
                **self._at,
                UpdateExpression="SET #shard = :position",
                # One request: between a question and a write, a function could leave more.
                ConditionExpression="attribute_not_exists(#shard) AND attribute_not_exists(retired_at)"
                " AND (attribute_not_exists(#left) OR #left <= :end)",
                ExpressionAttributeNames={"#shard": shard, "#left": f"{_LEFT}{shard}"},
                ExpressionAttributeValues={
                    ":position": {"S": str(int(end or -1) + 1)},
                    ":end": {"S": (end or "0").zfill(_DIGITS)},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            self.require_kept()
            if shard not in self.positions():
                raise ArchiveBehindError(
                    f"{shard}: found archived events up to {end or 'nowhere'}, and later ones that the stream left"
                    f" to the backfill. {_COMPACT}"
                ) from error


def before(positions: dict[str, str]) -> Column:
    """Rows of `events` that are the backfill's: history, and what lies before the positions."""
    history = F.col("shard_id") == HISTORY_SHARD
    if not positions:
        return history
    # Sequence numbers may have a fixed width, and positions that were counted on from them have none.
    pairs = [F.lit(text) for shard, position in positions.items() for text in (shard, str(int(position)))]
    join = F.element_at(F.create_map(*pairs), F.col("shard_id"))
    number = F.regexp_replace("sequence_number", "^0+(?=.)", "")
    shorter = F.length(number) - F.length(join)
    earlier = (shorter < 0) | ((shorter == 0) & (number < join))
    # A shard without a position began after they were settled.
    return history | F.coalesce(earlier, F.lit(False))


def marks_before(positions: dict[str, str]) -> dict[str, str]:
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


def _newest_marks(table: str, view: str) -> dict[str, str]:
    """Shard → the highest watermark among the states of other versions of this view."""
    client = aws.client("dynamodb")

    def walk(segment: int) -> dict[str, str]:
        pages = segment_pages(
            client,
            table,
            segment,
            FilterExpression="begins_with(#view, :name) AND #view <> :view AND attribute_exists(#state)",
            ProjectionExpression="watermarks",
            ExpressionAttributeNames={"#view": "view", "#state": "state"},
            ExpressionAttributeValues={":name": {"S": _versions_of(view)}, ":view": {"S": view}},
            ConsistentRead=True,
        )
        return highest(positions_of(item["watermarks"]) for page in pages for item in page)

    with ThreadPoolExecutor(SEGMENTS) as pool:
        newest = highest(pool.map(walk, range(SEGMENTS)))
    return {shard: mark for shard, mark in newest.items() if shard != HISTORY_SHARD}


def _has_other_versions(table: str, view: str) -> bool:
    """Whether another version of the view was ever kept up: each has a fence or a join."""
    kept = (item["view"]["S"] for key in (FENCE_KEY, JOIN_KEY) for item in partition(table, key))
    return any(name != view and name.startswith(_versions_of(view)) for name in kept)


def _versions_of(view: str) -> str:
    """How the names of all versions of a view begin."""
    return f"{view.split('@')[0]}@"
