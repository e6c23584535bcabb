"""What a SageMaker request needs: its IAM action, its resource, further resources, and the roles it passes on.

After "Actions, resources, and condition keys for Amazon SageMaker"
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html) and, for iam:PassRole,
"SageMaker Roles" (https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html).
"""

import json
import re
from typing import Any
from urllib.parse import unquote

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
)
_PASSED_ROLES = {"CreateTrainingJob": "RoleArn", "CreateModel": "ExecutionRoleArn"}


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
    if operation == "CreateModelPackage" and found:
        # A version is made inside its group: both are checked.
        found.append(f"{prefix}model-package/{data['ModelPackageGroupName'].rsplit('/', 1)[-1].lower()}/*")
    return found or ["*"]


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
