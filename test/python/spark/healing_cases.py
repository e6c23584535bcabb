"""States at odds with the archive, one for each finding of the nightly healing, and how they come about."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import boto3
import pyarrow as pa
from pyspark.sql import functions as F
from streams import CONTRACTS, DAY, HOUR, START
from typescript import planned

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import ViewPlan, compile_view
from tidemark_spark.engine.state.states import State, entity_states
from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.states import item_of
from tidemark_spark.spark.cutovers import Online
from tidemark_spark.spark.healing import Night

S1 = "shardId-000000000000"
TABLES = Tables("healing")
ONLINE = Online("features", "events", "lake", cutover_after_ms=0)
NOW = START // DAY * DAY + 20 * DAY
OLD, NEW = NOW - DAY, NOW - HOUR
NIGHT = Night(ONLINE.table, ONLINE.bucket, repair="yes", now_ms=NOW, stale_after_ms=6 * HOUR)
KEY = "archive/events/dt=2023-12-03/{}/{}-{}.ndjson.gz"


def aggregate(op: str, field_name: str | None, event_type: str) -> dict[str, Any]:
    base = {"kind": "aggregate", "name": op, "op": op, "event_type": event_type, "field": field_name, "where": []}
    window = {"window_ms": 7 * DAY, "hop_ms": HOUR, "offset_ms": 0, "cap": None, "k": None}
    return base | window | {"value_type": "int", "enum_values": None, "description": ""}


VIEW: dict[str, Any] = {
    "name": "v",
    "features": [aggregate("count", None, "visit")],
    "dedupe": {"horizon_ms": DAY, "cap": 4},
    "retractions": None,
    "version": "v@0",
}
PLAN = compile_view({"contracts": CONTRACTS}, planned(VIEW))
RULES = [{"event_type": "refund", "field": "purchase_id", "of": "purchase"}]
RETRACTING = VIEW | {
    "features": [aggregate("count", None, "purchase"), aggregate("max", "amount", "purchase")],
    "retractions": {"horizon_ms": 90 * DAY, "cap": 256, "rules": RULES},
}
RETRACTING_PLAN = compile_view({"contracts": CONTRACTS}, planned(RETRACTING))


def event(entity: str, event_id: str, time: int, place: tuple[str, str], **more: Any) -> dict[str, Any]:
    """A canonical event, available a second after it happened."""
    base = {"event_id": event_id, "entity_id": entity, "event_type": "visit", "event_time": time, "properties": {}}
    about = {"source": "", "source_time": None, "schema_version": 1, "available_at": time + 1000}
    return base | about | {"shard_id": place[0], "sequence_number": place[1]} | more


def two(entity: str, last: int = OLD) -> list[dict[str, Any]]:
    return [event(entity, "1", OLD - HOUR, ("history", "4")), event(entity, "2", last, (S1, "7"))]


def state_of(events: list[dict[str, Any]], plan: ViewPlan = PLAN) -> State:
    rows = [e | {"properties": json.dumps(e["properties"])} for e in events]
    (state,) = entity_states(plan, pa.Table.from_pylist(rows, EVENT_SCHEMA))
    return state


def item(events: list[dict[str, Any]], plan: ViewPlan = PLAN, /, **positions: str) -> dict[str, Any]:
    """What the stream has written after these events."""
    state = state_of(events, plan)
    return item_of(state, "v@0", state.positions | positions, 3)


@dataclass(frozen=True)
class Case:
    finding: str
    events: list[dict[str, Any]] = field(default_factory=lambda: two("E"))
    stored: dict[str, Any] | None = field(default_factory=lambda: item(two("E")))
    repaired: bool = False


WIDE = [event("E", "1", OLD, ("wide", "079")), event("E", "2", OLD, ("wide", "080"))]
LATE = two("E", NEW)
CASES = {
    "as the stream made it": Case("healthy"),
    "as the backfill made it": Case("healthy", stored=item(two("E"), history="9", **{S1: "60"})),
    "numbers of a fixed width": Case("healthy", WIDE, item(WIDE)),
    "doubled": Case("doubled", stored=item(two("E")) | {"heal": {"BOOL": True}}, repaired=True),
    "a part beside": Case(
        "unmerged",
        stored=item(two("E")[1:]) | {"base": {"B": b"x"}, "base_watermarks": {"M": {"history": {"S": "4"}}}},
        repaired=True,
    ),
    "an older codec": Case("outdated", stored=item(two("E")) | {"state": {"B": b"\x01"}}, repaired=True),
    "other tiles": Case("diverged", stored=item(two("E")) | {"state": {"B": state_of(LATE).data}}, repaired=True),
    "a newer codec": Case("unreadable", stored=item(two("E")) | {"state": {"B": b"\x4d"}}, repaired=True),
    "no state at all": Case("unreadable", stored=item(two("E")) | {"state": {"B": b""}}, repaired=True),
    "another time": Case("diverged", stored=item(two("E")) | {"newest_event_time": {"N": "5"}}, repaired=True),
    "no item": Case("missing", stored=None, repaired=True),
    "an update was lost": Case("stale", stored=item(two("E")[:1]), repaired=True),
    "no item yet": Case("behind", LATE, None),
    "an update comes": Case("behind", LATE, item(LATE[:1])),
    "an event that is not archived": Case("ahead", stored=item([*two("E"), event("E", "3", NEW, (S1, "81"))])),
    "a shard that is not archived": Case("ahead", stored=item(two("E"), s2="1")),
    "ahead in the backfill's part": Case(
        "deferred", stored=item(two("E")) | {"base": {"B": b"x"}, "base_watermarks": {"M": {S1: {"S": "81"}}}}
    ),
    "doubled and ahead": Case("deferred", stored=item(two("E"), **{S1: "81"}) | {"heal": {"BOOL": True}}),
    "collected": Case("expired", [event("E", "1", NOW - 12 * DAY, (S1, "7"))], None),
    "merged out of turn": Case("healthy", [*two("E"), event("E", "9", OLD, (S1, "85"))]),
}


def archive(events: list[dict[str, Any]], span: tuple[int, int]) -> None:
    body = gzip.compress("".join(json.dumps(e) + "\n" for e in events).encode())
    boto3.client("s3").put_object(Bucket=ONLINE.bucket, Key=KEY.format(S1, *span), Body=body)


def land(spark: Any, events: list[dict[str, Any]]) -> None:
    rows = [e | {"properties": json.dumps(e["properties"])} for e in events]
    names = ["event_id", "entity_id", "event_type", "event_time", "source_time", "source", "schema_version"]
    names += ["properties", "available_at", "shard_id", "sequence_number"]
    frame = spark.createDataFrame(
        [tuple(row[name] for name in names) for row in rows],
        "event_id string, entity_id string, event_type string, event_time long, source_time long, source string,"
        " schema_version int, properties string, available_at long, shard_id string, sequence_number string",
    )
    frame = frame.withColumn("sub_sequence", F.lit(0))
    for name in ("event_time", "source_time", "available_at"):
        frame = frame.withColumn(name, F.timestamp_millis(name))
    merge_events(spark, TABLES, frame)


def put(stored: dict[str, Any], entity: str = "E") -> None:
    boto3.client("dynamodb").put_item(TableName=ONLINE.table, Item=stored | {"entity_id": {"S": entity}})


def stored_of(entity: str = "E") -> dict[str, Any] | None:
    key = {"entity_id": {"S": entity}, "view": {"S": "v@0"}}
    return boto3.client("dynamodb").get_item(TableName=ONLINE.table, Key=key).get("Item")
