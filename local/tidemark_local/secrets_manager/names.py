"""`Ref` of a secret gives its ARN, and a secret's name has the characters that AWS allows.

"When you pass the logical ID of an AWS::SecretsManager::Secret resource to the intrinsic Ref function, the function
returns the ARN of the secret"
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html). The emulator
returns the name, so that grants made on the Ref are refused. "The secret name can contain ASCII letters, numbers, and
the following characters: /_+=.@-" (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html).
"""

import re
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import secretsmanager
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_TYPE = "AWS::SecretsManager::Secret"
_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_BAD_NAME = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"


def register(_context: LocalContext) -> None:
    """Makes the ARN the physical id of secrets in templates, and looks at names. Call it once, before anything is
    deployed."""
    create_by_api = secretsmanager._create_secret

    def create_named(data: dict[str, Any]):
        if data.get("Name") and not _NAME.fullmatch(data["Name"]):
            return error_response_json("ValidationException", _BAD_NAME, 400)
        return create_by_api(data)

    secretsmanager._create_secret = create_named
    handlers = provisioners._RESOURCE_HANDLERS[_TYPE]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def create_with_arn(logical_id: str, properties: dict[str, Any], stack_name: str):
        _name, attributes = create(logical_id, properties, stack_name)
        return attributes["Arn"], attributes

    def update_with_arn(physical_id: str, old: dict, new: dict, stack_name: str, logical_id: str | None = None):
        _name, attributes = update(_name_of(physical_id), old, new, stack_name, logical_id)
        return attributes["Arn"], attributes

    def delete_by_arn(physical_id: str, properties: dict[str, Any]):
        return delete(_name_of(physical_id), properties)

    handlers.update(create=create_with_arn, update=update_with_arn, delete=delete_by_arn)


def _name_of(arn: str) -> str:
    """The emulator's key of a secret. A secret that is gone keeps its ARN, and the emulator then finds nothing, as it
    should."""
    return next((name for name, secret in secretsmanager._secrets.items() if secret["ARN"] == arn), arn)


PLUGIN = Plugin(
    name="secrets_manager.names",
    service="Secrets Manager",
    words=__doc__,
    alone="Gives the name for `Ref`, so that grants made on it are refused, and takes any name.",
    register=register,
    operations=["secretsmanager:CreateSecret"],
    templates={"AWS::SecretsManager::Secret": ["create", "update", "delete"]},
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            values=["_RESOURCE_HANDLERS"],
            has={"_sm_secret_create": ["return name,"]},
        ),
        ReliesOn(
            "services.secretsmanager",
            functions={"_create_secret": "(data)"},
            values=["_secrets"],
            has={"handle_request": ["_create_secret"]},
        ),
    ],
)
