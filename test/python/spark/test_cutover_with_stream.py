"""A new view version is built beside a running stream: the processor writes what came since, Spark what came before.

What is read of both is the state of all events, byte for byte.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import boto3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from online import online_stage
from streams import CONTRACTS, DAY, HOUR, MINUTE, SPAN, START, instant, some_properties, use_cases
from typescript import ask, planned

from tidemark_spark.engine.ir import compile_view
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.cutovers import CutoverItem
from tidemark_spark.spark.backfill import backfill
from tidemark_spark.spark.cutovers import Online

USE_CASE = {"contracts": CONTRACTS, "replay": {"available_lag_ms": 0}}
ONLINE = Online("features", "events", "lake", cutover_after_ms=0)
BUSY, OTHER, IDLE, LATER = (f"shardId-00000000000{n}" for n in range(4))
# Positions of the busy shard cross a power of ten: the longer text is the greater number.
FIRSTS = {"history": 1, BUSY: 10**21 - 20, OTHER: 500, IDLE: 7, LATER: 1}
SIZES = {"history": 30, BUSY: 40, OTHER: 30, IDLE: 10, LATER: 6}

Record = dict[str, str]


def test_states_of_backfill_and_stream_are_those_of_all_events(spark: Any, aws: str) -> None:
    seen: Counter[str] = Counter()

    # The first example that hypothesis draws is the simplest there is.
    @settings(
        max_examples=2,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck.__members__.values()],
    )
    @given(st.lists(use_cases(), min_size=6, max_size=6), st.integers(0, 2**32))
    def is_built_beside_the_stream(drawn: list[dict[str, Any]], seed: int) -> None:
        views = [case["views"][0] | {"name": f"v{i}", "version": f"v{i}@2"} for i, case in enumerate(drawn)]
        # Of them one is idle, and one more begins later.
        with online_stage(ONLINE, shards=3) as features:
            seen.update(build(spark, features, views, Random(seed)))

    is_built_beside_the_stream()
    assert seen["compared"] > 30
    assert min(seen[outcome] for outcome in ("based", "written", "healed")) >= 6, seen


def build(spark: Any, features: Any, views: list[dict[str, Any]], random: Random) -> Counter[str]:
    shards = {shard: records_of(shard, random) for shard in FIRSTS}
    history, busy, other, idle, later = shards.values()
    cut_busy, cut_other = random.randint(5, 30), random.randint(5, 20)
    # Right before and right behind the cutover, what no window has passed yet.
    for n in (cut_busy - 1, cut_busy):
        newest = iso(START + SPAN + 21 * DAY + n)
        busy[n] = record(BUSY, n, random, f"edge{n}", entity_id="A", event_type="purchase", event_time=newest)
    busy[cut_busy - 2] = record(BUSY, cut_busy - 2, random, "copied", entity_id="D", event_time=iso(START))
    other[cut_other + 1] = record(OTHER, cut_other + 1, random, "copied", entity_id="D", event_time=iso(START))

    # Functions of the version before read the stream up to the cutovers, and all that comes of one shard.
    former = [busy[:cut_busy], other[:cut_other], idle]
    for view in views:
        before = view["version"].replace("@2", "@1")
        features.put_item(Item={"entity_id": "#fence", "view": before, "ready": True})
        positions = {batch[-1]["shard_id"]: batch[-1]["sequence_number"] for batch in former}
        features.put_item(Item={"entity_id": "A", "view": before, "state": b"", "watermarks": positions})
    archive(former)

    # New functions begin; an old batch comes again.
    redelivered = busy[cut_busy - 4 : cut_busy + 2]
    begun = [busy[cut_busy : cut_busy + 6], redelivered, other[cut_other : cut_other + 5]]
    archive(begun[:1])
    stream(views, begun)

    tables = new_tables(spark)
    put("raw/history/h.ndjson.gz", [line["text"] for line in history])
    slices = count_lines(spark, ONLINE.bucket, list_objects(ONLINE.bucket, "raw/history/", ".ndjson.gz"))
    land(spark, tables, USE_CASE, ONLINE.bucket, slices, 1)
    compact(spark, tables, ONLINE.bucket, 1)
    seen: Counter[str] = Counter()
    for view in views:
        counts = backfill(spark, tables, compile_view(USE_CASE, planned(view)), ONLINE)
        seen.update({name: counts.get(name, 0) for name in ("based", "written")})
        firsts = {BUSY: busy[cut_busy], OTHER: other[cut_other]}
        expected = {shard: first["sequence_number"] for shard, first in firsts.items()}
        assert CutoverItem(ONLINE.table, view["version"]).positions() == expected | {IDLE: "17"}

    stream(views, [busy[cut_busy + 6 :], redelivered, other[cut_other + 5 :], later])
    for found in compared(views, list(shards.values())):
        if found["entity_id"] == "D":
            # Both sides counted it, as nothing told the stream of the copy: found when they are merged.
            assert found["heal"], found
            seen["healed"] += 1
        elif not found["inexact"]:
            assert (found["stored"], found["heal"]) == (found["whole"], False), found
            seen["compared"] += 1
    return seen


def records_of(shard: str, random: Random) -> list[Record]:
    return [record(shard, n, random, id_of(shard, n)) for n in range(SIZES[shard])]


def record(shard: str, n: int, random: Random, event_id: str, **over: Any) -> Record:
    """A record as a producer sends it. Now and then it is refused, and keeps its position."""
    event_time = instant(random)
    properties = some_properties(random)
    event_type = random.choice(["purchase", "purchase", "visit", "refund"])
    if event_type == "refund":
        of = random.choice(list(SIZES))
        properties["purchase_id"] = id_of(of, random.randrange(SIZES[of] + 3))
    if properties.get("amount") is not None:
        properties["amount"] = str(Decimal(properties["amount"]).scaleb(-2))
    line = {
        "event_id": event_id,
        # E went silent before the cutover.
        "entity_id": random.choice(["A", "B", "C", "ß", *(["E"] if shard in ("history", IDLE) else [])]),
        "event_type": event_type,
        "event_time": iso(event_time),
        "available_at": iso(event_time + random.choice([0, 1, MINUTE, HOUR, 3 * DAY, 20 * DAY])),
        "schema_version": 1,
        "properties": properties,
    } | over
    if "event_time" in over:
        line["available_at"] = over["event_time"]
    elif random.random() < 0.1:
        line["properties"] = "none"
    return {
        "shard_id": shard,
        "sequence_number": str(FIRSTS[shard] + n),
        "partition_key": line["entity_id"],
        "text": json.dumps(line),
    }


def id_of(shard: str, n: int) -> str:
    return f"{shard[-1]}{n}"


def iso(ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def stream(views: list[dict[str, Any]], batches: list[list[Record]], **more: Any) -> dict[str, Any]:
    """The processor of `views` reads batches; returns also what the archiver keeps of each."""
    question = {"table": ONLINE.table, "contracts": CONTRACTS, "views": views, "batches": batches}
    return ask(question | more, "stream_bridge.ts")


def compared(views: list[dict[str, Any]], shards: list[list[Record]]) -> list[dict[str, Any]]:
    events = [event for kept in stream([], shards)["archived"] for event in kept]
    return stream(views, [], events=events)["compared"]


def archive(batches: list[list[Record]]) -> None:
    """As the archiver does it: an object a batch, named after all of its records."""
    for batch, kept in zip(batches, stream([], batches)["archived"], strict=True):
        first, last = batch[0]["sequence_number"], batch[-1]["sequence_number"]
        key = f"archive/events/dt=2023-11-14/{batch[0]['shard_id']}/{first}-{last}.ndjson.gz"
        put(key, [json.dumps(event) for event in kept])


def put(key: str, lines: list[str]) -> None:
    body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
    boto3.client("s3").put_object(Bucket=ONLINE.bucket, Key=key, Body=body)


def new_tables(spark: Any) -> Tables:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.beside")
    for table in ("events", "quarantine", "predictions", "archive_files"):
        spark.sql(f"DROP TABLE IF EXISTS glue_catalog.beside.{table} PURGE")
    return Tables("beside")
