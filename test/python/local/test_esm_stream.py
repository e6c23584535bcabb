"""Shards of one mapping: starting positions, resharding, lanes by partition key and changed settings."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.lambda_esm.lane import Outcome, Record, Settings
from tidemark_local.lambda_esm.stream import TRIM_HORIZON, Position, Shard, StreamProcessor


def record(sequence: int, key: str = "key") -> Record:
    return Record(key, f"{sequence:04d}", 0.0, 100, {"n": sequence})


def processor(
    *shards: Shard, starting: str = "TRIM_HORIZON", timestamp: float | None = None, **settings
) -> StreamProcessor:
    return StreamProcessor(Settings(**settings), starting, timestamp, list(shards))


def positions(subject: StreamProcessor) -> dict[str, Position]:
    return {shard: position for shard, position, _room in subject.wants()}


def sent(subject: StreamProcessor) -> list[tuple[str, list[int]]]:
    """Sends all that is due, with success."""
    found = []
    while invocations := subject.next(0)[0]:
        for invocation in invocations:
            found.append((invocation.shard, [item.event["n"] for item in invocation.batch.records]))
            subject.complete(invocation, Outcome(), 0)
    return found


def test_trim_horizon_reads_from_the_beginning():
    assert positions(processor(Shard("a", newest="0009"))) == {"a": TRIM_HORIZON}


def test_latest_reads_what_comes_after_the_mapping_was_made():
    subject = processor(Shard("a", newest="0009"), Shard("b"), starting="LATEST")
    assert positions(subject) == {"a": Position("AFTER", "0009"), "b": TRIM_HORIZON}


def test_at_timestamp():
    assert positions(processor(Shard("a"), starting="AT_TIMESTAMP", timestamp=5.0)) == {
        "a": Position("AT_TIMESTAMP", 5.0)
    }


def test_an_unknown_starting_position_is_refused():
    with pytest.raises(ValueError, match="use TRIM_HORIZON, LATEST or AT_TIMESTAMP"):
        processor(Shard("a"), starting="NEWEST")


def test_a_shard_born_later_is_read_from_its_beginning_though_the_mapping_began_at_latest():
    subject = processor(Shard("a", newest="0009"), starting="LATEST")
    subject.update_shards([Shard("a", newest="0009", closed=True), Shard("b", ("a",), newest="0012")])
    subject.offer("a", [], None, at_end=True, now=0)
    assert positions(subject) == {"b": TRIM_HORIZON}


def test_a_child_waits_until_every_record_of_its_parent_is_done():
    subject = processor(Shard("a"))
    subject.update_shards([Shard("a", closed=True), Shard("b", ("a",)), Shard("c", ("a",))])
    subject.offer("a", [record(1), record(2)], "0002", at_end=True, now=0)
    assert set(positions(subject)) == {"a"}
    [invocation], _ = subject.next(0)
    assert set(positions(subject)) == {"a"}
    subject.complete(invocation, Outcome(error="Unhandled"), 0)
    assert set(positions(subject)) == {"a"}, "a failed batch of the parent is not done"
    [invocation], _ = subject.next(60)
    subject.complete(invocation, Outcome(), 60)
    assert set(positions(subject)) == {"b", "c"}


def test_a_merged_child_waits_for_both_parents():
    subject = processor(Shard("a"), Shard("b"))
    subject.update_shards([Shard("a", closed=True), Shard("b", closed=True), Shard("c", ("a", "b"))])
    subject.offer("a", [], None, at_end=True, now=0)
    assert "c" not in positions(subject)
    subject.offer("b", [], None, at_end=True, now=0)
    assert set(positions(subject)) == {"c"}


def test_a_parent_that_has_expired_does_not_hold_its_child():
    assert set(positions(processor(Shard("b", ("a",))))) == {"b"}


def test_grandchildren_follow_at_once_when_their_ancestors_are_empty():
    subject = processor(Shard("a", closed=True), Shard("b", ("a",), closed=True), Shard("c", ("b",)))
    for shard in ("a", "b"):
        subject.offer(shard, [], None, at_end=True, now=0)
    assert set(positions(subject)) == {"c"}


def test_filtered_records_count_as_read():
    subject = processor(Shard("a"))
    subject.offer("a", [], "0007", at_end=True, now=0)
    assert positions(subject) == {"a": Position("AFTER", "0007")} and sent(subject) == []


def test_one_key_stays_in_one_lane_and_in_order():
    subject = processor(Shard("a"), lanes=4, batch_size=2)
    keys = [f"key-{number % 7}" for number in range(40)]
    subject.offer("a", [record(number, key) for number, key in enumerate(keys)], "0039", at_end=True, now=0)
    invocations, _ = subject.next(0)
    in_flight = [{keys[item.event["n"]] for item in invocation.batch.records} for invocation in invocations]
    assert 1 < len(in_flight) <= 4 and not set.intersection(*in_flight)
    order = [item.event["n"] for invocation in invocations for item in invocation.batch.records]
    for invocation in invocations:
        subject.complete(invocation, Outcome(), 0)
    order += [number for _, batch in sent(subject) for number in batch]
    for key in set(keys):
        of_key = [number for number in order if keys[number] == key]
        assert of_key == sorted(of_key) and len(of_key) == keys.count(key)


def test_a_failing_key_does_not_hold_the_other_lanes():
    subject = processor(Shard("a"), lanes=2, batch_size=1)
    subject.offer("a", [record(1, "x"), record(2, "w"), record(3, "x"), record(4, "w")], "0004", at_end=True, now=0)
    invocations, _ = subject.next(0)
    assert len(invocations) == 2, "the two keys must fall into different lanes for this test"
    subject.complete(invocations[0], Outcome(error="Unhandled"), 0)
    subject.complete(invocations[1], Outcome(), 0)
    assert [batch for _, batch in sent(subject)] == [[4] if invocations[1].batch.records[0].key == "w" else [3]]


def test_reading_stops_when_enough_is_waiting():
    subject = processor(Shard("a"))
    subject.offer("a", [record(number) for number in range(1000)], "0999", at_end=False, now=0)
    assert positions(subject) == {}


def test_more_lanes_begin_at_the_oldest_record_that_is_not_done():
    subject = processor(Shard("a"), batch_size=2)
    subject.offer("a", [record(number) for number in range(1, 6)], "0005", at_end=True, now=0)
    [invocation], _ = subject.next(0)
    subject.update_settings(Settings(batch_size=2, lanes=3))
    assert subject.next(0) == ([], []) and positions(subject) == {}, "the batch in flight must end first"
    subject.complete(invocation, Outcome(), 0)
    assert positions(subject) == {"a": Position("AT", "0003")}


def test_another_batch_size_holds_for_the_next_batch():
    subject = processor(Shard("a"), batch_size=1)
    subject.offer("a", [record(1), record(2), record(3)], "0003", at_end=True, now=0)
    [invocation], _ = subject.next(0)
    subject.update_settings(Settings(batch_size=10))
    subject.complete(invocation, Outcome(), 0)
    assert sent(subject) == [("a", [2, 3])]
