"""Which events other events cancel: a retraction names the event_id of one event of a given type of its entity.

An event counts nowhere in a row that knows a retraction of it from before its t (design §4), whichever came first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tidemark_spark.engine.event_log import EventLog
from tidemark_spark.engine.values.columns import codes_of

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Retractions:
    """Events that may be cancelled and events that cancel, by one code for each (event type, event id)."""

    own: Ints
    """The code of each event that may be retracted, else -1."""
    target: Ints
    """The code of what each event retracts, else -1."""
    codes: int
    by: Ints
    """For the first copy of an event: the first copy of a retraction of it (of several, the one that is known and past
    earliest), whatever a row knows; -1 = none."""
    unmet: Ints
    """First copies of retractions whose event is not there."""

    def cancelled(self, event: Ints, group: Ints, past: Bools) -> Bools:
        """Which events another event of their group cancels; `past` tells events before the t of their group."""
        target, own = self.target[event], self.own[event]
        acts = past & (target >= 0)
        if not acts.any():
            return np.zeros(len(event), bool)
        return (own >= 0) & np.isin(group * self.codes + own, group[acts] * self.codes + target[acts])


def read_retractions(rules: list[dict[str, str]], log: EventLog) -> Retractions | None:
    """By rules such as ViewPlan.retraction_rules; None where there are none, or nothing in `log` retracts."""
    acting: list[tuple[str, Ints, pa.Array]] = []
    for rule in rules:
        column = log.properties[rule["event_type"], rule["field"]]
        at = np.flatnonzero(log.is_type(rule["event_type"]) & column.present)
        if len(at) and column.words is not None:
            acting.append((rule["of"], at, column.words.take(pa.array(column.values[at]))))
    if not acting:
        return None
    types = sorted({of for of, _, _ in acting})
    mine = [np.flatnonzero(log.is_type(of)) for of in types]
    own_at, target_at = np.concatenate(mine), np.concatenate([at for _, at, _ in acting])
    texts = pa.chunked_array(
        [t.cast(pa.large_string()) for t in (log.texts("event_id", own_at), *(words for _, _, words in acting))]
    )
    text_codes, words = codes_of(texts)
    own_type = np.repeat(np.arange(len(types)), [len(at) for at in mine])
    target_type = np.concatenate([np.full(len(at), types.index(of)) for of, at, _ in acting])
    own, target = np.full(len(log), -1, np.int64), np.full(len(log), -1, np.int64)
    own[own_at] = own_type * len(words) + text_codes[: len(own_at)]
    target[target_at] = target_type * len(words) + text_codes[len(own_at) :]
    by, unmet = _pairs(log, own, target, len(types) * len(words))
    return Retractions(own, target, len(types) * len(words), by, unmet)


def _pairs(log: EventLog, own: Ints, target: Ints, codes: int) -> tuple[Ints, Ints]:
    event, act = np.flatnonzero((own >= 0) & log.first), np.flatnonzero((target >= 0) & log.first)
    event_key, act_key = log.entity[event] * codes + own[event], log.entity[act] * codes + target[act]
    order = np.argsort(event_key)
    event, event_key = event[order], event_key[order]
    place = np.searchsorted(event_key, act_key)
    met = np.zeros(len(act), bool)
    inside = place < len(event_key)
    met[inside] = event_key[place[inside]] == act_key[inside]
    by = np.full(len(log), -1, np.int64)
    # Written latest first, so that the earliest stays.
    late_first = np.argsort(-np.maximum(log.available, log.time)[act[met]], kind="stable")
    by[event[place[met]][late_first]] = act[met][late_first]
    return by, act[~met]
