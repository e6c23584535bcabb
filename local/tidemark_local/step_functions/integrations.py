"""Step Functions integrations for the local cloud, each executed with the state machine's own role.

- "Run a Job (.sync)" for Glue and SageMaker (https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html,
  connect-sagemaker.html, connect-to-resource.html), which MiniStack does not have;
- `aws-sdk:*` integrations (supported-services-awssdk.html) and the optimized ones of DynamoDB, SQS, SNS and
  EventBridge, which MiniStack runs without looking at the role;
- `lambda:invoke` and nested executions, which are checked against the role's policies before MiniStack runs them.

Where a role lacks a grant, the state fails with the service's access-denied error, as it would on AWS.
"""

import functools
import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn
from ..host.role_session import RoleSession
from . import executions
from .errors import of_optimized, of_sdk
from .role_calls import CallError, call, pascal

logger = logging.getLogger("tidemark.step_functions")
_POLL_SECONDS = 0.25
_OPTIMIZED = "arn:aws:states:::"
# The optimized integrations that are one API call: service and action of the ARN → botocore's service and operation.
_PLAIN = {
    "glue:startJobRun": ("glue", "StartJobRun"),
    "sagemaker:createTrainingJob": ("sagemaker", "CreateTrainingJob"),
    "sagemaker:createModel": ("sagemaker", "CreateModel"),
    "sagemaker:createEndpointConfig": ("sagemaker", "CreateEndpointConfig"),
    "sagemaker:createEndpoint": ("sagemaker", "CreateEndpoint"),
    "sagemaker:updateEndpoint": ("sagemaker", "UpdateEndpoint"),
    "dynamodb:getItem": ("dynamodb", "GetItem"),
    "dynamodb:putItem": ("dynamodb", "PutItem"),
    "dynamodb:deleteItem": ("dynamodb", "DeleteItem"),
    "dynamodb:updateItem": ("dynamodb", "UpdateItem"),
    "sqs:sendMessage": ("sqs", "SendMessage"),
    "sns:publish": ("sns", "Publish"),
    "events:putEvents": ("events", "PutEvents"),
}
# Names of services in aws-sdk ARNs that differ from botocore's ("sfn", "cloudwatchlogs", …).
_SDK_NAMES = {
    "sfn": "stepfunctions",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "applicationautoscaling": "application-autoscaling",
    "sagemakerruntime": "sagemaker-runtime",
    "rdsdata": "rds-data",
    "dynamodbstreams": "dynamodbstreams",
}
_SYNC = {"glue:startJobRun", "sagemaker:createTrainingJob"}


class Integrations:
    """The integrations for one launcher context."""

    def __init__(self, context: LocalContext):
        self._context = context
        self._sessions: dict[str, RoleSession] = {}

    def session(self) -> RoleSession:
        """The role of the execution the current thread works for."""
        from ministack.services import stepfunctions

        execution = executions.current()
        if execution is None:
            raise RuntimeError("a task ran outside of an execution")
        role = stepfunctions._state_machines[execution["stateMachineArn"]]["roleArn"]
        return self._sessions.setdefault(role, RoleSession(self._context, role))

    def optimized(self, resource: str, arguments: dict) -> dict:
        """`arn:aws:states:::<service>:<action>[.sync]`."""
        action, _, pattern = resource.removeprefix(_OPTIMIZED).partition(".")
        service, operation = _PLAIN[action]
        if pattern.startswith("sync") and action not in _SYNC:
            raise _failure("States.Runtime", f"{action} has no Run a Job (.sync) pattern.")
        if pattern.startswith("sync") and service == "sagemaker":
            self._authorize_tags(str(arguments.get("TrainingJobName", "")))
        answer = self._call(service, operation, arguments, _millis, optimized=True)
        if not pattern.startswith("sync"):
            return answer
        if service == "glue":
            return self._wait_for_glue(arguments["JobName"], answer["JobRunId"])
        return self._wait_for_training(arguments["TrainingJobName"])

    def _authorize_tags(self, job: str) -> None:
        """Step Functions marks the jobs it waits for with a tag of its own; AWS's policy of the pattern has
        sagemaker:ListTags (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html), and a request
        with tags needs sagemaker:AddTags."""
        arn = f"arn:aws:sagemaker:{self._context.region}:{self._context.account}:training-job/{job.lower()}"
        for action in ("sagemaker:AddTags", "sagemaker:ListTags"):
            self.authorize(action, arn)

    def sdk(self, resource: str, arguments: dict) -> dict:
        """`arn:aws:states:::aws-sdk:<service>:<action>`."""
        parts = resource.split(":")
        if len(parts) != 8:
            raise _failure("States.Runtime", f"Invalid aws-sdk resource ARN: {resource}")
        name, action = parts[6].lower(), parts[7].partition(".")[0]
        return self._call(_SDK_NAMES.get(name, name), pascal(action), arguments, _iso, optimized=False)

    def _call(
        self, service: str, operation: str, arguments: dict, stamp: Callable[[datetime], Any], *, optimized: bool
    ) -> dict:
        session = self.session()
        try:
            model = session.client(service).meta.service_model
            model.operation_model(operation)
        except (UnknownServiceError, OperationNotFoundError):
            raise _failure("States.Runtime", f"There is no operation {operation} in the API of {service}.") from None
        try:
            return call(session, service, operation, arguments, stamp)
        except CallError as error:
            words = of_optimized if optimized else of_sdk
            raise _failure(*words(model.service_id, error)) from error

    def _wait_for_glue(self, job: str, run: str) -> dict:
        def read() -> tuple[str, dict]:
            found = self._call("glue", "GetJobRun", {"JobName": job, "RunId": run}, _millis, optimized=True)["JobRun"]
            return found["JobRunState"], found

        def stop() -> None:
            self._call("glue", "BatchStopJobRun", {"JobName": job, "JobRunIds": [run]}, _millis, optimized=True)

        return _wait(read, stop, ("SUCCEEDED",), ("FAILED", "TIMEOUT", "STOPPED", "ERROR"))

    def _wait_for_training(self, job: str) -> dict:
        def read() -> tuple[str, dict]:
            found = self._call("sagemaker", "DescribeTrainingJob", {"TrainingJobName": job}, _millis, optimized=True)
            return found["TrainingJobStatus"], found

        def stop() -> None:
            self._call("sagemaker", "StopTrainingJob", {"TrainingJobName": job}, _millis, optimized=True)

        return _wait(read, stop, ("Completed",), ("Failed", "Stopped"))

    def authorize(self, action: str, arn: str) -> None:
        """Raises the service's access-denied error when the role's policies do not allow `action` on `arn`."""
        from ministack import app
        from ministack.core import iam_evaluator

        if not app.AUTH:
            return
        role = self.session().role_arn
        account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
        execution = (executions.current() or {}).get("name", "execution")
        principal = f"arn:aws:sts::{account}:assumed-role/{name}/{execution}"
        keys = iam_evaluator.EvalContext(
            principal_arn=principal,
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=arn,
            region=self._context.region,
            service_context={},
            principal_keys={},
        )
        result = iam_evaluator.evaluate(keys, iam_evaluator._gather_role_policies(name, account))
        if result.decision != "Allow":
            service = {"lambda": "Lambda", "sagemaker": "SageMaker"}.get(action.split(":")[0], "SFN")
            message = (
                f"User: {principal} is not authorized to perform: {action} on resource: {arn} because no "
                f"identity-based policy allows the {action} action"
            )
            denied = CallError("AccessDeniedException", service == "SFN", message, 403, str(uuid.uuid4()))
            raise _failure(*of_optimized(service, denied))


def _wait(read: Callable[[], tuple[str, dict]], stop: Callable[[], None], good: tuple, bad: tuple) -> dict:
    """Polls a job to its end. "If a task using this pattern is aborted, Step Functions will make a best-effort
    attempt to cancel the task." A job that does not succeed fails the state with States.TaskFailed and its
    description as the cause.
    """
    execution = executions.current() or {}
    while True:
        status, found = read()
        if status in good:
            return found
        if status in bad:
            raise _failure("States.TaskFailed", json.dumps(found))
        if execution.get("status", "RUNNING") != "RUNNING" or executions.timed_out():
            stop()
            raise _failure("States.TaskFailed", f"The task was aborted while the job was {status}.")
        time.sleep(_POLL_SECONDS)


def _failure(error: str, cause: str) -> Exception:
    from ministack.services import stepfunctions

    return stepfunctions._ExecutionError(error, cause)


def _millis(moment: datetime) -> int:
    """Optimized integrations give times as milliseconds since the epoch."""
    return round(moment.timestamp() * 1000)


def _iso(moment: datetime) -> str:
    """aws-sdk integrations give times as ISO 8601 text."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def register(context: LocalContext) -> None:
    """Puts the integrations into MiniStack's tables. Call it once, after executions."""
    from ministack.services import stepfunctions

    integrations = Integrations(context)
    for action in _PLAIN:
        stepfunctions._SERVICE_DISPATCH[_OPTIMIZED + action] = integrations.optimized
    stepfunctions._invoke_aws_sdk_integration = integrations.sdk
    stepfunctions._call_lambda = _authorized_call(context, integrations, stepfunctions._call_lambda)
    for name in ("_invoke_nested_start_execution", "_invoke_nested_start_execution_sync"):
        setattr(stepfunctions, name, _authorized_start(integrations, getattr(stepfunctions, name)))


def _authorized_call(
    context: LocalContext, integrations: Integrations, call_lambda: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    from ministack.services import lambda_svc

    @functools.wraps(call_lambda)
    def authorized(func_ref: Any, event: Any) -> Any:
        arn = _function_arn(context, func_ref)
        integrations.authorize("lambda:InvokeFunction", arn)
        if lambda_svc._get_func_record_for_ref(arn)[0] is None:
            missing = f"Function not found: {arn if arn.count(':') > 6 else f'{arn}:$LATEST'}"
            raise _failure(
                *of_optimized("Lambda", CallError("ResourceNotFoundException", True, missing, 404, str(uuid.uuid4())))
            )
        return call_lambda(func_ref, event)

    return authorized


def _authorized_start(integrations: Integrations, start: Callable[[str, dict], Any]) -> Callable[[str, dict], Any]:
    @functools.wraps(start)
    def authorized(resource: str, arguments: dict) -> Any:
        machine = arguments.get("StateMachineArn") or arguments.get("stateMachineArn") or "*"
        integrations.authorize("states:StartExecution", machine)
        return start(resource, arguments)

    return authorized


def _function_arn(context: LocalContext, reference: Any) -> str:
    text = reference if isinstance(reference, str) else getattr(reference, "arn", None) or str(reference)
    return text if text.startswith("arn:") else f"arn:aws:lambda:{context.region}:{context.account}:function:{text}"


PLUGIN = Plugin(
    name="step_functions.integrations",
    service="Step Functions",
    words=__doc__,
    alone="Has no `.sync` integrations, and runs the others without looking at the role.",
    register=register,
    operations=["stepfunctions:StartExecution", "stepfunctions:StartSyncExecution"],
    relies_on=[
        ReliesOn(
            "core.iam_evaluator",
            functions={"_gather_role_policies": "(role_name, account_id)", "evaluate": "(ctx, policies, limits)"},
        ),
        ReliesOn("services.lambda_svc", functions={"_get_func_record_for_ref": "(function_ref)"}),
        ReliesOn(
            "services.stepfunctions",
            functions={
                "_call_lambda": "(func_ref, event)",
                "_invoke_aws_sdk_integration": "(resource, input_data)",
            },
            values=["_ExecutionError", "_SERVICE_DISPATCH", "_state_machines"],
            has={
                "_invoke_resource": [
                    "_invoke_aws_sdk_integration",
                    "_call_lambda",
                    "_invoke_nested_start_execution_sync",
                    "_invoke_nested_start_execution",
                ],
            },
        ),
    ],
)
