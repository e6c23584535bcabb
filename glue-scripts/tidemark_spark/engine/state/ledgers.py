"""What states of a view with retractions remember: events that may be retracted, and retractions that wait for theirs.

The same content as core/state/ledger.ts keeps, whatever the order of arrival was.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.ir import ViewPlan
from tidemark_spark.engine.state.codec import encode_ledger, ledger_entry, pending_entry
from tidemark_spark.engine.state.retractions import Retractions
from tidemark_spark.engine.values.hashing import id_hash

Ints = NDArray[np.int64]


def ledgers_of(
    plan: ViewPlan, log: EventLog, facts: Ints, retractions: Retractions | None, newest: Ints, partials: int
) -> Callable[[int], bytes]:
    """The ledger's bytes by entity; empty for a view without retractions. `newest`: available_at, ms, by entity."""
    remembered = plan.view["retractions"]
    if remembered is None:
        return lambda _: b""
    types = list(plan.retractable)
    mine = facts[np.isin(log.type[facts], [log.types.index(t) for t in types if t in log.types])]
    hashes = id_hash(log.texts("event_id", mine))
    kept, first, last = _newest(log.entity[mine], log.available[mine], hashes, newest, remembered)
    events = mine[kept]
    known = np.bincount(log.entity[mine], minlength=len(newest))
    place = [types.index(log.types[code]) for code in log.type[events].tolist()]
    gone = np.zeros(len(events), bool) if retractions is None else retractions.by[events] >= 0
    properties = {of: [_values(log, of, name, events) for name in names] for of, names in plan.retractable.items()}
    entries = [
        ledger_entry(
            int(newest[log.entity[event]]),
            int(log.available[event]),
            int(hashed),
            int(log.time[event]),
            (place[i], bool(gone[i])),
            (column[i] for column in properties[types[place[i]]]),
        )
        for i, (event, hashed) in enumerate(zip(events.tolist(), hashes[kept].tolist(), strict=True))
    ]
    waiting = _pending(plan, log, retractions, newest)

    def encode(entity: int) -> bytes:
        own = entries[first[entity] : last[entity]]
        return encode_ledger(int(known[entity]) > len(own), partials, waiting(entity), own)

    return encode


def _newest(entity: Ints, available: Ints, hashes: Ints, newest: Ints, remembered: dict) -> tuple[Ints, Ints, Ints]:
    """Positions within the horizon, at most `cap` an entity, newest first by (available_at, hash); and their edges."""
    inside = np.flatnonzero(available >= newest[entity] - remembered["horizon_ms"])
    order = inside[np.lexsort((-hashes[inside], -available[inside], entity[inside]))]
    edge = np.searchsorted(entity[order], np.arange(len(newest) + 1))
    order = order[np.arange(len(order)) - edge[entity[order]] < remembered["cap"]]
    edge = np.searchsorted(entity[order], np.arange(len(newest) + 1))
    return order, edge[:-1], edge[1:]


def _values(log: EventLog, event_type: str, name: str, events: Ints) -> list:
    column = log.properties[event_type, name].take(events)
    if column.words is not None:
        codes = pa.array(column.values, pa.int64(), mask=~column.present)
        return column.words.take(codes).to_pylist() if len(column.words) else [None] * len(events)
    values = column.values.astype(bool) if column.kind == "bool" else column.values
    return [value if has else None for value, has in zip(values.tolist(), column.present.tolist(), strict=True)]


def _pending(
    plan: ViewPlan, log: EventLog, retractions: Retractions | None, newest: Ints
) -> Callable[[int], list[bytes]]:
    """Retractions whose event is not there: of several of one event the newest."""
    if retractions is None or not len(retractions.unmet):
        return lambda _: []
    acts = retractions.unmet
    texts: list[str] = [""] * len(acts)
    for rule in plan.retraction_rules:
        of_type = log.is_type(rule["event_type"])[acts]
        named = _values(log, rule["event_type"], rule["field"], acts)
        ids = id_hash(pa.array([name or "" for name in named], pa.string())).tolist()
        texts = [f"{rule['of']}\n{one}" if mine else text for text, one, mine in zip(texts, ids, of_type, strict=True)]
    hashes = id_hash(pa.array(texts, pa.string()))
    order = np.lexsort((-log.available[acts], hashes, log.entity[acts]))
    same = (np.diff(log.entity[acts][order]) == 0) & (np.diff(hashes[order]) == 0)
    once = order[np.concatenate([[True], ~same])]
    acts, hashes = acts[once], hashes[once]
    kept, first, last = _newest(log.entity[acts], log.available[acts], hashes, newest, plan.view["retractions"])
    entries = [
        pending_entry(int(newest[log.entity[act]]), int(log.available[act]), int(hashed))
        for act, hashed in zip(acts[kept].tolist(), hashes[kept].tolist(), strict=True)
    ]
    return lambda entity: entries[first[entity] : last[entity]]
