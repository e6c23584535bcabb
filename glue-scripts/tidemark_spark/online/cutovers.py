"""What the features table says of a view version beside its states: from where on it applies each shard, and its fence.

See docs/adr/0008-versions-and-the-join.md.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from tidemark_spark import aws
from tidemark_spark.engine.values.positions import HISTORY_SHARD, highest, positions_of
from tidemark_spark.names import CUTOVER, ITEM
from tidemark_spark.online.conditional_writes import attempt, pause
from tidemark_spark.online.table import SEGMENTS, Item, key_of, partition, segment_pages

CUTOVER_KEY, FENCE_KEY = ITEM["cutover"], ITEM["fence"]
_CUTOVER_AT, _RETIRED_AT, _LEFT = CUTOVER["joins_at"], CUTOVER["retired_at"], CUTOVER["left"]
_DIGITS = CUTOVER["digits"]
COMPACT_FIRST = "Compact the archive first."
_RETIRED = "{}: functions run that do not keep this version up. Deploy it, and run the job again."
_TRIES = 8


class BackfillError(RuntimeError):
    """States that could not be written; the message says why and what to do."""


class ArchiveBehindError(BackfillError):
    """What is merged of the archive does not reach yet to where the version cut over."""


class RetiredError(BackfillError):
    """Functions run, or ran lately, that do not keep the version up."""


class CutoverItem:
    """The item about the cutovers of one view version, as lambdas/aws/dynamo/cutovers.ts writes it too."""

    def __init__(self, table: str, view: str) -> None:
        self.view = view
        self._client = aws.client("dynamodb")
        self._at = {"TableName": table, "Key": key_of(CUTOVER_KEY, view)}

    def announce(self, at: int) -> int:
        """When the version cuts over, ms UTC (stored as `joins_at`): `at`, unless that stands already.

        Raises RetiredError.
        """
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
        return int(answer["Attributes"][_CUTOVER_AT]["N"])

    def retired_at(self) -> int | None:
        """Since when functions ran that do not keep the version up, ms UTC; None: it is kept up, or never was."""
        retired_at = self._read().get(_RETIRED_AT)
        return None if retired_at is None else int(retired_at["N"])

    def require_kept(self) -> None:
        """Raises RetiredError."""
        if self.retired_at() is not None:
            raise RetiredError(_RETIRED.format(self.view))

    def begin_anew(self, retired_at: int) -> None:
        """Forgets where the version had cut over, but not what functions have left to the backfill.

        Raises RetiredError when it was retired again.
        """
        gone = {name: f"#n{i}" for i, name in enumerate([*self._shards(self._read()), _CUTOVER_AT, _RETIRED_AT])}
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
        others = {*self._at["Key"], _CUTOVER_AT, _RETIRED_AT}
        return [name for name in item if name not in others and not name.startswith(_LEFT)]

    def positions(self) -> dict[str, str]:
        """Shard → the position of its cutover, as far as that is registered."""
        item = self._read()
        return {shard: item[shard]["S"] for shard in self._shards(item)}

    def left(self) -> set[str]:
        """Shards of which functions have left something to the backfill."""
        return {name.removeprefix(_LEFT) for name in self._read() if name.startswith(_LEFT)}

    def register(self, shard: str, end: str | None) -> None:
        """Cuts a shard over right behind `end`, the last archived of it (None: nothing), unless that is settled.

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
                    f" to the backfill. {COMPACT_FIRST}"
                ) from error


def is_fenced(table: str, view: str) -> bool:
    """Consistent. A fence goes down when the version is kept up no more (lambdas/aws/dynamo/retirement.ts)."""
    item = aws.client("dynamodb").get_item(TableName=table, Key=key_of(FENCE_KEY, view), ConsistentRead=True)
    return item.get("Item", {}).get("ready", {}).get("BOOL") is True


def write_fence(table: str, view: str, snapshot: int, history_rows: int) -> None:
    """Opens the view: readers refuse to serve it before. Raises RetiredError when it is not kept up any more."""
    fence = {
        **key_of(FENCE_KEY, view),
        "ready": {"BOOL": True},
        "snapshot_id": {"S": str(snapshot)},
        "history_rows": {"N": str(history_rows)},
    }
    kept = {
        "TableName": table,
        "Key": key_of(CUTOVER_KEY, view),
        "ConditionExpression": "attribute_not_exists(retired_at)",
    }
    actions = [{"Put": {"TableName": table, "Item": fence}}, {"ConditionCheck": kept}]
    client = aws.client("dynamodb")
    for tried in range(_TRIES):
        outcome = attempt(lambda: client.transact_write_items(TransactItems=actions))
        if outcome == "written":
            return
        CutoverItem(table, view).require_kept()
        # A function settled a position in the same moment.
        pause(tried)
    raise BackfillError(f"{view}: its fence could not be written in {_TRIES} tries. Run the job again.")


def newest_watermarks(table: str, view: str) -> dict[str, str]:
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
    return {shard: position for shard, position in newest.items() if shard != HISTORY_SHARD}


def has_other_versions(table: str, view: str) -> bool:
    """Whether another version of the view was ever kept up: each has a fence or a cutover."""
    kept = (item["view"]["S"] for key in (FENCE_KEY, CUTOVER_KEY) for item in partition(table, key))
    return any(name != view and name.startswith(_versions_of(view)) for name in kept)


def _versions_of(view: str) -> str:
    """How the names of all versions of a view begin."""
    return f"{view.split('@')[0]}@"
