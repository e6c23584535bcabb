"""What a SageMaker request needs: its IAM action, its resource, further resources, and the roles it passes on.

After "Actions, resources, and condition keys for Amazon SageMaker"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html) and, for iam:PassRole,
"SageMaker Roles" (https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html).
"""

import json
import re
from typing import Any
from urllib.parse import unquote

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn

INVOKE_PATH = re.compile(r"^/endpoints/([^/]+)/invocations$")
# The member that names the resource an operation acts on, and the kind of its ARN. Operations whose members name
# nothing (the List operations) are checked on "*", and so are those that only filter by a name.
_RESOURCES = (
    ("TrainingJobName", "training-job"),
    ("EndpointName", "endpoint"),
    ("EndpointConfigName", "endpoint-config"),
    ("ModelName", "model"),
    ("ModelPackageArn", "model-package"),
    ("ModelPackageName", "model-package"),
    ("ModelPackageGroupName", "model-package-group"),
    ("ResourceArn", ""),
    ("Arn", "mlflow-app"),
)
_PASSED_ROLES = {"CreateTrainingJob": "RoleArn", "CreateModel": "ExecutionRoleArn", "CreateMlflowApp": "RoleArn"}


def register() -> None:
    """Lets MiniStack's enforcement see SageMaker: by target on the control plane, by path on the runtime."""
    from ministack.core import iam_actions

    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker-runtime"]
    known = iam_actions.extract_resource_arn

    def extract(
        service: str, method: str, path: str, headers: dict, body: bytes, query: dict, region: str, account: str
    ) -> str:
        if service != "sagemaker":
            return known(service, method, path, headers, body, query, region, account)
        return resources(path, headers.get("x-amz-target", ""), body, region, account)[0]

    iam_actions.extract_resource_arn = extract


def resources(path: str, target: str, body: bytes, region: str, account: str) -> list[str]:
    """The ARNs a request is checked on, all of them: the first by MiniStack, the others by `denied`."""
    prefix = f"arn:aws:sagemaker:{region}:{account}:"
    invoked = INVOKE_PATH.match(path)
    if invoked:
        return [f"{prefix}endpoint/{unquote(invoked.group(1)).lower()}"]
    operation, data = target.rsplit(".", 1)[-1], _members(body)
    if operation.startswith("List") and operation != "ListTags":
        return ["*"]
    found = [
        value if value.startswith("arn:") else f"{prefix}{kind}/{value.lower()}"
        for member, kind in _RESOURCES
        if isinstance(value := data.get(member), str) and value
    ]
    if operation == "CreateModel":
        # The guide to the registry of another account grants CreateModel on the package too, the authorisation
        # reference names the model alone: both are asked for
        # (https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html).
        packages = [item.get("ModelPackageName") for item in (data.get("PrimaryContainer"), *_containers(data)) if item]
        found += [name if name.startswith("arn:") else f"{prefix}model-package/{name}" for name in packages if name]
    if operation == "CreateMlflowApp":
        # Its id is made by SageMaker.
        found = [f"{prefix}mlflow-app/*"]
    if operation == "CreateModelPackage" and found:
        # A version is made inside its group: both are checked.
        found.append(f"{prefix}model-package/{data['ModelPackageGroupName'].rsplit('/', 1)[-1].lower()}/*")
    return found or ["*"]


def _containers(data: dict) -> list[dict]:
    found = data.get("Containers")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _members(body: bytes) -> dict:
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def denied(headers: dict, body: bytes, region: str, account: str) -> Any:
    """MiniStack's AccessDenied answer when a further resource or a passed role is refused, else None."""
    from ministack import app

    if not app.AUTH:
        return None
    from ministack.core.iam_actions import access_denied_response
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.router import extract_access_key_id

    target = headers.get("x-amz-target", "")
    operation, data = target.rsplit(".", 1)[-1], _members(body)
    checks = [(f"sagemaker:{operation}", arn, {}) for arn in resources("", target, body, region, account)[1:]]
    checks += [("cloudwatch:DescribeAlarms", arn, {}) for arn in _rollback_alarms(operation, data, region, account)]
    role = data.get(_PASSED_ROLES.get(operation, ""))
    if isinstance(role, str) and role:
        checks.append(("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"}))
    for action, arn, keys in checks:
        result = enforce(
            extract_access_key_id(headers, {}),
            action,
            action.split(":")[0],
            region,
            resource_arn=arn,
            service_context=keys,
        )
        if result and not isinstance(result, AuthError):
            message = (
                f"User: {result.principal_arn} is not authorized to perform: {action} on resource: {arn} because no "
                f"identity-based policy allows the {action} action"
            )
            return access_denied_response(
                "sagemaker", action, result.principal_arn, "", headers=headers, message=message
            )
    return None


def _rollback_alarms(operation: str, data: dict, region: str, account: str) -> list[str]:
    """Whether SageMaker looks at the alarms for the caller or with the models' role is not documented: both are asked
    (rollout.check_alarms is about the role)."""
    if operation != "UpdateEndpoint":
        return []
    alarms = ((data.get("DeploymentConfig") or {}).get("AutoRollbackConfiguration") or {}).get("Alarms") or []
    return [f"arn:aws:cloudwatch:{region}:{account}:alarm:{alarm['AlarmName']}" for alarm in alarms]


def role_may(context: LocalContext, role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether a role's policies allow an action on a resource. True while the launcher does not enforce IAM."""
    from ministack import app
    from ministack.core import iam_evaluator
    from ministack.core.responses import request_scope

    if not app.AUTH:
        return True
    name = role_arn.rsplit("/", 1)[-1]
    with request_scope(context.account, context.region):
        asked = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{context.account}:assumed-role/{name}/SageMaker",
            principal_type="AssumedRole",
            principal_account=context.account,
            action=action,
            resource_arn=resource_arn,
            region=context.region,
            service_context={},
            principal_keys={},
        )
        policies = iam_evaluator._gather_role_policies(name, context.account)
        return iam_evaluator.evaluate(asked, policies).decision == "Allow"


RELIES_ON = [
    ReliesOn("app", has={"_dispatch_service_request": ["extract_resource_arn("]}),
    ReliesOn(
        "core.iam_actions",
        functions={"extract_resource_arn": "(service, method, path, headers, body, query_params, region, account_id)"},
        values=["SERVICE_TO_IAM_NAMESPACE", "_BOTOCORE_SERVICE_MAP"],
    ),
    ReliesOn(
        "core.iam_evaluator",
        functions={
            "_gather_role_policies": "(role_name, account_id)",
            "enforce": "(access_key_id, iam_action, service, region, resource_arn, service_context)",
            "evaluate": "(ctx, policies, limits)",
        },
    ),
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("core.router", functions={"extract_access_key_id": "(headers, query_params)"}),
]
