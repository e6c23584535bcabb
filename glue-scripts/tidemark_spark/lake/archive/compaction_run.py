"""Running the compaction from another job, which needs what the archive holds by now."""

from __future__ import annotations

import time
from collections.abc import Callable

from tidemark_spark import aws

_POLL_SECONDS = 5
_ENDED_BADLY = {"FAILED", "ERROR", "TIMEOUT", "STOPPED", "EXPIRED"}


class CompactionError(RuntimeError):
    """The compaction ended, but not well; the message is Glue's."""


def compact_now(job: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Starts the Glue job `job` and waits for its end; where a run of it is under way, waits and tries again.

    Raises CompactionError when the run does not succeed.
    """
    client = aws.client("glue")
    run = None
    while run is None:
        try:
            run = client.start_job_run(JobName=job)["JobRunId"]
        except client.exceptions.ConcurrentRunsExceededException:
            # The hourly run: it may have listed the archive before what is needed was there.
            sleep(_POLL_SECONDS)
    while True:
        answer = client.get_job_run(JobName=job, RunId=run)["JobRun"]
        if answer["JobRunState"] == "SUCCEEDED":
            return
        if answer["JobRunState"] in _ENDED_BADLY:
            said = answer.get("ErrorMessage", "it gave no message")
            raise CompactionError(f"the compaction ended as {answer['JobRunState']}: {said} (run {run})")
        sleep(_POLL_SECONDS)
