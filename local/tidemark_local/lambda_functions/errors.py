"""What a function's error looks like to who called it: named by its class, with its trace.

"Understanding retry behavior in Lambda" and "Using the Lambda runtime API": the error object has `errorType` and
`errorMessage`, for Node.js `trace` (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html), for Python
`requestId` and `stackTrace` (https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html). The emulator names
every error `Runtime.HandlerError`, so that no Retry or Catch on a class could be tried.
"""

import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

# In the emulator's worker scripts, which report an error as one JSON line: what is replaced, by what.
_SCRIPTS = {
    "_NODEJS_WORKER_SCRIPT": (
        'status: "error", error: String(err.message || err), trace: err.stack || ""',
        'status: "error", error: String(err.message || err), trace: err.stack || "", errorType: err.name || typeof err',
    ),
    "_PYTHON_WORKER_SCRIPT": (
        '{"status": "error", "error": str(e), "trace": traceback.format_exc()}',
        '{"status": "error", "error": str(e), "trace": traceback.format_exc(), "errorType": type(e).__name__, '
        '"stackTrace": traceback.format_tb(e.__traceback__)[1:]}',
    ),
}
_SYNCHRONOUS = ('status: "error", error: e.message, trace: e.stack', "errorType: e.name")
_last = threading.local()


def register(_context: LocalContext) -> None:
    """Lets errors of Node.js and Python functions carry their class and trace. Call it once, before a function runs."""
    for name, (before, after) in _SCRIPTS.items():
        setattr(lambda_runtime, name, _replaced(getattr(lambda_runtime, name), before, after))
    thrown, added = _SYNCHRONOUS
    node = _replaced(lambda_runtime._NODEJS_WORKER_SCRIPT, thrown, f"{thrown}, {added}")
    lambda_runtime._NODEJS_WORKER_SCRIPT = node
    invoke, execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm

    def remember(self: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        _last.answer = invoke(self, *arguments, **named)
        return _last.answer

    def execute_and_name(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        _last.answer = None
        result = execute(function, event, request_id)
        answer = _last.answer
        if result.get("error") and answer and answer.get("errorType"):
            result["body"] = payload(answer, request_id)
        return result

    lambda_runtime.Worker.invoke = remember
    lambda_svc._execute_function_warm = execute_and_name


def payload(answer: dict[str, Any], request_id: str) -> dict[str, Any]:
    """The error object of a worker's answer, as its runtime makes it."""
    if "stackTrace" in answer:
        return {
            "errorMessage": answer["error"],
            "errorType": answer["errorType"],
            "requestId": request_id,
            "stackTrace": answer["stackTrace"],
        }
    trace = (answer.get("trace") or "").split("\n")
    return {"errorType": answer["errorType"], "errorMessage": answer["error"], "trace": trace}


def _replaced(text: str, before: str, after: str) -> str:
    if before not in text:
        raise RuntimeError(
            f"the emulator's worker script does not have {before!r} any more: see lambda_functions/errors.py"
        )
    return text.replace(before, after)


PLUGIN = Plugin(
    name="lambda_functions.errors",
    service="Lambda",
    words=__doc__,
    alone="Names every error `Runtime.HandlerError`, so that no Retry or Catch on a class can be tried.",
    register=register,
    operations=["lambda:Invoke"],
    relies_on=[
        ReliesOn(
            "core.lambda_runtime",
            values=["_NODEJS_WORKER_SCRIPT"],
            has={"_detect_runtime_binary": ["_NODEJS_WORKER_SCRIPT"]},
        ),
        ReliesOn(
            "services.lambda_svc",
            functions={"_execute_function_warm": "(func, event, request_id)"},
            has={"_execute_function_dispatch": ["_execute_function_warm"], "_execute_function_warm": ["worker.invoke"]},
        ),
    ],
)
