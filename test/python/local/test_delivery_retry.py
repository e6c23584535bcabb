"""Attempts under the retry policies of rules and schedules, without a clock."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.deliveries.retry import DEFAULT_AGE_SECONDS, DEFAULT_ATTEMPTS, deliver
from tidemark_local.deliveries.sending import Undelivered


class Clock:
    """Stands still but for sleeping; fails the first `failing` attempts."""

    def __init__(self, failing: float, *, retriable: bool = True):
        self.now, self.attempts, self._failing, self._retriable = 0.0, 0, failing, retriable

    def attempt(self) -> None:
        self.attempts += 1
        if self.attempts <= self._failing:
            raise Undelivered("THROTTLING", "Rate exceeded", retriable=self._retriable)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self, policy: dict):
        return deliver(self.attempt, policy, lambda: self.now, self.sleep)


def test_a_passing_trouble_is_retried_and_forgotten():
    clock = Clock(3)
    assert clock.run({}) == (None, 3)
    assert clock.attempts == 4 and clock.now > 0


def test_what_no_retry_can_help_is_given_up_at_once():
    clock = Clock(1, retriable=False)
    failure, retries = clock.run({})
    assert failure is not None
    assert (failure.code, failure.exhausted, retries, clock.attempts) == ("THROTTLING", None, 0, 1)


@pytest.mark.parametrize(
    ("policy", "exhausted"),
    [
        ({"MaximumRetryAttempts": 2}, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 60}, "MaximumEventAgeInSeconds"),
    ],
)
def test_the_limit_that_ended_it_is_told(policy, exhausted):
    clock = Clock(float("inf"))
    failure, retries = clock.run(policy)
    assert failure is not None
    assert failure.exhausted == exhausted and failure.retries == retries == clock.attempts - 1
    if "MaximumRetryAttempts" in policy:
        assert retries == 2
    else:
        assert clock.now <= 60


def test_without_a_policy_the_defaults_of_eventbridge_end_it():
    clock = Clock(float("inf"))
    failure, retries = clock.run({})
    assert failure is not None
    assert (failure.exhausted, retries) == ("MaximumRetryAttempts", DEFAULT_ATTEMPTS)
    assert clock.now < DEFAULT_AGE_SECONDS
