"""Glue Spark jobs for the local cloud: StartJobRun runs the script on PySpark, the engine of Glue 5.1.

StartJobRun, GetJobRun, GetJobRuns and BatchStopJobRun after
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html; the jobs themselves stay MiniStack's. Only
`glueetl` jobs are taken over. Job runs are kept in MiniStack's own table, so everything else of it sees them.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from ..host import processes
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from .arguments import resolve
from .job_run import GlueRun

logger = logging.getLogger("tidemark.glue")
_RUNNING = ("STARTING", "RUNNING", "WAITING", "STOPPING")
_MINUTE = 60.0
# Timeout: "The default is 480 minutes for jobs using AWS Glue version 5.0 or later, 2,880 minutes for earlier ones"
# (ETL jobs).
_DEFAULT_TIMEOUT_MINUTES = 480


class GlueJobs:
    """The operations on runs. Each takes the request's members and answers in MiniStack's form."""

    def __init__(self, context: LocalContext):
        self._context = context
        self._runs: dict[str, GlueRun] = {}

    def start(self, data: dict, otherwise: Callable[[dict], tuple]) -> tuple:
        """StartJobRun; jobs that are no Spark jobs go to MiniStack."""
        from ministack.services import glue

        name = data.get("JobName", "")
        job = glue._jobs.get(name)
        if job is None:
            return _error(
                "EntityNotFoundException", f"Failed to start job run due to missing metadata: job {name} not found"
            )
        if job.get("Command", {}).get("Name") != "glueetl":
            return otherwise(data)
        runs = glue._job_runs.setdefault(name, [])
        limit = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
        if sum(run["JobRunState"] in _RUNNING for run in runs) >= limit:
            return _error("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
        run_id = data.get("JobRunId") or f"jr_{secrets.token_hex(32)}"
        given = data.get("Arguments") or {}
        try:
            arguments = resolve(
                job.get("DefaultArguments") or {}, given, job.get("NonOverridableArguments") or {}, name, run_id
            )
        except ValueError as error:
            return _error("InvalidInputException", str(error))
        record = _record(job, run_id, given, data)
        runs.append(record)
        self._runs[run_id] = GlueRun(self._context, dict(job), record, arguments, record["Timeout"] * _MINUTE)
        return _answer({"JobRunId": run_id})

    def get(self, data: dict) -> tuple:
        """GetJobRun."""
        from ministack.services import glue

        for run in glue._job_runs.get(data.get("JobName"), []):
            if run["Id"] == data.get("RunId"):
                return _answer({"JobRun": _shown(run)})
        return _error("EntityNotFoundException", f"Job run {data.get('RunId')} not found")

    def list(self, data: dict) -> tuple:
        """GetJobRuns: newest first, in pages of MaxResults (200 unless given)."""
        from ministack.services import glue

        if data.get("JobName") not in glue._jobs:
            return _error("EntityNotFoundException", f"Job {data.get('JobName')} not found")
        runs = list(reversed(glue._job_runs.get(data["JobName"], [])))
        token, size = data.get("NextToken") or "0", data.get("MaxResults") or 200
        if not token.isdigit():
            return _error(
                "InvalidInputException", "NextToken is invalid: pass the token of the previous answer unchanged."
            )
        start = int(token)
        answer: dict = {"JobRuns": [_shown(run) for run in runs[start : start + size]]}
        if start + size < len(runs):
            answer["NextToken"] = str(start + size)
        return _answer(answer)

    def stop(self, data: dict, otherwise: Callable[[dict], tuple]) -> tuple:
        """BatchStopJobRun: a run that is stopped already is an error of its own, the others are still stopped."""
        from ministack.services import glue

        name = data.get("JobName", "")
        if glue._jobs.get(name, {}).get("Command", {}).get("Name") != "glueetl":
            return otherwise(data)
        known = {run["Id"]: run for run in glue._job_runs.get(name, [])}
        stopped, errors = [], []
        for run_id in data.get("JobRunIds", []):
            run = known.get(run_id)
            if run is None:
                errors.append(_stop_error(name, run_id, "JobRunNotFoundException", "Job run not found"))
            elif run["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
                message = f"Job run is in state {run['JobRunState']} and cannot be stopped"
                errors.append(_stop_error(name, run_id, "JobRunNotInValidStateException", message))
            else:
                self._runs[run_id].stop()
                stopped.append({"JobName": name, "JobRunId": run_id})
        return _answer({"SuccessfulSubmissions": stopped, "Errors": errors})


def _record(job: dict, run_id: str, given: dict, data: dict) -> dict:
    moment = time.time()
    return {
        "Id": run_id,
        "Attempt": 0,
        "JobName": job["Name"],
        "JobMode": "SCRIPT",
        "StartedOn": moment,
        "LastModifiedOn": moment,
        "JobRunState": "STARTING",
        "Arguments": given,
        "PredecessorRuns": [],
        "AllocatedCapacity": data.get("NumberOfWorkers") or job.get("NumberOfWorkers") or 2,
        "ExecutionTime": 0,
        "Timeout": data.get("Timeout") or _timeout(job),
        "MaxCapacity": float(data.get("NumberOfWorkers") or job.get("NumberOfWorkers") or 2),
        "WorkerType": data.get("WorkerType") or job.get("WorkerType") or "G.1X",
        "NumberOfWorkers": data.get("NumberOfWorkers") or job.get("NumberOfWorkers") or 2,
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": job.get("GlueVersion") or "5.1",
        "ExecutionClass": data.get("ExecutionClass") or "STANDARD",
    }


def _timeout(job: dict) -> int:
    # MiniStack puts 2880, the default of older Glue versions, into a job that names none.
    timeout = job.get("Timeout")
    return timeout if timeout and timeout != 2880 else _DEFAULT_TIMEOUT_MINUTES


def _shown(run: dict) -> dict:
    return {key: value for key, value in run.items() if value is not None}


def _stop_error(name: str, run_id: str, code: str, message: str) -> dict:
    return {"JobName": name, "JobRunId": run_id, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": message}}


def _answer(data: dict, status: int = 200) -> tuple:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()


def _error(code: str, message: str) -> tuple:
    return _answer({"__type": code, "Message": message}, 400)


def register(context: LocalContext) -> None:
    """Takes over Glue's operations on Spark job runs. Call it once."""
    from ministack.services import glue
    from ministack.services.cloudformation import provisioners

    jobs = GlueJobs(context)
    start, stop = glue._start_job_run, glue._batch_stop_job_run
    glue._start_job_run = lambda data: jobs.start(data, start)
    glue._batch_stop_job_run = lambda data: jobs.stop(data, stop)
    glue._get_job_run, glue._get_job_runs = jobs.get, jobs.list
    _keep_execution_property(glue, provisioners)
    context.on_stop(processes.stop_all)


def _keep_execution_property(glue: Any, provisioners: Any) -> None:
    """MiniStack drops a job's ExecutionProperty, which holds MaxConcurrentRuns: keep it, also from templates."""
    create, update = glue._create_job, glue._update_job
    provisioners._GLUE_JOB_DEFAULTS.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1})

    def create_job(data: dict) -> tuple:
        answer = create(data)
        if answer[0] == 200:
            glue._jobs[data["Name"]]["ExecutionProperty"] = data.get("ExecutionProperty") or {"MaxConcurrentRuns": 1}
        return answer

    def update_job(data: dict) -> tuple:
        answer = update(data)
        changed = (data.get("JobUpdate") or {}).get("ExecutionProperty")
        if answer[0] == 200 and changed:
            glue._jobs[data["JobName"]]["ExecutionProperty"] = changed
        return answer

    glue._create_job, glue._update_job = create_job, update_job


PLUGIN = Plugin(
    name="glue.jobs",
    service="Glue",
    words=__doc__,
    alone="Keeps jobs and their runs, and runs none on Spark.",
    register=register,
    operations=[
        "glue:StartJobRun",
        "glue:BatchStopJobRun",
        "glue:GetJobRun",
        "glue:GetJobRuns",
        "glue:CreateJob",
        "glue:UpdateJob",
    ],
    relies_on=[
        ReliesOn("services.cloudformation.provisioners", values=["_GLUE_JOB_DEFAULTS"]),
        ReliesOn(
            "services.glue",
            functions={
                "_batch_stop_job_run": "(data)",
                "_create_job": "(data)",
                "_get_job_run": "(data)",
                "_get_job_runs": "(data)",
                "_start_job_run": "(data)",
                "_update_job": "(data)",
            },
            values=["_job_runs", "_jobs"],
            has={
                "_handle_request_sync": [
                    "_get_job_run",
                    "_start_job_run",
                    "_get_job_runs",
                    "_create_job",
                    "_batch_stop_job_run",
                    "_update_job",
                ]
            },
        ),
    ],
)
