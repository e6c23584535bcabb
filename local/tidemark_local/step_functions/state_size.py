"""A state of Step Functions gives at most 256 KiB.

"Maximum input or output size for a task, state, or execution: 256 KiB of data as a UTF-8 encoded string"
(https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html); what is larger fails as
`States.DataLimitExceeded` (…/concepts-error-handling.html), which no `States.ALL` catches.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from ministack.services import stepfunctions

from ..host.context import LocalContext
from ..host.limits import limit
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_KINDS = ("_execute_pass", "_execute_task", "_execute_parallel", "_execute_map")


def register(_context: LocalContext) -> None:
    """Measures what states give. Call it once, after the plug-ins that replace how states are run."""
    for name in _KINDS:
        setattr(stepfunctions, name, _measured(getattr(stepfunctions, name)))


def _measured(execute: Callable) -> Callable:
    @functools.wraps(execute)
    def run(state_def: dict, raw_input: Any, *rest: Any) -> tuple[Any, Any]:
        output, following = execute(state_def, raw_input, *rest)
        size = len(json.dumps(output, ensure_ascii=False, separators=(",", ":"), default=str).encode())
        if size > limit("states.payload-bytes"):
            name = state_def.get("Resource") or _name(rest)
            raise stepfunctions._ExecutionError(
                "States.DataLimitExceeded",
                f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service "
                "limit.",
            )
        return output, following

    return run


def _name(rest: tuple[Any, ...]) -> str:
    context = rest[-1] if rest and isinstance(rest[-1], dict) else {}
    return (context.get("State") or {}).get("Name", "")


PLUGIN = Plugin(
    name="step_functions.state_size",
    service="Step Functions",
    words=__doc__,
    alone="Takes states of any size.",
    register=register,
    operations=["stepfunctions:StartExecution"],
    relies_on=[
        ReliesOn(
            "services.stepfunctions",
            functions={
                "_execute_map": "(state_def, raw_input, execution, ctx)",
                "_execute_parallel": "(state_def, raw_input, execution, ctx)",
                "_execute_pass": "(state_def, raw_input, ctx)",
            },
            values=["_ExecutionError"],
            has={"_run_execution": ['"Pass": _execute_pass'], "_run_sub_machine": ['"Task": _execute_task']},
        )
    ],
)
