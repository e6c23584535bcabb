"""What the SageMaker, Glue and Step Functions plug-ins rely on inside MiniStack: an upgrade that changes it fails here.

Each plug-in is there because MiniStack lacks something. When it no longer does, its test here says so, and the
plug-in can go.
"""

import importlib.metadata
import inspect
import subprocess
import sys

import pytest
from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.services import eventbridge, glue, stepfunctions, sts
from ministack.services.cloudformation import provisioners


def test_the_version_is_the_one_that_was_tried():
    assert importlib.metadata.version("ministack") == "1.5.33"


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (glue._start_job_run, ["data"]),
        (glue._get_job_run, ["data"]),
        (glue._get_job_runs, ["data"]),
        (glue._batch_stop_job_run, ["data"]),
        (glue._create_job, ["data"]),
        (glue._update_job, ["data"]),
        (stepfunctions._execute_task, ["state_def", "raw_input", "execution", "ctx"]),
        (stepfunctions._invoke_resource_with_timeout, ["resource", "input_data", "timeout"]),
        (stepfunctions._call_lambda, ["func_ref", "event"]),
        (stepfunctions._invoke_aws_sdk_integration, ["resource", "input_data"]),
        (stepfunctions._invoke_nested_start_execution, ["resource", "input_data"]),
        (stepfunctions._invoke_nested_start_execution_sync, ["resource", "input_data"]),
        (stepfunctions._ExecutionError, ["error", "cause"]),
        (eventbridge._put_events, ["data", "allow_aws_source"]),
        (sts.register_session, ["access_key", "session"]),
        (provisioners._physical_name, ["stack_name", "logical_id", "lowercase", "max_len"]),
        (iam_evaluator.evaluate, ["ctx", "policies"]),
        (iam_evaluator._gather_role_policies, ["role_name", "account_id"]),
        (
            iam_evaluator.enforce,
            ["access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"],
        ),
        (
            iam_actions.extract_resource_arn,
            ["service", "method", "path", "headers", "body", "query_params", "region", "account_id"],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_functions_take_what_the_plugins_pass(function, parameters):
    assert list(inspect.signature(function).parameters)[: len(parameters)] == parameters


def test_tables_are_where_the_plugins_add_to_them():
    for table in (
        router.SERVICE_PATTERNS,
        app.SERVICE_HANDLERS,
        iam_actions.SERVICE_TO_IAM_NAMESPACE,
        iam_actions._BOTOCORE_SERVICE_MAP,
        provisioners._RESOURCE_HANDLERS,
        provisioners._GLUE_JOB_DEFAULTS,
        stepfunctions._SERVICE_DISPATCH,
    ):
        assert isinstance(table, dict) and table


MISSING = """
from ministack import app
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners
found = [name for name in app.SERVICE_HANDLERS if name == "sagemaker"]
found += [name for name in provisioners._RESOURCE_HANDLERS if name.startswith("AWS::SageMaker::")]
found += [name for name in stepfunctions._SERVICE_DISPATCH if "glue:" in name or "sagemaker:" in name]
found += [name for name in provisioners._GLUE_JOB_DEFAULTS if name == "ExecutionProperty"]
print("found:", found)
"""


def test_ministack_still_lacks_what_the_plugins_bring():
    # In a process of its own: another test may have registered the plug-ins in this one.
    result = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] == "found: []"
