"""The plug-ins of the local cloud, in the order in which they are registered."""

import importlib

from .plugin import Plugin

# A plug-in may rely on those before it.
MODULES = (
    "host.http2",
    "iam.run_credentials",
    "kinesis.reshard",
    "lambda_esm.creation",
    "lambda_esm.mappings",
    "lambda_esm.kafka_creation",
    "cloudwatch.emf",
    "cloudwatch.alarm_states",
    "cloudwatch.service_metrics",
    "secrets_manager.names",
    "lake_formation.settings",
    "iam.secure_transport",
    "iam.resources",
    "iam.conditions",
    "iam.audit",
    "service_quotas.quotas",
    "kms.template_keys",
    "kms.managed_key",
    "kms.gate",
    "kms.log_group_keys",
    "iam.pass_role",
    "dynamodb.answers",
    "cloudwatch.alarm_actions",
    "eventbridge.rule_targets",
    "eventbridge.schedule_targets",
    "eventbridge.partner_events",
    "sns.subscriptions",
    "lambda_functions.async_invocations",
    "iot.rule_actions",
    "cloudwatch.log_subscriptions",
    "apigateway.integrations",
    "lambda_functions.errors",
    "sagemaker.service",
    "application_autoscaling.service",
    "glue.jobs",
    "step_functions.executions",
    "step_functions.integrations",
    "cloudwatch.composite_alarms",
    "cloudformation.permission_names",
    "cloudformation.stack_rules",
    "step_functions.state_size",
    "apigateway.http_api_limits",
    "requests.gate",  # it stands before the handlers of all others
    "host.browser_guard",  # and this before everything
)


def plugins() -> list[Plugin]:
    """Imports them, and MiniStack with them, whose settings are read from the environment as it is then."""
    return [importlib.import_module(f"tidemark_local.{name}").PLUGIN for name in MODULES]
