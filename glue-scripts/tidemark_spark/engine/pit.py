"""The point-in-time join: feature values of (entity, t) rows from raw events, exactly as they were known at t.

One sort of the events, then binary searches and prefix sums over whole columns. The knowledge cut-off would break
prefix sums wherever an event lies before t but was not known then; the few rows that meet such an event are answered
from a copy of their entity's events without it (a "ghost" group), by the same code, so the result stays exact.
Retracted events are left out of the sorted columns; the rows between such an event and what is known of its retraction
are answered from a ghost group that holds it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog, read_events
from tidemark_spark.engine.finalise import finalise
from tidemark_spark.engine.frame import Groups
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.segments import TimeAxis, batches, expand, running_maximum
from tidemark_spark.engine.state.retractions import Retractions, read_retractions
from tidemark_spark.engine.values.columns import WORDS, codes_of, ints_of, ranks_of_decimals
from tidemark_spark.engine.view_values import ViewValues

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ALL_KNOWN = np.iinfo(np.int64).max
"""`known_before` of a row that may use every event before t, whenever it became available."""
GHOST_EVENTS = 4_000_000
"""Events copied at a time for rows that meet an event unknown to them: bounds memory, not the result."""


@dataclass(frozen=True)
class Spine:
    """Rows by (entity, t): entity codes, instants (ms), and what was known: a cut-off (ms), or positions by shard."""

    entity: Ints
    t: Ints
    known_before: Ints | None
    watermark: Ints | None
    """[shards, rows]: the rank of the last sequence number of that shard the row knows; -1 = none."""
    sequence_rank: Ints | None
    """The events' sequence numbers, ranked together with the watermarks."""

    def known(self, log: EventLog, event: Ints, row: Ints) -> Bools:
        """Whether each event was known to the row beside it."""
        if self.watermark is not None and self.sequence_rank is not None:
            return self.sequence_rank[event] <= self.watermark[log.shard[event], row]
        assert self.known_before is not None
        return log.available[event] < self.known_before[row]


def point_in_time(plan: ViewPlan, events: pa.Table, spine: pa.Table, unique: bool = False) -> pa.Table:
    """Feature values for every row of `spine`, in its order: one column a feature, in the view's order.

    `events`: EVENT_SCHEMA, any order, copies of an event_id allowed. `spine`: entity_id (string), t (int64 ms), and
    either `known_before` (int64 ms: only events with available_at < it; absent: t) or `watermarks`
    (map<string, string>: only events at or behind their shard's sequence number). `unique`: see `read_events`. Columns
    come out as int64, double, string, bool or lists of them; null where the window holds no value.
    """
    ids = [_encoded(chunk) for column in (events["entity_id"], spine["entity_id"]) for chunk in column.chunks]
    codes, _ = codes_of(pa.chunked_array(ids, WORDS))
    return values_at(plan, read_events(plan, events, codes[: len(events)], unique), spine, codes[len(events) :])


def values_at(plan: ViewPlan, log: EventLog, spine: pa.Table, entity: Ints) -> pa.Table:
    """As `point_in_time`, where the events are read already; `entity` holds the log's code of each row's entity_id."""
    rows, t = len(spine), ints_of(spine["t"])
    order = np.lexsort((t, entity))
    asked = _read_spine(log, spine.take(pa.array(order)), entity[order], t[order])
    values = ViewValues.empty(plan, log, rows)
    _answer(plan, log, asked, values)
    back = np.empty(rows, np.int64)
    back[order] = np.arange(rows)
    return values.table(back)


def _encoded(ids: pa.Array) -> pa.DictionaryArray:
    return ids if pa.types.is_dictionary(ids.type) else ids.cast(pa.string()).dictionary_encode()


def _read_spine(log: EventLog, spine: pa.Table, entity: Ints, t: Ints) -> Spine:
    if "watermarks" not in spine.column_names:
        cut = ints_of(spine["known_before"]) if "known_before" in spine.column_names else t
        return Spine(entity, t, cut, None, None)
    empty = pa.array([], pa.map_(pa.string(), pa.string()))
    watermarks = pa.concat_arrays([empty.cast(spine["watermarks"].type), *spine["watermarks"].chunks])
    row = np.repeat(np.arange(len(spine)), np.diff(watermarks.offsets.to_numpy()))
    keys, items = watermarks.keys, watermarks.items
    event_rank, watermark_rank = ranks_of_decimals(log.texts("sequence_number", np.arange(len(log))), items)
    watermark = np.full((len(log.shards), len(spine)), -1, np.int64)
    for code, shard in enumerate(log.shards):
        of_shard = np.flatnonzero(pc.equal(keys, pa.scalar(shard, keys.type)).to_numpy(zero_copy_only=False))
        watermark[code, row[of_shard]] = watermark_rank[of_shard]
    return Spine(entity, t, None, watermark, event_rank)


def _answer(plan: ViewPlan, log: EventLog, spine: Spine, values: ViewValues) -> None:
    """Fills `values` for every row of the spine."""
    retractions = read_retractions(plan.retraction_rules, log)
    counted = log.first if retractions is None else log.first & (retractions.by < 0)
    # Mostly all are, and a column as it lies costs nothing.
    first = slice(None) if counted.all() else np.flatnonzero(counted)
    axis = TimeAxis(int(max(log.entity.max(initial=0), spine.entity.max(initial=0))) + 1, log.time)
    key = axis.key(log.entity, log.time)
    begin = np.searchsorted(key, axis.begin(spine.entity), "left")
    now = np.searchsorted(key, axis.key(spine.entity, spine.t), "left")
    meets_unknown = _meets_unknown(log, spine, begin, now)
    if retractions is not None:
        meets_unknown |= _meets_unknown_retraction(log, spine, retractions, begin, now)
    plain = np.flatnonzero(~meets_unknown)
    finalise(plan, log, Groups(first, log.entity[first]), spine.entity[plain], spine.t[plain], plain, values)

    ghosts = np.flatnonzero(meets_unknown)
    if spine.watermark is not None and log.has_copies:
        # Of two copies the later may be the known one, so all events of the entity must be weighed.
        now = np.searchsorted(key, axis.begin(spine.entity + 1), "left")
    for part in batches((now - begin)[ghosts], GHOST_EVENTS):
        rows = ghosts[part]
        event, ghost = expand(begin[rows], (now - begin)[rows])
        seen = spine.known(log, event, rows[ghost])
        event, ghost = event[seen], ghost[seen]
        event, ghost = _first_copies(log, spine, event, ghost)
        if retractions is not None:
            keep = ~retractions.cancelled(event, ghost, log.time[event] < spine.t[rows][ghost])
            event, ghost = event[keep], ghost[keep]
        finalise(plan, log, Groups(event, ghost), np.arange(len(rows)), spine.t[rows], rows, values)


def _meets_unknown(log: EventLog, spine: Spine, begin: Ints, now: Ints) -> Bools:
    """Rows with an event of their entity before t that they did not know, so that sorted order alone misleads."""
    hit = np.zeros(len(spine.t), bool)
    if not len(log):
        return hit
    some = now > begin
    last = np.maximum(now - 1, 0)
    if spine.watermark is None:
        assert spine.known_before is not None
        newest = running_maximum(log.entity, log.available)
        return some & (newest[last] >= spine.known_before)
    assert spine.sequence_rank is not None
    for code in range(len(log.shards)):
        of_shard = log.shard == code
        count = np.concatenate([[0], np.cumsum(of_shard)])
        newest = running_maximum(log.entity[of_shard], spine.sequence_rank[of_shard])
        present = count[now] > count[begin]
        hit |= present & (newest[np.maximum(count[now] - 1, 0)] > spine.watermark[code])
    if log.has_copies:
        doubled = np.unique(log.entity[~log.first])
        hit |= np.isin(spine.entity, doubled)
    return hit


def _meets_unknown_retraction(log: EventLog, spine: Spine, retractions: Retractions, begin: Ints, now: Ints) -> Bools:
    """Rows with a retracted event before t whose retraction they did not know, or that lies at or after their t."""
    events = np.flatnonzero(retractions.by >= 0)
    by = retractions.by[events]
    hit = _any_before(log.entity[events], log.time[by], events, begin, now, spine.t)
    if spine.watermark is None:
        assert spine.known_before is not None
        return hit | _any_before(log.entity[events], log.available[by], events, begin, now, spine.known_before)
    assert spine.sequence_rank is not None
    for code in range(len(log.shards)):
        of_shard = log.shard[by] == code
        chosen, rank = events[of_shard], spine.sequence_rank[by[of_shard]]
        hit |= _any_before(log.entity[chosen], rank, chosen, begin, now, spine.watermark[code] + 1)
    return hit


def _any_before(entity: Ints, values: Ints, at: Ints, begin: Ints, now: Ints, bound: Ints) -> Bools:
    """For each row, whether one of the events at positions `at` in [begin, now) has a value of `bound` or more."""
    if not len(at):
        return np.zeros(len(bound), bool)
    newest = running_maximum(entity, values)
    first, last = np.searchsorted(at, begin), np.searchsorted(at, now)
    return (last > first) & (newest[np.maximum(last - 1, 0)] >= bound)


def _first_copies(log: EventLog, spine: Spine, event: Ints, ghost: Ints) -> tuple[Ints, Ints]:
    """Keeps, in each ghost group, the earliest available of the known copies of an event."""
    if not log.has_copies:
        return event, ghost
    if spine.watermark is None:
        # What is known is cut by availability, so the earliest copy of all is the earliest known one.
        keep = log.first[event]
        return event[keep], ghost[keep]
    assert spine.sequence_rank is not None
    order = np.lexsort((spine.sequence_rank[event], log.available[event], log.copy_of[event], ghost))
    copy, owner = log.copy_of[event][order], ghost[order]
    again = (copy[1:] == copy[:-1]) & (owner[1:] == owner[:-1])
    keep = np.ones(len(event), bool)
    keep[order[1:][again]] = False
    return event[keep], ghost[keep]
