"""Figures that the emulator leaves out of DynamoDB's answers: the size of stream records, the cost of BatchGetItem.

- `SizeBytes`: "the size of the DynamoDB stream record, in bytes": keys and images by the rules of item sizes
  (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html);
- BatchGetItem: "DynamoDB rounds up the size of each item to the next 4 KB boundary"; a missing item costs a unit too
  (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
"""

import json
import math
from typing import Any

from ministack.services import dynamodb

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_UNIT_BYTES = 4096


def register(_context: LocalContext) -> None:
    """Adds the figures. Call it once, before requests are served."""
    build, batch_get = dynamodb._build_change_record, dynamodb._batch_get_item

    def build_with_size(table: dict, event_name: str, old: dict | None, new: dict | None, view_type: str) -> dict:
        record = build(table, event_name, old, new, view_type)
        body = record["dynamodb"]
        body["SizeBytes"] = record_size(body)
        return record

    def batch_get_with_capacity(data: dict[str, Any]):
        status, headers, body = batch_get(data)
        wanted = data.get("ReturnConsumedCapacity", "NONE")
        if status == 200 and wanted != "NONE":
            answer = json.loads(body) | {"ConsumedCapacity": _consumed(data["RequestItems"], wanted == "INDEXES")}
            body = json.dumps(answer).encode()
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        return status, headers, body

    dynamodb._build_change_record, dynamodb._batch_get_item = build_with_size, batch_get_with_capacity


def record_size(body: dict[str, Any]) -> int:
    """Bytes of a stream record's keys and images."""
    parts = (body.get(name) for name in ("Keys", "NewImage", "OldImage"))
    return sum(dynamodb._item_size_bytes(part) for part in parts if part)


def read_units(size: int, consistent: bool) -> float:
    """Read units of one item of `size` bytes; 0 for one that is missing."""
    return max(1, math.ceil(size / _UNIT_BYTES)) * (1.0 if consistent else 0.5)


def _consumed(items: dict[str, Any], with_indexes: bool) -> list[dict[str, Any]]:
    found = []
    for name, config in items.items():
        table = dynamodb._tables[dynamodb._normalize_table_name(name)]
        units = sum(_units_of(table, key, bool(config.get("ConsistentRead"))) for key in config["Keys"])
        detail = {"Table": {"CapacityUnits": units}} if with_indexes else {}
        found.append({"TableName": table["TableName"], "CapacityUnits": units, **detail})
    return found


def _units_of(table: dict[str, Any], key: dict[str, Any], consistent: bool) -> float:
    partition, sort, _error = dynamodb._resolve_table_key_values(table, key, allow_extra=False)
    item = table["items"].get(partition, {}).get(sort)
    return read_units(dynamodb._item_size_bytes(item) if item else 0, consistent)


PLUGIN = Plugin(
    name="dynamodb.answers",
    service="DynamoDB",
    words=__doc__,
    alone="Leaves the figures out.",
    register=register,
    operations=["dynamodb:BatchGetItem", "dynamodbstreams:GetRecords"],
    relies_on=[
        ReliesOn(
            "services.dynamodb",
            functions={
                "_batch_get_item": "(data)",
                "_build_change_record": "(table, event_name, old_item, new_item, view_type)",
                "_item_size_bytes": "(item)",
                "_normalize_table_name": "(value)",
                "_resolve_table_key_values": "(table, attrs, allow_extra)",
            },
            values=["_tables"],
            has={"handle_request": ["_batch_get_item"], "_emit_stream_event": ["_build_change_record"]},
        )
    ],
)
