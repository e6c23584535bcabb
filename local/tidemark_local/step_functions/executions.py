"""An execution as Step Functions runs it: its tasks know it, it ends with the output it should, and in time.

- The `Output` of a Succeed state in JSONata (https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html)
  is the execution's; MiniStack leaves it out.
- `output`: "This field is set only if the execution succeeds"
  (https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html).
- "If a task using this pattern is aborted, Step Functions will make a best-effort attempt to cancel the task"
  (https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html): MiniStack lets the thread of a task
  run on, so the task is told that its time is up.
"""

import contextvars
import functools
import threading
from typing import Any

from ministack.services import stepfunctions

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

# The execution that the current thread works for. MiniStack copies the context into the threads of Map and Parallel.
_current: contextvars.ContextVar[dict | None] = contextvars.ContextVar("tidemark_execution", default=None)
# Set when the task of the current thread has run out of its TimeoutSeconds.
_timed_out: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("tidemark_timed_out", default=None)


def current() -> dict | None:
    """The execution that the current thread works for."""
    return _current.get()


def timed_out() -> bool:
    """Whether the task of the current thread has run out of its TimeoutSeconds."""
    expired = _timed_out.get()
    return expired is not None and expired.is_set()


def register(_context: LocalContext) -> None:
    """Takes over how tasks are run and executions end. Call it once, before anything is executed."""
    _tell_tasks()
    _end_in_time()
    _end_with_output()


def _tell_tasks() -> None:
    task = stepfunctions._execute_task

    @functools.wraps(task)
    def execute_task(state_def: dict, raw_input: Any, execution: dict, ctx: dict) -> Any:
        token = _current.set(execution)
        try:
            return task(state_def, raw_input, execution, ctx)
        finally:
            _current.reset(token)

    stepfunctions._execute_task = execute_task


def _end_in_time() -> None:
    timed = stepfunctions._invoke_resource_with_timeout

    @functools.wraps(timed)
    def invoke_with_timeout(resource: str, arguments: Any, timeout: float) -> Any:
        expired = threading.Event()
        token = _timed_out.set(expired)
        try:
            return timed(resource, arguments, timeout)
        except stepfunctions._ExecutionError as error:
            if error.error == "States.Timeout":
                expired.set()
            raise
        finally:
            _timed_out.reset(token)

    stepfunctions._invoke_resource_with_timeout = invoke_with_timeout


def _end_with_output() -> None:
    output_path, emit = stepfunctions._apply_output_path, stepfunctions._emit_execution_status_event

    @functools.wraps(output_path)
    def apply_output_path(state_def: dict, data: Any, ctx: dict | None = None) -> Any:
        if state_def.get("Type") == "Succeed" and stepfunctions._state_query_language(state_def, ctx) == "JSONata":
            return stepfunctions._apply_jsonata_output(state_def, data, ctx, default=data)
        return output_path(state_def, data, ctx)

    @functools.wraps(emit)
    def emit_status(execution: dict) -> None:
        if execution["status"] == "FAILED":
            execution["output"] = None
        emit(execution)

    stepfunctions._apply_output_path, stepfunctions._emit_execution_status_event = apply_output_path, emit_status


PLUGIN = Plugin(
    name="step_functions.executions",
    service="Step Functions",
    words=__doc__,
    alone="Gives another output, and lets the task of a state that timed out run on.",
    register=register,
    operations=["stepfunctions:StartExecution", "stepfunctions:StartSyncExecution", "stepfunctions:DescribeExecution"],
    relies_on=[
        ReliesOn(
            "services.stepfunctions",
            functions={
                "_apply_jsonata_output": "(state_def, raw_input, ctx, result, error_output, default)",
                "_apply_output_path": "(state_def, data, ctx)",
                "_emit_execution_status_event": "(execution)",
                "_execute_task": "(state_def, raw_input, execution, ctx)",
                "_invoke_resource_with_timeout": "(resource, input_data, timeout)",
                "_state_query_language": "(state_def, ctx)",
            },
            values=["_ExecutionError"],
            has={
                "_run_execution": ["_apply_output_path", "_execute_task"],
                "_run_sub_machine": ["_apply_output_path", "_execute_task"],
                "_fail_execution": ["_emit_execution_status_event"],
                "_execute_task": ["_invoke_resource_with_timeout"],
            },
        )
    ],
)
