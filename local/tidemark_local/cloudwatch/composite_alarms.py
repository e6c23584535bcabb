"""AWS::CloudWatch::CompositeAlarm, which the emulator's CloudFormation does not know, though its CloudWatch does.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-compositealarm.html: `Ref` gives
the name, `Fn::GetAtt Arn` the ARN; a new name replaces the alarm.
"""

import json
from typing import Any

from ministack.services import cloudwatch
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

_TYPE = "AWS::CloudWatch::CompositeAlarm"
Properties = dict[str, Any]


def register(_context: LocalContext) -> None:
    """Lets templates have composite alarms. Call it once."""
    provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": _create, "update": _update, "delete": _delete}


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
    name = properties.get("AlarmName") or provisioners._physical_name(stack_name, logical_id, max_len=255)
    return _put(name, properties)


def _update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> tuple[str, dict[str, str]]:
    name = new.get("AlarmName") or physical_id
    answer = _put(name, new)
    if name != physical_id:
        _delete(physical_id, {})
    return answer


def _put(name: str, properties: Properties) -> tuple[str, dict[str, str]]:
    enabled = str(properties.get("ActionsEnabled", True)).lower() == "true"
    _answered(
        cloudwatch._put_composite_alarm({}, {**properties, "AlarmName": name, "ActionsEnabled": enabled}, False, True)
    )
    return name, {"Arn": cloudwatch._composite_alarms[name]["AlarmArn"]}


def _delete(physical_id: str, _properties: Properties) -> None:
    _answered(cloudwatch._delete_alarms({}, {"AlarmNames": [physical_id]}, False, True))


def _answered(answer: tuple) -> None:
    """Raises ValueError with CloudWatch's message when it refused."""
    if answer[0] >= 400:
        raise ValueError(json.loads(answer[2]).get("message", "CloudWatch refused the composite alarm"))


PLUGIN = Plugin(
    name="cloudwatch.composite_alarms",
    service="CloudWatch",
    words=__doc__,
    alone="Has composite alarms by the API alone.",
    register=register,
    new_templates=["AWS::CloudWatch::CompositeAlarm"],
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            functions={"_physical_name": "(stack_name, logical_id, lowercase, max_len, seeded)"},
            values=["_RESOURCE_HANDLERS"],
        ),
        ReliesOn(
            "services.cloudwatch",
            functions={
                "_delete_alarms": "(params, cbor_data, is_cbor, is_json)",
                "_put_composite_alarm": "(params, cbor_data, is_cbor, is_json)",
            },
            values=["_composite_alarms"],
        ),
    ],
)
