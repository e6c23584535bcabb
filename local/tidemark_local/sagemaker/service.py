"""SageMaker for the local cloud: training jobs, the model registry, models and endpoints, under IAM.

The control plane speaks AWS JSON 1.1 (`X-Amz-Target: SageMaker.<operation>`), the runtime REST-JSON
(`POST /endpoints/{name}/invocations`). Training jobs and endpoints run the user's scripts as processes of the project's
Python, under the script-mode contract of the XGBoost framework container and with the credentials of their own roles.
API reference: https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html
"""

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from ..host import processes
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from . import cloudformation, endpoints, iam, mlflow, models, registry, runtime, tags, training
from .errors import SageMakerError
from .state import SageMakerState

logger = logging.getLogger("tidemark.sagemaker")
OPERATIONS = training.OPERATIONS | models.OPERATIONS | registry.OPERATIONS | endpoints.OPERATIONS | tags.OPERATIONS
OPERATIONS |= mlflow.OPERATIONS
_INVOKERS = 64


def register(context: LocalContext) -> None:
    """Adds SageMaker to MiniStack. Call it once, before MiniStack serves."""
    from ministack import app
    from ministack.core import router

    state = SageMakerState.of(context)
    invokers = ThreadPoolExecutor(_INVOKERS, thread_name_prefix="invoke-endpoint")

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple[int, dict, bytes]:
        loop = asyncio.get_running_loop()
        invoked = iam.INVOKE_PATH.match(path)
        if invoked and method == "POST":
            return await loop.run_in_executor(invokers, _invoke, state, unquote(invoked.group(1)), headers, body)
        refused = iam.denied(headers, body, context.region, context.account)
        if refused:
            return refused
        return await asyncio.to_thread(_control, state, headers.get("x-amz-target", ""), body)

    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = handle
    iam.register()
    cloudformation.register(state)
    context.on_stop(processes.stop_all)


def _invoke(state: SageMakerState, name: str, headers: dict, body: bytes) -> tuple[int, dict, bytes]:
    try:
        return runtime.invoke(state, name, headers, body)
    except SageMakerError as error:
        return runtime.error_body(error)


def _control(state: SageMakerState, target: str, body: bytes) -> tuple[int, dict, bytes]:
    """One control plane request; its members have been held against the API model (requests/)."""
    operation = target.rsplit(".", 1)[-1]
    try:
        if operation not in OPERATIONS:
            raise SageMakerError("UnknownOperationException", f"The local cloud does not know SageMaker.{operation}.")
        return _answer(200, OPERATIONS[operation](state, json.loads(body or b"{}")))
    except SageMakerError as error:
        return _answer(error.status, {"__type": error.code, "message": error.message, **error.extra})
    except Exception as error:
        logger.exception("SageMaker.%s", operation)
        return _answer(500, {"__type": "InternalFailure", "message": f"{type(error).__name__}: {error}"})


def _answer(status: int, data: dict) -> tuple[int, dict, bytes]:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()


PLUGIN = Plugin(
    name="sagemaker.service",
    service="SageMaker",
    words=__doc__,
    alone="Does not have it.",
    register=register,
    operations=(*(f"sagemaker:{name}" for name in OPERATIONS), "sagemaker-runtime:InvokeEndpoint"),
    new_templates=[
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SageMaker::Model",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::MlflowApp",
    ],
    relies_on=[ReliesOn("app", values=["SERVICE_HANDLERS"]), ReliesOn("core.router", values=["SERVICE_PATTERNS"])],
)
