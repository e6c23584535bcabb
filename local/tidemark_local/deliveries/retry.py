"""Attempts under a retry policy, as EventBridge and Scheduler make them.

"By default, EventBridge retries sending the event for 24 hours and up to 185 times with an exponential back off and
jitter" (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html); Scheduler's defaults are
the same (https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-flexible-time-windows.html). How
long the waits are is not said.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from .sending import Undelivered

DEFAULT_ATTEMPTS, DEFAULT_AGE_SECONDS = 185, 86_400
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 60.0


@dataclass(frozen=True)
class Failure:
    """What an event that was given up has to tell. `exhausted` is the limit that was met, None for an error that no
    retry can help; `retries` counts the attempts after the first."""

    code: str
    message: str
    exhausted: str | None
    retries: int


def deliver(
    attempt: Callable[[], None],
    policy: dict,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Failure | None, int]:
    """Attempts until it works or is given up; (failure or None, retries). `policy` is the target's RetryPolicy.

    `attempt` raises Undelivered.
    """
    most = int(policy.get("MaximumRetryAttempts", DEFAULT_ATTEMPTS))
    oldest = now() + int(policy.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS))
    retries = 0
    while True:
        try:
            attempt()
            return None, retries
        except Undelivered as error:
            wait = min(_FIRST_WAIT_SECONDS * 2**retries, _LONGEST_WAIT_SECONDS)
            exhausted = None
            if error.retriable:
                if retries < most and now() + wait <= oldest:
                    sleep(wait)
                    retries += 1
                    continue
                exhausted = "MaximumRetryAttempts" if retries >= most else "MaximumEventAgeInSeconds"
            return Failure(error.code, error.message, exhausted, retries), retries
