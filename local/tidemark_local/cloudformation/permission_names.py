"""Statements of function policies that CloudFormation makes have names that Lambda takes.

StatementId of AddPermission and RemovePermission: "Maximum length of 100"
(https://docs.aws.amazon.com/lambda/latest/api/API_RemovePermission.html). The emulator's CloudFormation makes the name
of stack and logical id, whatever their length, so that nobody could remove the statement by it.
"""

from typing import Any

from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

# With two hyphens and the emulator's eight characters: 100.
_PART = 45


def register(_context: LocalContext) -> None:
    """Shortens the names. Call it once, before anything is deployed."""
    create = provisioners._lambda_permission_create

    def create_with_short_name(logical_id: str, properties: dict[str, Any], stack_name: str):
        return create(logical_id[-_PART:], properties, stack_name[:_PART])

    provisioners._lambda_permission_create = create_with_short_name
    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Permission"]["create"] = create_with_short_name


PLUGIN = Plugin(
    name="cloudformation.permission_names",
    service="CloudFormation",
    words=__doc__,
    alone="Makes the name of stack and logical id, whatever their length.",
    register=register,
    templates={"AWS::Lambda::Permission": ["create"]},
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            functions={"_lambda_permission_create": "(logical_id, props, stack_name)"},
            values=["_RESOURCE_HANDLERS"],
            has={
                "_lambda_permission_create": ['f"{stack_name}-{logical_id}-{new_uuid()[:8]}"'],
                "_lambda_permission_update": ["_lambda_permission_create"],
            },
        )
    ],
)
