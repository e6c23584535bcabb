"""How far the tables of sources were imported: an item each in the features table (names/keys.ts)."""

from __future__ import annotations

from tidemark_spark import aws
from tidemark_spark.names import ITEM
from tidemark_spark.online.table import key_of

_PLACE, _ARRIVED = "place", "arrived_ms"


class ImportMark:
    """The mark of one way of a source. It is moved after what lies before it has landed, so what is read twice is more
    than what is missed: nothing."""

    def __init__(self, table: str, source: str, carriage: str) -> None:
        self._client = aws.client("dynamodb")
        self._at = {"TableName": table, "Key": key_of(ITEM["import"], f"{source}#{carriage}")}

    def read(self) -> tuple[str, int | None] | None:
        """The place (of a table its snapshot, of a database ms of its clock) and the greatest arrival, ms UTC, if any
        column says it. None: nothing was imported yet."""
        item = self._client.get_item(**self._at, ConsistentRead=True).get("Item")
        if item is None:
            return None
        return item[_PLACE]["S"], int(item[_ARRIVED]["N"]) if _ARRIVED in item else None

    def move(self, place: str, arrived_ms: int | None) -> None:
        values = {_PLACE: {"S": place}} | ({} if arrived_ms is None else {_ARRIVED: {"N": str(arrived_ms)}})
        self._client.put_item(TableName=self._at["TableName"], Item=self._at["Key"] | values)
