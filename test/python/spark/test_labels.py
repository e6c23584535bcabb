"""Labels of every kind against the naive oracle: late, duplicated, retracted events, and ties at both ends."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naive import naive_row
from naive_labels import naive_outcome, once
from streams import CONTRACTS, DAY, HOUR, START, event_streams, predicates
from test_archive_and_check import VIEW
from typescript import planned

from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.slices import SPLITS
from tidemark_spark.engine.training import DROPPED, TrainingRows, plan_training, training_rows

RANDOM = settings(max_examples=300, deadline=None, suppress_health_check=[*HealthCheck.__members__.values()])
TYPES = ["purchase", "purchase", "visit", "refund"]
INPUTS = ["n", "mean", "loyal"]


@st.composite
def labels(draw: Any) -> dict[str, Any]:
    kind = draw(st.sampled_from(["no_event", "event", "sum", "category"]))
    label = {
        "name": "it",
        "kind": kind,
        "event_type": draw(st.sampled_from(TYPES)),
        "where": draw(st.lists(predicates, max_size=1)),
        "horizon_ms": draw(st.sampled_from([HOUR, DAY, 7 * DAY, 12 * DAY])),
        "eligible": {"event_type": draw(st.sampled_from(TYPES))},
    }
    within = draw(st.sampled_from([None, None, HOUR, DAY, 7 * DAY]))
    label["eligible"] |= {} if within is None else {"within_ms": within}
    label |= draw(st.sampled_from([{}, {"maturity_ms": DAY}]))
    if draw(st.booleans()):
        label["censor"] = {"event_type": draw(st.sampled_from(TYPES))}
    if kind == "sum":
        level = draw(st.sampled_from([-4, 0, 1, 4, 2**40]))
        label |= {
            "field": draw(st.sampled_from(["amount", "small"])),
            draw(st.sampled_from(["at_least", "below"])): level,
        }
    if kind == "category":
        values = draw(st.lists(st.sampled_from(["web", "shop", "größe"]), min_size=1, max_size=2, unique=True))
        label |= {"field": "channel", "values": values} | draw(st.sampled_from([{}, {"when_none": "drop"}]))
    return label


def document(label: dict[str, Any], first: int, step: int = DAY, **model: Any) -> dict[str, Any]:
    """Twelve instants from `first` on, four a split."""
    spans = {
        split: {"from": first + i * 4 * step, "to": first + (i * 4 + 3) * step, "every_ms": step}
        for i, split in enumerate(SPLITS)
    }
    base = {"ir_version": 2, "name": "demo", "contracts": CONTRACTS, "views": [planned(VIEW)], "label": label}
    return base | {"model": {"view": "v", "inputs": INPUTS} | spans | model}


def made(use_case: dict[str, Any], events: list[dict[str, Any]], closed_until: int) -> TrainingRows:
    return training_rows(plan_training(use_case, closed_until), pa.Table.from_pylist(events, EVENT_SCHEMA))


@RANDOM
@given(labels(), event_streams(), st.integers(0, 2**32))
def test_rows_and_what_was_left_out_are_the_oracles(label: dict, events: list[dict], seed: int) -> None:
    random = Random(seed)
    # An instant on an event, or with an event at the end of its horizon: the edges of the label.
    edges = [e["event_time"] - random.choice([0, label["horizon_ms"], 1, -1]) for e in events] or [START]
    use_case = document(label, random.choice(edges), random.choice([HOUR, DAY, 3 * DAY]))
    instants = plan_training(use_case, 0).instants.tolist()
    closed = random.choice([START + 400 * DAY, instants[6] + label["horizon_ms"], instants[6] + DAY])
    wanted, dropped = [], Counter()
    for entity in sorted({e["entity_id"] for e in events}):
        for place, t in enumerate(instants):
            outcome = naive_outcome(use_case, events, entity, t, closed)
            if isinstance(outcome, str):
                dropped[outcome] += 1
            elif outcome is not None:
                values = naive_row(VIEW, events, entity, t, lambda e, t=t: e["available_at"] < t)
                known = known_purchases(events, entity, t)
                inputs = [None if values[name] is None else float(values[name]) for name in INPUTS]
                wanted.append((entity, t, SPLITS[place // 4], outcome, max(known, default=None), inputs))
    found = made(use_case, events, closed)
    assert [tuple(row.values()) for row in found.rows.to_pylist()] == wanted
    assert found.dropped == {reason: dropped[reason] for reason in DROPPED}


def known_purchases(events: list[dict], entity: str, t: int) -> list[int]:
    """When the purchases happened that a row knows, each by its earliest copy."""
    mine = once([e for e in events if e["entity_id"] == entity])
    return [
        e["event_time"] for e in mine if e["event_type"] == "purchase" and e["available_at"] < t and e["event_time"] < t
    ]


def purchase(number: int, day: float, entity: str = "A", event_type: str = "purchase", **more: Any) -> dict[str, Any]:
    at = START + int(day * DAY)
    base = {"event_id": f"e{number}", "entity_id": entity, "event_type": event_type, "event_time": at}
    base |= {"available_at": at, "shard_id": "history", "sequence_number": str(number)}
    return base | {"properties": json.dumps({"amount": number} | more)}


EVENT = {"name": "it", "kind": "event", "event_type": "purchase", "where": [], "horizon_ms": 2 * DAY}
EVENT |= {"eligible": {"event_type": "purchase"}}
SOON = START + 100 * DAY


def labels_of(found: TrainingRows) -> dict[tuple[str, float], int]:
    return {(r["entity_id"], (r["t"] - START) / DAY): r["label"] for r in found.rows.to_pylist()}


def test_who_left_later_stays_in_the_rows_from_before() -> None:
    events = [purchase(1, 0), purchase(2, 5), purchase(3, 6, event_type="visit"), purchase(4, 0.5, "B")]
    found = labels_of(made(document(EVENT | {"censor": {"event_type": "visit"}}, START + DAY), events, SOON))
    # A closes its account on day 6: its rows up to the 4th stay, those whose horizon holds that day are unknown.
    assert {day: label for (who, day), label in found.items() if who == "A"} == {
        **{1: 0, 2: 0, 3: 0, 4: 1},
        **dict.fromkeys(range(7, 13), 0),
    }
    assert sum(who == "B" for who, _ in found) == 12


def test_a_refund_known_after_t_leaves_the_row_but_not_the_label() -> None:
    refund = purchase(9, 6, event_type="refund", purchase_id="e1")
    events = [purchase(1, 0), refund, purchase(2, 3), purchase(3, 8, event_type="refund", purchase_id="e2")]
    found = labels_of(made(document(EVENT, START + DAY), events, SOON))
    # The purchase of day 3 was refunded on day 8: it never came. Until it is known that both were, A is eligible.
    assert found == {("A", day): 0 for day in range(1, 9)}


def test_the_wait_for_late_facts_begins_when_the_horizon_ends() -> None:
    events = [purchase(1, 0), purchase(2, 20)]
    closed = START + 8 * DAY
    assert len(made(document(EVENT, START + DAY), events, closed).rows) == 6
    late = made(document(EVENT | {"maturity_ms": 3 * DAY}, START + DAY), events, closed)
    assert len(late.rows) == 3
    assert late.dropped["label_horizon_open"] == 9


def test_the_first_of_two_events_at_one_instant_is_by_availability_then_id() -> None:
    label = EVENT | {"kind": "category", "field": "channel", "values": ["web"]}
    events = [purchase(1, 0), purchase(3, 2, channel="shop"), purchase(2, 2, channel="web")]
    assert labels_of(made(document(label, START + DAY), events, SOON))["A", 1] == 1
    events[2]["available_at"] += 1
    assert labels_of(made(document(label, START + DAY), events, SOON))["A", 1] == 0


@pytest.mark.parametrize("fraction", [0.1, 0.5])
def test_entities_are_drawn_anew_for_each_instant_by_their_hash(fraction: float) -> None:
    who = [f"c{i}" for i in range(200)]
    events = [purchase(i, 0, name) for i, name in enumerate(who)]
    all_rows = made(document(EVENT, START + DAY), events, SOON)
    some = made(document(EVENT, START + DAY, sampling={"fraction": fraction, "seed": 7}), events, SOON)

    def drawn(entity: str, t: int) -> bool:
        digest = hashlib.sha256(f"7:{t}:{entity}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < fraction

    assert some.rows.to_pylist() == [r for r in all_rows.rows.to_pylist() if drawn(r["entity_id"], r["t"])]
    assert some.dropped["not_sampled"] == len(all_rows.rows) - len(some.rows)
    assert abs(len(some.rows) / 2400 - fraction) < 0.05
    assert len({row["entity_id"] for row in some.rows.to_pylist()}) > fraction * 300, "not the same ones every time"


@pytest.mark.parametrize(("level", "reached"), [(4, 1), (5, 1), (6, 0)])
def test_a_sum_at_its_level_reaches_it_and_is_not_below(level: int, reached: int) -> None:
    events = [purchase(1, 0), purchase(2, 2), purchase(3, 2.5)]
    label = EVENT | {"kind": "sum", "field": "amount"}
    for crosses, wanted in (({"at_least": level}, reached), ({"below": level}, 1 - reached)):
        assert labels_of(made(document(label | crosses, START + DAY), events, SOON))["A", 1] == wanted
