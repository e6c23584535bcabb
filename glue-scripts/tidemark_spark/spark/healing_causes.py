"""Why a state may hold other bytes than all events of its entity give, where nothing is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.state.states import State, entity_states, levels_of
from tidemark_spark.engine.values.times import DAY
from tidemark_spark.lake.objects import list_objects, read_lines
from tidemark_spark.names import NDJSON, PREFIX
from tidemark_spark.spark.events import engine_events

_SLICES = 8
_COPY_DDL = "entity_id string, event_id string, shard_id string, sequence_number string, available_at long"
_COPY = pa.schema([*[(n.split()[0], pa.string()) for n in _COPY_DDL.split(", ")[:4]], ("available_at", pa.int64())])


def collected_between(plan: ViewPlan, events: pa.Table, entity_id: str) -> Iterator[State]:
    """States that began anew: after each silence that was long enough for DynamoDB to collect the item before.

    No window reaches back over such a silence, but what is remembered of single events may. `events`: EVENT_SCHEMA.
    """
    reaches = [level.retention_ms for level in levels_of(plan)]
    if any(reach is None for reach in reaches):
        return
    silence = max(reach or 0 for reach in reaches) + 2 * DAY
    own = events.filter(pc.equal(events["entity_id"], entity_id)).sort_by("available_at")
    arrivals = own["available_at"].to_pylist()
    for at in range(len(arrivals) - 1, 0, -1):
        if arrivals[at] - arrivals[at - 1] >= silence:
            yield from entity_states(plan, own.slice(at))


def late_copies(suspects: DataFrame, events: DataFrame, plan: ViewPlan, bucket: str, since_ms: int) -> set[str]:
    """Those suspects of whom a producer sent an event again, later than the view remembers ids: it was counted twice.

    `suspects` has entity_id, and is small. `events` has one copy of each and says nothing of others: the archive does,
    of which the objects since `since_ms` (arrival, UTC) are read.
    """
    who = frozenset(row["entity_id"] for row in suspects.select("entity_id").collect())
    first_day = f"dt={datetime.fromtimestamp(since_ms / 1000, UTC):%Y-%m-%d}"
    keys = [o.key for o in list_objects(bucket, PREFIX["events"], NDJSON, first_day)] if who else []
    if not keys:
        return set()

    def lines(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for key in (key for batch in batches for key in batch.column(0).to_pylist()):
            found = [wire_json.parse(line.decode()) for line in read_lines(bucket, key) if line]
            own = [{name: line[name] for name in _COPY.names} for line in found if line["entity_id"] in who]
            yield pa.RecordBatch.from_pylist(own, _COPY)

    archived = suspects.sparkSession.createDataFrame([(key,) for key in keys], "key string")
    archived = archived.repartition(min(_SLICES, len(keys))).mapInArrow(lines, _COPY_DDL).distinct()
    kept = engine_events(events.where(F.col("entity_id").isin(*who))).select(*_COPY.names)
    copies = archived.join(kept, ["entity_id", "event_id", "shard_id", "sequence_number"], "left_anti").collect()
    arrivals: dict[str, dict[str, int]] = {}
    for row in kept.collect():
        arrivals.setdefault(row["entity_id"], {})[row["event_id"]] = row["available_at"]
    return {
        copy["entity_id"]
        for copy in copies
        if _forgotten(plan, arrivals.get(copy["entity_id"], {}), copy["event_id"], copy["available_at"])
    }


def _forgotten(plan: ViewPlan, arrivals: dict[str, int], event_id: str, again: int) -> bool:
    """Whether an id had left the ids that a state remembers when its copy came."""
    first, dedupe = arrivals.get(event_id), plan.view["dedupe"]
    if first is None:
        return False
    # The copy itself does not move the horizon: it is looked up first.
    later = [arrival for arrival in arrivals.values() if first < arrival <= again]
    return max(later, default=first) - first > dedupe["horizon_ms"] or len(later) >= dedupe["cap"]
