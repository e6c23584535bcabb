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
    ("kinesis_esm", SERVICES + "lambda_svc", "_update_esm", "(esm_id, data)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_match_esm_filter", "(record, pattern)"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_resolve_name_and_qualifier", "(name_or_arn)"),
    ("kinesis_esm", SERVICES + "eventbridge", "_compiled_pattern", "(pattern_str)"),
    ("kinesis_esm", SERVICES + "eventbridge", "_parse_pattern_text", "(pattern_str)"),
    ("kinesis_esm", SERVICES + "eventbridge", "_matches_detail", "(detail, pattern)"),
    ("kinesis_esm", SERVICES + "cloudformation.provisioners", "_lambda_function_for_cfn_ref", "(function_ref)"),
    ("dynamodb_answers", SERVICES + "dynamodb", "_batch_get_item", "(data)"),
    ("dynamodb_answers", SERVICES + "dynamodb", "_item_size_bytes", "(item)"),
    ("dynamodb_answers", SERVICES + "dynamodb", "_normalize_table_name", "(value)"),
    ("dynamodb_answers", SERVICES + "dynamodb", "_resolve_table_key_values", "(table, attrs, allow_extra)"),
    (
        "dynamodb_answers",
        SERVICES + "dynamodb",
        "_build_change_record",
        "(table, event_name, old_item, new_item, view_type)",
    ),
    ("secrets_ref", SERVICES + "secretsmanager", "_create_secret", "(data)"),
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
    ("iam_conditions", "ministack.core.iam_actions", "request_tag_context", "(service, iam_action, body, params)"),
    ("emf", SERVICES + "cloudwatch_logs", "_append_log_events", "(stream, events)"),
    ("requests", SERVICES + "dynamodb", "_item_size_bytes", "(item)"),
    ("requests", SERVICES + "eventbridge", "_rule_key", "(rule_name, bus_name)"),
    ("step_limits", SERVICES + "stepfunctions", "_execute_pass", "(state_def, raw_input, ctx)"),
    ("step_limits", SERVICES + "stepfunctions", "_execute_parallel", "(state_def, raw_input, execution, ctx)"),
    ("step_limits", SERVICES + "stepfunctions", "_execute_map", "(state_def, raw_input, execution, ctx)"),
    (
        "http_api_limits",
        SERVICES + "apigateway",
        "handle_execute",
        "(api_id, stage, path, method, headers, body, query_params, raw_query_string)",
    ),
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
    (
        "stack_rules",
        SERVICES + "cloudformation.stacks",
        "_resolve_refs",
        "(value, resources, params, conditions, mappings, stack_name, stack_id)",
    ),
    (
        "stack_rules",
        SERVICES + "cloudformation.stacks",
        "_resolve_stack_outputs",
        "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)",
    ),
    ("stack_rules", SERVICES + "cloudformation.handlers", "_imported_export_names", "(stack, stack_name)"),
    ("stack_rules", SERVICES + "s3", "_bucket_has_versions", "(name)"),
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
        "composite_alarms",
        SERVICES + "cloudwatch",
        "_put_composite_alarm",
        "(params, cbor_data, is_cbor, is_json)",
    ),
    ("composite_alarms", SERVICES + "cloudwatch", "_delete_alarms", "(params, cbor_data, is_cbor, is_json)"),
    (
        "permission_names",
        SERVICES + "cloudformation.provisioners",
        "_lambda_permission_create",
        "(logical_id, props, stack_name)",
    ),
    ("service_calls", "ministack.core.iam_evaluator", "_resource_policy", "(service, resource_arn)"),
    (
        "service_calls",
        "ministack.core.iam_evaluator",
        "evaluate_resource_policy",
        "(doc, ctx, service, named_only, direct_only)",
    ),
    ("deliveries", SERVICES + "sqs", "_queue_by_arn", "(arn)"),
    ("deliveries", SERVICES + "sqs", "_md5_msg_attrs", "(attrs)"),
    ("deliveries", SERVICES + "sqs", "_ensure_msg_fields", "(m)"),
    ("deliveries", SERVICES + "sqs", "queue_delay", "(q)"),
    (
        "deliveries",
        SERVICES + "sns",
        "publish_internal",
        "(topic_arn, message, subject, message_structure, message_attributes, message_group_id, "
        "message_deduplication_id)",
    ),
    ("deliveries", SERVICES + "lambda_svc", "_get_func_record_for_ref", "(function_ref)"),
    ("deliveries", SERVICES + "lambda_svc", "_execution_record_for_config", "(func, config)"),
    ("deliveries", SERVICES + "lambda_svc", "invoke_async_with_retry", "(func, event)"),
    ("alarm_actions", SERVICES + "cloudwatch", "_is_sns_action_arn", "(action)"),
    ("alarm_actions", SERVICES + "cloudwatch", "_history_entries", "()"),
    ("alarm_actions", SERVICES + "cloudwatch", "_ts_iso", "(epoch)"),
    ("rule_targets", SERVICES + "eventbridge", "_invoke_target", "(target, event, rule, view)"),
    ("rule_targets", SERVICES + "eventbridge", "_pattern_event_view", "(event)"),
    ("rule_targets", SERVICES + "eventbridge", "_apply_input_transformer", "(transformer, rule, view)"),
    ("rule_targets", SERVICES + "eventbridge", "_dispatch_to_sqs", "(spec, payload, sqs_parameters)"),
    ("rule_targets", SERVICES + "eventbridge", "_validate_target_arn", "(target)"),
    ("schedule_targets", SERVICES + "scheduler", "_create_schedule", "(name, body)"),
    ("schedule_targets", SERVICES + "scheduler", "_update_schedule", "(name, body)"),
    ("schedule_targets", SERVICES + "scheduler", "_error", "(status, code, message)"),
    (
        "topic_subscriptions",
        SERVICES + "sns",
        "_deliver_to_lambda",
        "(endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes)",
    ),
    (
        "topic_subscriptions",
        SERVICES + "sns",
        "_deliver_to_sqs",
        "(endpoint, envelope, raw, raw_message, message_group_id, message_dedup_id, message_attributes, topic_arn)",
    ),
    ("topic_subscriptions", SERVICES + "sns", "_deliver_to_http", "(endpoint, payload)"),
    ("topic_subscriptions", SERVICES + "sns", "_http_post_sync", "(endpoint, payload, sns_message_type)"),
    ("topic_subscriptions", SERVICES + "sns", "_topic_by_arn_any_scope", "(topic_arn)"),
    ("async_invocations", SERVICES + "lambda_svc", "_acquire_execution_slot", "(func, config)"),
    (
        "api_integrations",
        SERVICES + "apigateway",
        "_invoke_lambda_proxy",
        "(integration, api_id, stage, path, method, headers, body, query_params, route_key, path_params, "
        "authorizer_claims, authorizer_scopes, authorizer_lambda_context, authorizer_iam, owner_account_id, "
        "owner_region, raw_query_string)",
    ),
    ("api_integrations", SERVICES + "apigateway", "_extract_lambda_ref_from_integration_uri", "(uri)"),
    ("async_invocations", SERVICES + "lambda_svc", "_release_execution_slot", "(key)"),
    ("function_errors", SERVICES + "lambda_svc", "_execute_function_warm", "(func, event, request_id)"),
    ("sagemaker", "ministack.core.iam_evaluator", "_gather_role_policies", "(role_name, account_id)"),
    (
        "audit",
        "ministack.core.iam_evaluator",
        "enforce",
        "(access_key_id, iam_action, service, region, resource_arn, service_context)",
    ),
    ("authorization", "ministack.core.iam_evaluator", "resolve_principal", "(access_key_id, account_id, credential)"),
    ("authorization", "ministack.core.iam_evaluator", "evaluate", "(ctx, policies, limits)"),
    (
        "authorization",
        "ministack.core.iam_evaluator",
        "combine_resource_policy",
        "(identity, ctx, policy, owner_account, required, limits)",
    ),
    (
        "authorization",
        "ministack.core.iam_evaluator",
        "evaluate_resource_policy",
        "(doc, ctx, service, named_only, direct_only)",
    ),
    ("authorization", "ministack.core.iam_evaluator", "_principal_matches", "(principal, caller_arn)"),
    (
        "authorization",
        "ministack.core.iam_actions",
        "identity_denial_message",
        "(action, principal_arn, resource, explicit_deny)",
    ),
    ("authorization", "ministack.core.router", "extract_access_key_id", "(headers, query_params)"),
    ("authorization", SERVICES + "kms", "_resolve_key", "(key_id_or_arn)"),
    ("authorization", SERVICES + "kms", "_check_key_state", "(rec)"),
    ("authorization", SERVICES + "kinesis", "_consumer_from_arn", "(consumer_arn)"),
    ("authorization", SERVICES + "kinesis", "_resolve_stream_by_arn", "(stream_arn)"),
    ("authorization", SERVICES + "sns", "_topic_by_arn_any_scope", "(topic_arn)"),
    ("authorization", SERVICES + "sns", "_error", "(code, message, status)"),
    ("authorization", SERVICES + "sqs", "_queue_by_arn", "(arn)"),
    ("authorization", SERVICES + "secretsmanager", "_resolve", "(secret_id, use_arn_scope)"),
    ("authorization", SERVICES + "secretsmanager", "_find_stage_version", "(secret, stage)"),
    ("authorization", SERVICES + "s3", "_resolve_sse_write_headers", "(headers, bucket_name)"),
    ("authorization", SERVICES + "s3", "_parse_bucket_key", "(path, headers)"),
    ("authorization", SERVICES + "s3", "_bucket_default_sse_headers", "(bucket_name)"),
    ("authorization", SERVICES + "s3", "_object_record_from_version", "(v)"),
    ("authorization", SERVICES + "dynamodb", "_sse_description_from_spec", "(spec)"),
]

# plug-in, module of the caller, caller, name it must look up when it is called
CALLERS = [
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_loop", "_poll_kinesis"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_poll_loop", "_poll_dynamodb_streams"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_create_esm", "_init_stream_position"),
    ("kinesis_esm", SERVICES + "lambda_svc", "handle_request", "_create_esm"),
    ("kinesis_esm", SERVICES + "lambda_svc", "handle_request", "_update_esm"),
    ("kinesis_esm", SERVICES + "lambda_svc", "_apply_filter_criteria", "_match_esm_filter"),
    ("kinesis_esm", SERVICES + "cloudformation.provisioners", "_lambda_esm_update", "_lambda_esm_create"),
    ("dynamodb_answers", SERVICES + "dynamodb", "handle_request", "_batch_get_item"),
    ("dynamodb_answers", SERVICES + "dynamodb", "_emit_stream_event", "_build_change_record"),
    ("secrets_ref", SERVICES + "secretsmanager", "handle_request", "_create_secret"),
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
    ("step_functions", SERVICES + "stepfunctions", "_fail_execution", "_emit_execution_status_event"),
    ("step_functions", SERVICES + "stepfunctions", "_run_sub_machine", "_apply_output_path"),
    ("stack_rules", SERVICES + "cloudformation.stacks", "_deploy_stack_async", "_resolve_refs"),
    ("stack_rules", SERVICES + "cloudformation.stacks", "_deploy_stack_async", "_resolve_stack_outputs"),
    ("alarm_states", SERVICES + "cloudwatch", "_evaluate_all_alarms", "_evaluate_alarm"),
    ("alarm_actions", SERVICES + "cloudwatch", "_set_alarm_state", "_dispatch_alarm_actions"),
    ("rule_targets", SERVICES + "eventbridge", "_dispatch_event", "_invoke_target"),
    ("rule_targets", SERVICES + "eventbridge", "_tick_scheduled_rules", "_invoke_target"),
    ("rule_targets", SERVICES + "eventbridge", "_put_targets", "_validate_target_arn"),
    ("schedule_targets", SERVICES + "scheduler", "_tick_schedules", "_invoke_target"),
    ("schedule_targets", SERVICES + "scheduler", "handle_request", "_create_schedule"),
    ("schedule_targets", SERVICES + "cloudformation.provisioners", "_scheduler_schedule_create", "_create_schedule"),
    ("topic_subscriptions", SERVICES + "sns", "_fanout", "_deliver_to_sqs"),
    ("topic_subscriptions", SERVICES + "sns", "_fanout", "_deliver_to_lambda"),
    ("topic_subscriptions", SERVICES + "sns", "_fanout", "_deliver_to_http"),
    ("async_invocations", SERVICES + "lambda_svc", "_invoke", "invoke_async_with_retry"),
    ("api_integrations", SERVICES + "apigateway", "_handle_execute_in_scope", "_invoke_lambda_proxy"),
    ("function_errors", SERVICES + "lambda_svc", "_execute_function_dispatch", "_execute_function_warm"),
    ("function_errors", SERVICES + "lambda_svc", "_execute_function_warm", "worker.invoke"),
    ("function_errors", "ministack.core.lambda_runtime", "_detect_runtime_binary", "_NODEJS_WORKER_SCRIPT"),
    ("rule_targets", SERVICES + "cloudformation.provisioners", "_eb_rule_update", "_put_targets"),
    ("quotas", SERVICES + "lambda_svc", "_acquire_execution_slot", "_ACCOUNT_CONCURRENCY_CAP"),
    ("quotas", SERVICES + "lambda_svc", "_get_account_settings", "_ACCOUNT_CONCURRENCY_CAP"),
    ("launch", SERVICES + "stepfunctions", "_scaled_sleep", "_SFN_WAIT_SCALE"),
    ("launch", SERVICES + "stepfunctions", "_parse_wait_scale", "SFN_WAIT_SCALE"),
    ("iam_conditions", "ministack.app", "_dispatch_service_request", "request_tag_context"),
    ("audit", "ministack.app", "_dispatch_service_request", "enforce"),
    ("requests", "ministack.app", "_dispatch_service_request", "SERVICE_HANDLERS.get(service)"),
    ("requests", "ministack.app", "_lazy_handler", "mod.handle_request("),
    ("requests", "ministack.app", "_handle_s3_vhost_request", '_get_module("s3").handle_request('),
    ("requests", SERVICES + "cloudformation.provisioners", "_provision_resource", "_RESOURCE_HANDLERS"),
    ("http_api_limits", "ministack.app", "_handle_execute_api_request", "apigw_v2.handle_execute("),
    ("step_limits", SERVICES + "stepfunctions", "_run_execution", '"Pass": _execute_pass'),
    ("step_limits", SERVICES + "stepfunctions", "_run_sub_machine", '"Task": _execute_task'),
    ("audit", "ministack.app", "_enforce_data_plane", "enforce"),
    ("authorization", "ministack.app", "_lazy_handler", "mod.handle_request"),
    ("authorization", SERVICES + "cloudwatch_logs", "handle_request", "_create_log_group"),
    ("authorization", SERVICES + "s3", "_put_object", "_resolve_sse_write_headers"),
    ("authorization", SERVICES + "s3", "_create_multipart_upload", "_resolve_sse_write_headers"),
    ("authorization", "ministack.app", "_handle_s3_vhost_request", "handle_request"),
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
    ("stack_rules", SERVICES + "cloudformation", "_exports"),
    ("stack_rules", SERVICES + "cloudformation", "_stacks"),
    ("stack_rules", SERVICES + "s3", "_buckets"),
    ("stack_rules", SERVICES + "dynamodb", "_tables"),
    ("sagemaker", SERVICES + "cloudwatch", "_composite_alarms"),
    ("quotas", "ministack.core.iam_actions", "_BOTOCORE_SERVICE_MAP"),
    ("quotas", "ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"),
    ("secrets_ref", SERVICES + "secretsmanager", "_secrets"),
    ("authorization", SERVICES + "kms", "_grants"),
    ("authorization", SERVICES + "dynamodb", "_tables"),
    ("authorization", SERVICES + "kinesis", "_streams"),
    ("authorization", SERVICES + "kinesis", "_shard_iterators"),
    ("authorization", SERVICES + "sns", "_topics"),
    ("authorization", SERVICES + "s3", "_buckets"),
    ("authorization", SERVICES + "s3", "_object_versions"),
    ("authorization", SERVICES + "s3", "_multipart_uploads"),
    ("authorization", SERVICES + "s3", "_bucket_encryption"),
    ("authorization", SERVICES + "iam", "_roles"),
    ("authorization", SERVICES + "sts", "_sessions"),
    ("assume_role", SERVICES + "iam", "_roles"),
    ("run_credentials", "ministack.core.iam_evaluator", "is_root_access_key"),
    ("run_credentials", SERVICES + "sts", "is_root_access_key"),
    ("run_credentials", "ministack.core.lambda_runtime", "execution_credentials"),
    ("run_credentials", SERVICES + "lambda_svc", "execution_credentials"),
    ("browser_guard", "ministack.app", "app"),
    ("requests", SERVICES + "eventbridge", "_targets"),
    ("requests", SERVICES + "iam", "_roles"),
    ("requests", SERVICES + "lambda_svc", "_functions"),
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
        ("AWS::Events::Rule", {"create", "update"}),
        ("AWS::Scheduler::Schedule", {"create"}),
        ("AWS::Lambda::Function", {"create", "update"}),
        ("AWS::SecretsManager::Secret", {"create", "update", "delete"}),
        ("AWS::S3::Bucket", {"create", "update", "delete"}),
        ("AWS::DynamoDB::Table", {"create", "update", "delete"}),
        ("AWS::DynamoDB::GlobalTable", {"create", "update", "delete"}),
        ("AWS::Kinesis::Stream", {"create", "update"}),
        ("AWS::SNS::Topic", {"create", "update"}),
        ("AWS::Logs::LogGroup", {"create"}),
    ],
)
def test_template_types_have_the_operations_that_are_replaced(kind, operations):
    from ministack.services.cloudformation import provisioners

    assert operations <= set(provisioners._RESOURCE_HANDLERS[kind])


@pytest.mark.parametrize("kind", ["AWS::IAM::Policy", "AWS::Lambda::Function", "AWS::Logs::LogGroup"])
def test_makers_of_resources_take_their_properties_where_they_are_checked(kind):
    """requests/templates.py reads them from the second argument of a create and the third of an update."""
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS[kind]
    assert list(inspect.signature(handler["create"]).parameters)[1] == "props"
    if "update" in handler:
        assert list(inspect.signature(handler["update"]).parameters)[2] == "new_props"


def test_the_defects_that_the_plug_ins_mend_are_still_there():
    """When one of these fails the emulator has mended it: the plug-in may be able to go."""
    from ministack.services import cloudwatch, dynamodb, kinesis, lambda_svc, s3, secretsmanager, sns, sqs
    from ministack.services.cloudformation import provisioners

    assert "batchItemFailures" not in inspect.getsource(lambda_svc._poll_kinesis)
    assert 'del stream["shards"][shard_id]' in inspect.getsource(kinesis._split_shard)
    assert "return name," in inspect.getsource(provisioners._sm_secret_create)
    assert 'f"{stack_name}-{logical_id}-{new_uuid()[:8]}"' in inspect.getsource(provisioners._lambda_permission_create)
    assert '"AWS::CloudWatch::CompositeAlarm": {' not in inspect.getsource(provisioners)
    assert "objects" not in inspect.getsource(provisioners._s3_delete)
    assert "DeletionProtection" not in inspect.getsource(provisioners._ddb_global_table_create)
    assert "DeletionProtection" not in inspect.getsource(provisioners._ddb_delete)
    assert "Dimensions" not in inspect.getsource(cloudwatch._evaluate_alarm)
    assert '"SSEDescription": None' in inspect.getsource(provisioners._ddb_create)
    assert "StreamEncryption" not in inspect.getsource(provisioners._kinesis_stream_create)
    assert "BucketEncryption" not in inspect.getsource(provisioners._s3_apply_configurations)
    assert "KmsMasterKeyId" not in inspect.getsource(provisioners._sns_create)
    for service in (dynamodb, kinesis, s3, secretsmanager, sns, sqs):
        assert "kms:Decrypt" not in inspect.getsource(service), f"{service.__name__} now asks for its keys itself"


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

    launch = (Path(__file__).parents[3] / "local" / "tidemark_local" / "host" / "launch.py").read_text()
    table = launch[launch.index("SERVICES = (") : launch.index("# fmt: on")]
    names = [part.strip().strip('"') for part in table.split("(", 1)[1].rsplit(")", 1)[0].split(",") if part.strip()]
    assert len(names) > 20 and [name for name in names if name not in app.SERVICE_REGISTRY] == []
