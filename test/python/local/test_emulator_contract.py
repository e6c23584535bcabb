"""What the launcher and the event plug-ins rely on in the pinned MiniStack, so that an upgrade that changes it says
so here.

A plug-in replaces a function by setting its name in its module. That works only while the function's callers look the
name up in that module at the time of the call, and while it is called as the plug-in expects: both are checked.
"""

import importlib
import importlib.metadata
import inspect
from pathlib import Path

import pytest

PINNED = "1.5.33"
SERVICES = "ministack.services."

# plug-in, module, name, its signature
FUNCTIONS = [
    ("context", "ministack.core.iam_evaluator", "validate_role_arn", "(role_arn)"),
    ("context", "ministack.core.responses", "request_scope", "(account_id, region)"),
    ("context", SERVICES + "sts", "register_session", "(access_key, session)"),
    ("context", SERVICES + "cloudwatch", "_metric_bucket", "(key)"),
    ("context", SERVICES + "cloudwatch", "_dims_key", "(dims)"),
    ("launch", "ministack.core.lambda_runtime", "kill_workers", "(workers)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_kinesis", "()"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_dynamodb_streams", "()"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_init_stream_position", "(esm_id, source_arn, starting)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_create_esm", "(data)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_iter_all_esms", "()"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_get_func_record_for_qualifier", "(name, qualifier)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_apply_filter_criteria", "(records, esm)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_execute_function", "(func, event)"),
    ("kinesis_esm", SERVICES + "kinesis", "_ensure_base64", "(value)"),
    ("kinesis_esm", SERVICES + "dynamodb", "stream_live_records", "(table_name, account_id, region)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_resolve_stream", "(data)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_build_shards", "(shard_count, start_index)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_max_shard_index", "(stream)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_next_sequence_number", "()"),
    ("kinesis_reshard", SERVICES + "kinesis", "_split_shard", "(data)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_merge_shards", "(data)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_update_shard_count", "(data)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_route_to_shard", "(hash_key_int, stream)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_expire_records", "(stream)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_shard_out", "(shard_id, shard)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_get_records", "(data)"),
    ("kinesis_reshard", SERVICES + "kinesis", "_describe_stream_summary", "(data)"),
    (
        "iam_resources",
        "ministack.core.iam_actions",
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
    ),
    ("iam_resources", SERVICES + "dynamodb_streams", "_decode_iterator", "(token)"),
    ("emf", SERVICES + "cloudwatch_logs", "_append_log_events", "(stream, events)"),
    (
        "service_metrics",
        SERVICES + "lambda_svc",
        "_execute_function_dispatch",
        "(func, config, event, request_id, started)",
    ),
    (
        "service_metrics",
        SERVICES + "lambda_svc",
        "_emit_lambda_metrics",
        "(function_name, duration_ms, error, throttle)",
    ),
    ("service_metrics", SERVICES + "kinesis", "_put_record", "(data)"),
    ("service_metrics", SERVICES + "kinesis", "_put_records", "(data)"),
    ("service_metrics", SERVICES + "stepfunctions", "_emit_execution_status_event", "(execution)"),
    ("service_metrics", SERVICES + "cloudwatch", "_evaluate_all_alarms", "()"),
    ("step_functions", SERVICES + "stepfunctions", "_apply_output_path", "(state_def, data, ctx)"),
    ("step_functions", SERVICES + "stepfunctions", "_state_query_language", "(state_def, ctx)"),
    (
        "step_functions",
        SERVICES + "stepfunctions",
        "_apply_jsonata_output",
        "(state_def, raw_input, ctx, result, error_output, default)",
    ),
    ("alarm_states", SERVICES + "cloudwatch", "_evaluate_alarm", "(alarm)"),
    ("alarm_states", SERVICES + "cloudwatch", "_calc_stats", "(points)"),
    ("alarm_states", SERVICES + "cloudwatch", "_stat_value", "(stats, stat_name, points)"),
    ("alarm_states", SERVICES + "cloudwatch", "_dims_from_list", "(dimensions)"),
    (
        "alarm_states",
        SERVICES + "cloudwatch",
        "_record_history",
        "(alarm_name, old_state, new_state, reason, alarm_type, reason_data)",
    ),
    ("alarm_states", SERVICES + "cloudwatch", "_dispatch_alarm_actions", "(alarm, old_state, new_state, reason)"),
    ("alarm_states", SERVICES + "cloudwatch", "_evaluate_parent_alarms", "(child, seen)"),
    (
        "audit",
        "ministack.core.iam_evaluator",
        "enforce",
        "(access_key_id, iam_action, service, region, resource_arn, service_context)",
    ),
]

# plug-in, module of the caller, caller, name it must look up when it is called
CALLERS = [
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_loop", "_poll_kinesis"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_loop", "_poll_dynamodb_streams"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_create_esm", "_init_stream_position"),
    ("kinesis_esm", SERVICES + "lambda_svc", "handle_request", "_create_esm"),
    ("kinesis_esm", SERVICES + "cloudformation.provisioners", "_lambda_esm_create", "_init_stream_position"),
    ("kinesis_esm", SERVICES + "kinesis", "_put_record", "esm_wake"),
    ("kinesis_esm", SERVICES + "kinesis", "_put_records", "esm_wake"),
    ("kinesis_esm", SERVICES + "dynamodb", "_emit_stream_event", "esm_wake"),
    ("kinesis_reshard", SERVICES + "kinesis", "handle_request", "_split_shard"),
    ("kinesis_reshard", SERVICES + "kinesis", "handle_request", "_merge_shards"),
    ("kinesis_reshard", SERVICES + "kinesis", "handle_request", "_update_shard_count"),
    ("kinesis_reshard", SERVICES + "kinesis", "handle_request", "_get_records"),
    ("kinesis_reshard", SERVICES + "kinesis", "_put_records", "_route_to_shard"),
    ("kinesis_reshard", SERVICES + "kinesis", "_list_shards", "_shard_out"),
    ("emf", SERVICES + "cloudwatch_logs", "_put_log_events", "_append_log_events"),
    ("emf", SERVICES + "lambda_svc", "_emit_lambda_logs", "_append_log_events"),
    ("service_metrics", SERVICES + "lambda_svc", "_execute_function", "_execute_function_dispatch"),
    ("service_metrics", SERVICES + "lambda_svc", "_invoke", "_emit_lambda_metrics"),
    ("service_metrics", SERVICES + "kinesis", "handle_request", "_put_records"),
    ("service_metrics", SERVICES + "stepfunctions", "_fail_execution", "_emit_execution_status_event"),
    ("step_functions", SERVICES + "stepfunctions", "_run_execution", "_apply_output_path"),
    ("step_functions", SERVICES + "stepfunctions", "_run_sub_machine", "_apply_output_path"),
    ("alarm_states", SERVICES + "cloudwatch", "_evaluate_all_alarms", "_evaluate_alarm"),
    ("audit", "ministack.app", "_dispatch_service_request", "enforce"),
    ("audit", "ministack.app", "_enforce_data_plane", "enforce"),
]

# plug-in, module, name of a table or object
TABLES = [
    ("launch", "ministack.app", "SERVICE_REGISTRY"),
    ("launch", "ministack.core.lambda_runtime", "_workers"),
    ("launch", "ministack.core.lambda_runtime", "_lock"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_esms"),
    ("kinesis_esm", SERVICES + "kinesis", "_streams"),
    ("kinesis_esm", SERVICES + "dynamodb", "_tables"),
    ("kinesis_reshard", SERVICES + "kinesis", "_shard_iterators"),
    ("lake_formation", "ministack.core.iam_actions", "_BOTOCORE_SERVICE_MAP"),
    ("lake_formation", "ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"),
    ("lake_formation", "ministack.core.router", "SERVICE_PATTERNS"),
    ("lake_formation", "ministack.app", "SERVICE_HANDLERS"),
    ("service_metrics", SERVICES + "sqs", "_queues"),
    ("alarm_states", SERVICES + "cloudwatch", "_metrics"),
    ("alarm_states", SERVICES + "cloudwatch", "_alarms"),
    ("secrets_ref", SERVICES + "secretsmanager", "_secrets"),
]


def test_the_version_is_the_pinned_one():
    found = importlib.metadata.version("ministack")
    root = Path(__file__).parents[3]
    assert found == PINNED, f"MiniStack is {found}: go through the plug-ins in local/tidemark_local, then pin it here"
    assert f"ministack=={PINNED}" in (root / "requirements.in").read_text()


@pytest.mark.parametrize(("plugin", "module", "name", "signature"), FUNCTIONS, ids=lambda value: value.split(".")[-1])
def test_functions_are_called_as_expected(plugin, module, name, signature):
    function = getattr(importlib.import_module(module), name, None)
    assert callable(function), f"{module}.{name} is gone: {plugin} relies on it"
    found = f"({', '.join(inspect.signature(function).parameters)})"
    assert found == signature, f"{module}.{name} has other parameters: see {plugin}"


@pytest.mark.parametrize(("plugin", "module", "caller", "name"), CALLERS, ids=lambda value: value.split(".")[-1])
def test_callers_look_the_replaced_names_up(plugin, module, caller, name):
    source = inspect.getsource(getattr(importlib.import_module(module), caller))
    assert name in source, f"{module}.{caller} does not use {name} any more: what {plugin} replaces is not called"


@pytest.mark.parametrize(("plugin", "module", "name"), TABLES, ids=lambda value: value.split(".")[-1])
def test_tables_exist(plugin, module, name):
    assert hasattr(importlib.import_module(module), name), f"{module}.{name} is gone: {plugin} relies on it"


@pytest.mark.parametrize(
    ("kind", "operations"),
    [
        ("AWS::Lambda::EventSourceMapping", {"create"}),
        ("AWS::SecretsManager::Secret", {"create", "update", "delete"}),
    ],
)
def test_template_types_have_the_operations_that_are_replaced(kind, operations):
    from ministack.services.cloudformation import provisioners

    assert operations <= set(provisioners._RESOURCE_HANDLERS[kind])


def test_the_defects_that_the_plug_ins_mend_are_still_there():
    """When one of these fails the emulator has mended it: the plug-in may be able to go."""
    from ministack.services import cloudwatch, kinesis, lambda_svc
    from ministack.services.cloudformation import provisioners

    assert "batchItemFailures" not in inspect.getsource(lambda_svc._poll_kinesis)
    assert 'del stream["shards"][shard_id]' in inspect.getsource(kinesis._split_shard)
    assert "return name," in inspect.getsource(provisioners._sm_secret_create)
    assert "Dimensions" not in inspect.getsource(cloudwatch._evaluate_alarm)


def test_the_http2_library_still_takes_goaway_for_the_end():
    """http2.py changes this one transition, and drops one event in the server."""
    import h2.connection
    import hypercorn.protocol.h2

    machine = h2.connection.H2ConnectionStateMachine
    assert isinstance(machine._transitions, dict)
    source = inspect.getsource(hypercorn.protocol.h2.H2Protocol._handle_events)
    assert "ConnectionTerminated" in source and "await self.send(Closed())" in source
    assert inspect.iscoroutinefunction(hypercorn.protocol.h2.H2Protocol._handle_events)


def test_the_services_that_are_on_exist():
    from ministack import app

    launch = (Path(__file__).parents[3] / "local" / "tidemark_local" / "launch.py").read_text()
    table = launch[launch.index("SERVICES = (") : launch.index("# fmt: on")]
    names = [part.strip().strip('"') for part in table.split("(", 1)[1].rsplit(")", 1)[0].split(",") if part.strip()]
    assert len(names) > 20 and [name for name in names if name not in app.SERVICE_REGISTRY] == []
