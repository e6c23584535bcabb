"""Running another Glue job to its end, by a job that needs what it makes."""

from __future__ import annotations

import time
from collections.abc import Callable

from tidemark_spark import aws

_POLL_SECONDS = 5
_ENDED_BADLY = {"FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED"}


class JobRunError(RuntimeError):
    """The run ended, but not well; the message is Glue's."""


def run_to_end(job: str, what: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Starts the Glue job `job` and waits for its end; where a run of it is under way, waits and tries again: that one
    may have begun before what it is needed for was there.

    `what` it is, for the message. Raises JobRunError when the run does not succeed.
    """
    client = aws.client("glue")
    run = None
    while run is None:
        try:
            run = client.start_job_run(JobName=job)["JobRunId"]
        except client.exceptions.ConcurrentRunsExceededException:
            sleep(_POLL_SECONDS)
    while True:
        answer = client.get_job_run(JobName=job, RunId=run)["JobRun"]
        if answer["JobRunState"] == "SUCCEEDED":
            return
        if answer["JobRunState"] in _ENDED_BADLY:
            said = answer.get("ErrorMessage", "it gave no message")
            raise JobRunError(f"{what} ended as {answer['JobRunState']}: {said} (run {run})")
        sleep(_POLL_SECONDS)
