"""What CloudFormation refuses, and the emulator lets through.

- `Fn::GetStackOutput` is a call of DescribeStacks for each occurrence, at one a second
  (https://github.com/aws/aws-cdk/issues/38010).
- An export that another stack imports can be neither changed nor taken away
  (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html).
- A bucket that holds objects or versions is not deleted, nor a table under deletion protection: the deletion ends in
  DELETE_FAILED (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html).
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb, s3
from ministack.services.cloudformation import handlers, provisioners, stacks

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_LOOK_UP = "Fn::GetStackOutput"
_IMPORTS_NOTHING = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE")


class LookUps:
    """The rate of DescribeStacks: one a second. AWS does not say how many may come at once; 75 in one template were
    too many, so `burst` is a guess below that."""

    def __init__(self, per_second: float = 1, burst: int = 40, clock: Callable[[], float] = time.monotonic):
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._left, self._at = float(burst), clock()

    def take(self, count: int) -> None:
        """Raises ValueError with CloudFormation's words when so many calls are too many now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if count > self._left:
            raise ValueError(
                "Rate exceeded (Service: CloudFormation, Status Code: 400, Error Code: Throttling): "
                f"{count} occurrences of {_LOOK_UP}, a DescribeStacks call each"
            )
        self._left -= count


def register(context: LocalContext) -> None:
    """Call it once, after the plug-ins that replace handlers of templates and before anything is deployed."""
    look_ups = LookUps()
    resolve, resolve_outputs = stacks._resolve_refs, stacks._resolve_stack_outputs

    def resolve_at_rate(value: Any, *context: Any) -> Any:
        count = occurrences(value)
        if count:
            look_ups.take(count)
        return resolve(value, *context)

    def resolve_outputs_in_use(
        outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id
    ) -> tuple[list, dict]:
        outputs, exports = resolve_outputs(
            outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id
        )
        _refuse_change_of_exports_in_use(stack_id, exports)
        return outputs, exports

    stacks._resolve_refs = resolve_at_rate
    stacks._resolve_stack_outputs = resolve_outputs_in_use
    _guard("AWS::S3::Bucket", _refuse_full_bucket)
    _keep_protection_of_replica(context.region)
    for kind in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        _guard(kind, _refuse_protected_table)


def occurrences(value: Any) -> int:
    """Look-ups of other stacks' outputs within a template value."""
    if isinstance(value, dict):
        return (_LOOK_UP in value) + sum(occurrences(item) for item in value.values())
    return sum(occurrences(item) for item in value) if isinstance(value, list) else 0


def _refuse_change_of_exports_in_use(stack_id: str, exports: dict) -> None:
    from ministack.services.cloudformation import _exports, _stacks

    for name, export in list(_exports.items()):
        if export["StackId"] != stack_id or exports.get(name, {}).get("Value") == export["Value"]:
            continue
        verb = "updated" if name in exports else "deleted"
        for other, stack in _stacks.items():
            if stack["StackId"] == stack_id or stack.get("StackStatus") in _IMPORTS_NOTHING:
                continue
            if name in handlers._imported_export_names(stack, other):
                raise ValueError(f"Export {name} cannot be {verb} as it is in use by {other}")


def _keep_protection_of_replica(region: str) -> None:
    """A global table has its protection per replica, which the emulator leaves out."""
    table = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"]

    def protecting(make: Callable, properties_at: int) -> Callable:
        def made(*arguments: Any) -> tuple[str, dict]:
            name, attributes = make(*arguments)
            replicas = arguments[properties_at].get("Replicas", [])
            protected = any(
                str(replica.get("DeletionProtectionEnabled")).lower() == "true"
                for replica in replicas
                if replica.get("Region") == region
            )
            dynamodb._tables[name]["DeletionProtectionEnabled"] = protected
            return name, attributes

        return made

    def in_place(physical_id: str, old: dict, new: dict, *more: Any) -> tuple[str, dict]:
        """The emulator derives another name for a table whose template gives none, and so replaces it with an empty
        one at every update."""
        name = {"TableName": physical_id}
        return table["update"](physical_id, {**name, **old}, {**name, **new}, *more)

    create, update = protecting(table["create"], 1), protecting(in_place, 2)
    provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::GlobalTable"] = {**table, "create": create, "update": update}


def _guard(kind: str, refuse: Callable[[str], None]) -> None:
    table = provisioners._RESOURCE_HANDLERS[kind]
    delete = table["delete"]

    def checked(physical_id: str, properties: dict[str, Any]) -> Any:
        refuse(physical_id)
        return delete(physical_id, properties)

    provisioners._RESOURCE_HANDLERS[kind] = {**table, "delete": checked}


def _refuse_full_bucket(name: str) -> None:
    versions = s3._bucket_has_versions(name)
    if versions or s3._buckets.get(name, {}).get("objects"):
        also = " You must delete all versions in the bucket." if versions else ""
        raise ValueError(f"The bucket you tried to delete is not empty.{also} (Service: S3, Status Code: 409)")


def _refuse_protected_table(name: str) -> None:
    if dynamodb._tables.get(name, {}).get("DeletionProtectionEnabled"):
        raise ValueError(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first. (Service: DynamoDb, Status Code: 400)"
        )


PLUGIN = Plugin(
    name="cloudformation.stack_rules",
    service="CloudFormation",
    words=__doc__,
    alone="Makes, changes and deletes what CloudFormation would not.",
    register=register,
    operations=["cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack"],
    templates={
        "AWS::S3::Bucket": ["delete"],
        "AWS::DynamoDB::Table": ["delete"],
        "AWS::DynamoDB::GlobalTable": ["create", "update", "delete"],
    },
    relies_on=[
        ReliesOn("services.cloudformation", values=["_exports", "_stacks"]),
        ReliesOn("services.cloudformation.handlers", functions={"_imported_export_names": "(stack, stack_name)"}),
        ReliesOn(
            "services.cloudformation.provisioners",
            values=["_RESOURCE_HANDLERS"],
            lacks={
                "_s3_delete": ["objects"],
                "_ddb_global_table_create": ["DeletionProtection"],
                "_ddb_delete": ["DeletionProtection"],
            },
        ),
        ReliesOn(
            "services.cloudformation.stacks",
            functions={
                "_resolve_refs": "(value, resources, params, conditions, mappings, stack_name, stack_id)",
                "_resolve_stack_outputs": (
                    "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)"
                ),
            },
            has={"_deploy_stack_async": ["_resolve_refs", "_resolve_stack_outputs"]},
        ),
        ReliesOn("services.dynamodb", values=["_tables"]),
        ReliesOn("services.s3", functions={"_bucket_has_versions": "(name)"}, values=["_buckets"]),
    ],
)
