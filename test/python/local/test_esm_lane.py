"""Batching, retries, splitting and discarding of one lane, against the sentences of the AWS Lambda developer guide."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from aws_facts import answer
from tidemark_local.lambda_esm.lane import RETRIES_EXHAUSTED, Lane, Outcome, Record, Settings, first_failure

OK, THROWN, THROTTLED = Outcome(), Outcome(error="Unhandled"), Outcome(invoked=False, error="Throttled")


def record(number: int, arrival: float = 0.0, size: int = 100) -> Record:
    return Record("key", f"{number:04d}", arrival, size, {"n": number})


def lane_with(*numbers: int, now: float = 0.0) -> Lane:
    lane = Lane()
    for number in numbers:
        lane.offer(record(number), now)
    return lane


def numbers(batch) -> list[int]:
    return [item.event["n"] for item in batch.records] if batch else []


def failing(*found: int) -> Outcome:
    return Outcome(body={"batchItemFailures": [{"itemIdentifier": f"{number:04d}"} for number in found]})


class Driver:
    """Runs a lane with a clock of its own against a function given as a rule over the numbers of a batch."""

    def __init__(self, settings: Settings, function, lane: Lane):
        self.settings, self.function, self.lane = settings, function, lane
        self.now, self.sent, self.discards = 0.0, [], []

    def run(self, limit: int = 500):
        for _ in range(limit):
            batch, aged = self.lane.next(self.settings, self.now, closed=False)
            self.discards += aged
            if batch is None:
                wake = self.lane.wake_at(self.settings, self.now)
                if wake is None:
                    return self
                self.now = max(self.now, wake)
                continue
            self.sent.append(numbers(batch))
            self.discards += self.lane.complete(self.settings, self.function(numbers(batch)), self.now)
        raise AssertionError(f"still busy after {limit} steps: {self.sent[-3:]}")


@pytest.mark.parametrize(
    "body",
    [None, {}, "", {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}],
    ids=["null response", "empty response", "empty text", "empty list", "null list", "no list"],
)
def test_complete_success(body):
    assert first_failure(Outcome(body=body), [record(1), record(2)], partial=True) is None


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifer": "0002"}],
        [{"itemIdentifier": "0099"}],
        ["0002"],
    ],
    ids=["empty", "null", "badly named", "not in the batch", "not an object"],
)
def test_complete_failure(failures):
    assert first_failure(Outcome(body={"batchItemFailures": failures}), [record(1), record(2)], partial=True) == 0


def test_lowest_sequence_number_is_the_checkpoint():
    assert first_failure(failing(4, 2, 3), [record(n) for n in range(1, 5)], partial=True) == 1


def test_a_bad_identifier_among_good_ones_fails_the_whole_batch():
    body = {"batchItemFailures": [{"itemIdentifier": "0002"}, {"itemIdentifier": ""}]}
    assert first_failure(Outcome(body=body), [record(1), record(2)], partial=True) == 0


def test_failures_are_ignored_without_report_batch_item_failures():
    assert first_failure(failing(1), [record(1)], partial=False) is None


def test_a_thrown_error_fails_the_whole_batch_whatever_the_body_says():
    assert first_failure(Outcome(error="Unhandled", body={"batchItemFailures": []}), [record(1)], partial=True) == 0


def test_one_batch_at_a_time_in_order():
    lane, settings = lane_with(1, 2, 3), Settings(batch_size=2)
    first, _ = lane.next(settings, 0, closed=False)
    assert numbers(first) == [1, 2]
    assert lane.next(settings, 0, closed=False) == (None, [])
    lane.complete(settings, OK, 0)
    assert numbers(lane.next(settings, 0, closed=False)[0]) == [3]


def test_the_window_waits_for_more_and_a_full_batch_does_not():
    settings = Settings(batch_size=3, window=5)
    lane = lane_with(1, 2, now=10.0)
    assert lane.next(settings, 14.9, closed=False)[0] is None
    assert lane.wake_at(settings, 14.9) == 15.0
    lane.offer(record(3), 14.9)
    assert numbers(lane.next(settings, 14.9, closed=False)[0]) == [1, 2, 3]


def test_the_window_ends():
    assert numbers(lane_with(1, now=10.0).next(Settings(window=5), 15.0, closed=False)[0]) == [1]


def test_a_closed_shard_does_not_wait_for_its_window():
    assert numbers(lane_with(1).next(Settings(window=300), 0, closed=True)[0]) == [1]


def test_a_payload_has_at_most_six_megabytes_and_is_sent_before_the_window_ends():
    lane = Lane()
    for number in range(4):
        lane.offer(record(number, size=2_500_000), 0)
    settings = Settings(batch_size=100, window=300)
    sent = []
    while (batch := lane.next(settings, 0, closed=True)[0]) is not None:
        sent.append(numbers(batch))
        lane.complete(settings, OK, 0)
    assert sent == [[0, 1], [2, 3]]
    lane = Lane()
    for number in range(3):
        lane.offer(record(number, size=2_500_000), 0)
    assert numbers(lane.next(settings, 0, closed=False)[0]) == [0, 1]


def test_a_record_beyond_the_payload_limit_is_sent_alone():
    lane = Lane()
    lane.offer(record(1, size=7_000_000), 0)
    assert numbers(lane.next(Settings(), 0, closed=False)[0]) == [1]


def test_retries_are_those_after_the_first_invocation():
    run = Driver(Settings(max_retries=2), lambda _: THROWN, lane_with(1, 2)).run()
    assert run.sent == [[1, 2]] * 3
    [discard] = run.discards
    assert (discard.condition, discard.invocations) == (RETRIES_EXHAUSTED, 3)
    assert [item.event["n"] for item in discard.records] == [1, 2]


def test_no_retries():
    run = Driver(Settings(max_retries=0), lambda _: THROWN, lane_with(1)).run()
    assert run.sent == [[1]] and len(run.discards) == 1


def test_what_follows_a_discarded_batch_is_processed():
    run = Driver(
        Settings(batch_size=1, max_retries=1), lambda sent: THROWN if sent == [1] else OK, lane_with(1, 2)
    ).run()
    assert run.sent == [[1], [1], [2]]


def test_a_throttle_does_not_use_up_the_quota():
    answers = iter([THROTTLED] * 5 + [THROWN, OK])
    run = Driver(Settings(max_retries=1), lambda _: next(answers), lane_with(1)).run()
    assert len(run.sent) == 7 and run.discards == []


def test_retries_wait_longer_each_time():
    times = []
    driver = Driver(Settings(max_retries=4), lambda _: (times.append(driver.now), THROWN)[1], lane_with(1))
    driver.run()
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps == sorted(gaps) and gaps[-1] >= 4 * gaps[0] > 0


def test_a_partial_failure_delivers_the_rest_again_from_the_checkpoint():
    answers = iter([failing(3), OK])
    run = Driver(Settings(partial=True), lambda _: next(answers), lane_with(1, 2, 3, 4)).run()
    assert run.sent == [[1, 2, 3, 4], [3, 4]]


def test_splitting_at_the_returned_sequence_number_does_not_count_against_the_quota():
    settings = Settings(partial=True, bisect=True, max_retries=0)
    run = Driver(settings, lambda sent: failing(3) if 3 in sent else OK, lane_with(1, 2, 3, 4)).run()
    assert run.sent == [[1, 2, 3, 4], [3, 4], [3], [4]]
    assert [[item.event["n"] for item in discard.records] for discard in run.discards] == [[3]]


def test_splitting_in_halves_finds_the_bad_record_in_time():
    everything = list(range(1, 101))
    run = Driver(
        Settings(bisect=True, max_retries=0), lambda sent: THROWN if 42 in sent else OK, lane_with(*everything)
    ).run()
    assert [[item.event["n"] for item in discard.records] for discard in run.discards] == [[42]]
    assert sum(42 in sent for sent in run.sent) <= 8  # ⌈log2 100⌉ + 1
    handled = [number for sent in run.sent if 42 not in sent for number in sent]
    assert handled == [number for number in everything if number != 42]


def test_without_splitting_the_rest_of_the_batch_is_discarded_with_the_bad_record():
    run = Driver(Settings(partial=True, max_retries=1), lambda _: failing(2), lane_with(1, 2, 3)).run()
    assert run.sent == [[1, 2, 3], [2, 3], [2, 3]]
    assert [item.event["n"] for item in run.discards[0].records] == [2, 3]


def test_records_beyond_the_maximum_age_are_discarded_before_they_are_sent():
    lane = Lane()
    lane.offer(record(1, arrival=0), 0)
    lane.offer(record(2, arrival=50), 50)
    batch, [discard] = lane.next(Settings(max_age=60), 61, closed=False)
    assert numbers(batch) == [2]
    found = (discard.condition, discard.invocations, discard.last)
    assert found == (answer("kinesis-esm.age-condition"), answer("kinesis-esm.age-invocations-on-arrival"), None)


def test_infinite_retries_end_with_the_maximum_age():
    run = Driver(Settings(max_age=60), lambda _: THROWN, lane_with(1)).run()
    [discard] = run.discards
    assert discard.condition == answer("kinesis-esm.age-condition") and discard.last is None
    assert discard.invocations == answer("kinesis-esm.age-invocations-while-retrying") == len(run.sent) + 1
    assert 60 < run.now < 75


@pytest.mark.parametrize("bisect", [False, True])
def test_after_the_checkpoint_moved_the_rest_has_its_whole_quota(bisect):
    recorded = answer("kinesis-esm.quota-after-checkpoint")
    settings = Settings(batch_size=3, max_retries=3, partial=True, bisect=bisect)
    run = Driver(settings, lambda _: failing(3), lane_with(1, 2, 3)).run()
    [discard] = run.discards
    assert sum(3 in sent for sent in run.sent) == recorded["deliveries"]
    assert discard.invocations == recorded["approximateInvokeCount"] and discard.last.error is None


def test_only_the_aged_part_of_a_waiting_batch_is_discarded():
    lane, settings = Lane(), Settings(max_age=60)
    lane.offer(record(1, arrival=0), 0)
    lane.offer(record(2, arrival=55), 55)
    lane.next(settings, 56, closed=False)
    lane.complete(settings, THROWN, 56)
    batch, [discard] = lane.next(settings, 62, closed=False)
    assert numbers(batch) == [2] and discard.invocations == 2


@given(
    bad=st.sets(st.integers(0, 39), max_size=6),
    size=st.integers(1, 40),
    bisect=st.booleans(),
    partial=st.booleans(),
    retries=st.integers(0, 3),
)
def test_every_record_is_handled_or_discarded_and_the_first_time_in_order(bad, size, bisect, partial, retries):
    def function(sent):
        if not bad & set(sent):
            return OK
        return failing(*(bad & set(sent))) if partial else THROWN

    run = Driver(Settings(size, 0, retries, -1, bisect, partial), function, lane_with(*range(40))).run(5000)
    seen: list[int] = []
    for sent in run.sent:
        assert sent == sorted(sent)
        seen += [number for number in sent if number not in seen]
    assert seen == list(range(40))
    discarded = [item.event["n"] for discard in run.discards for item in discard.records]
    assert len(discarded) == len(set(discarded)) and bad <= set(discarded)
    if bisect:
        assert set(discarded) == bad  # no good record is given up with a bad one
