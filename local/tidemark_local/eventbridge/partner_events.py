"""Partner event sources: made by a partner, matched with a bus of their name, and what they send goes to its rules.

- CreateEventBus: "for partner event buses, the name must exactly match the name of the partner event source that this
  event bus is matched to", and "custom event bus names can't contain the / character"
  (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html);
- a source is PENDING until its bus is made, then ACTIVE, and DELETED once its partner has deleted it
  (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EventSource.html);
- "If it remains in PENDING state for more than two weeks, it is deleted"
  (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeactivateEventSource.html);
- "Any events published by a partner to a partner event source that has not been associated with an event bus will be
  immediately dropped" (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html).

Partner and customer are the same account here.
"""

import json
import time
from typing import Any

from ministack.core.responses import error_response_json, get_region, json_response
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

PENDING_SECONDS = 14 * 86_400
_CFN_TYPE = "AWS::Events::EventBus"
_PREFIX = "aws.partner/"
_REPLACED = {
    "create_event_bus": "_create_event_bus",
    "create_source": "_create_partner_event_source",
    "describe": "_describe_event_source",
    "list_all": "_list_event_sources",
    "put": "_put_partner_events",
    "resolve": "_resolve_taggable_events_arn",
}


def register(_context: LocalContext) -> None:
    """Matches partner sources with their buses. Call it once, before anything is deployed."""
    sources = _Sources()
    for mine, theirs in _REPLACED.items():
        setattr(eventbridge, theirs, getattr(sources, mine))
    handlers = provisioners._RESOURCE_HANDLERS[_CFN_TYPE]
    create = handlers["create"]

    def create_matched(logical_id: str, properties: dict[str, Any], stack_name: str):
        problem = sources.problem(properties.get("Name", ""), properties.get("EventSourceName"))
        if problem:
            raise ValueError(f"{problem[1]} (Service: EventBridge, Status Code: 400)")
        # The emulator's maker leaves the source out.
        sources.by_template = properties.get("EventSourceName")
        try:
            return create(logical_id, properties, stack_name)
        finally:
            sources.by_template = None

    handlers["create"] = create_matched
    provisioners._eb_event_bus_create = create_matched  # an update that changes the name makes another bus


class _Sources:
    """The partner event sources that are offered to the account."""

    def __init__(self) -> None:
        self._create_bus = eventbridge._create_event_bus
        self._create_source = eventbridge._create_partner_event_source
        self._resolve = eventbridge._resolve_taggable_events_arn
        self.by_template: str | None = None

    def resolve(self, arn: str) -> tuple[str | None, Any]:
        """A rule of a partner's bus can be tagged, too: the bus's own name has slashes, which the emulator counts."""
        _, _, path = arn.partition(":rule/")
        bus, _, rule = path.rpartition("/")
        record = eventbridge._rules.get(eventbridge._rule_key(rule, bus)) if bus.startswith(_PREFIX) else None
        return (arn, None) if record and record.get("Arn") == arn else self._resolve(arn)

    def create_source(self, data: dict[str, Any]) -> tuple[int, dict, Any]:
        answer = self._create_source(data)
        for source in list(eventbridge._partner_event_sources.values()):
            source.setdefault("CreationTime", time.time())
        return answer

    def create_event_bus(self, data: dict[str, Any]) -> tuple[int, dict, Any]:
        problem = self.problem(data.get("Name", ""), data.get("EventSourceName", self.by_template))
        return error_response_json(*problem, 400) if problem else self._create_bus(data)

    def problem(self, name: str, source_name: str | None) -> tuple[str, str] | None:
        """Why there can be no such bus: error code and message. `name` is empty where CloudFormation makes one."""
        if source_name is None:
            if "/" not in name:
                return None
            return "ValidationException", f"Event bus name {name} must not contain '/'."
        if name != source_name:
            return "ValidationException", f"EventBus name {name} does not match the event source {source_name}."
        if self._found(source_name) is None:
            return "ResourceNotFoundException", f"Event source {source_name} does not exist."
        return None

    def describe(self, data: dict[str, Any]) -> tuple[int, dict, Any]:
        source = self._found(data.get("Name", ""))
        if source is None:
            return error_response_json(
                "ResourceNotFoundException", f"Event source {data.get('Name')} does not exist.", 400
            )
        return json_response(_told(source))

    def list_all(self, data: dict[str, Any]) -> tuple[int, dict, Any]:
        names = [source["Name"] for source in list(eventbridge._partner_event_sources.values())]
        wanted = [name for name in sorted(names) if name.startswith(data.get("NamePrefix", ""))]
        return json_response({"EventSources": [_told(source) for name in wanted if (source := self._found(name))]})

    def put(self, data: dict[str, Any]) -> tuple[int, dict, Any]:
        results: list[dict[str, Any]] = []
        for entry in data.get("Entries", []):
            source = self._found(entry.get("Source", ""))
            if source is None:
                results.append(
                    {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
                )
            elif _state(source) == "ACTIVE":
                # The emulator's own way for services, which may use names that begin with "aws.".
                sent = {**entry, "EventBusName": source["Name"]}
                _status, _headers, body = eventbridge._put_events({"Entries": [sent]}, allow_aws_source=True)
                results.extend(json.loads(body)["Entries"])
            else:
                results.append({"EventId": eventbridge.new_uuid()})
        failed = sum("ErrorCode" in result for result in results)
        return json_response({"FailedEntryCount": failed, "Entries": results})

    def _found(self, name: str) -> dict[str, Any] | None:
        """A source, unless it has been PENDING for too long, which deletes it."""
        found = eventbridge._partner_event_sources
        for key, source in list(found.items()):
            if source["Name"] != name:
                continue
            if _state(source) == "PENDING" and time.time() > source["CreationTime"] + PENDING_SECONDS:
                del found[key]
                return None
            return source
        return None


def _state(source: dict[str, Any]) -> str:
    return "ACTIVE" if source["Name"] in eventbridge._event_buses else "PENDING"


def _told(source: dict[str, Any]) -> dict[str, Any]:
    name, created = source["Name"], source["CreationTime"]
    return {
        "Arn": f"arn:aws:events:{get_region()}::event-source/{name}",
        "CreatedBy": name.removeprefix(_PREFIX).split("/")[0],
        "CreationTime": int(created),
        "Name": name,
        "State": _state(source),
    } | ({"ExpirationTime": int(created + PENDING_SECONDS)} if _state(source) == "PENDING" else {})


PLUGIN = Plugin(
    name="eventbridge.partner_events",
    service="EventBridge",
    words=__doc__,
    alone="Answers a partner's events and drops them, and lets any bus be called as a partner source is.",
    register=register,
    operations=[
        "events:CreateEventBus",
        "events:CreatePartnerEventSource",
        "events:DescribeEventSource",
        "events:ListEventSources",
        "events:PutPartnerEvents",
    ],
    templates={_CFN_TYPE: ["create"]},
    relies_on=[
        ReliesOn(
            "services.cloudformation.provisioners",
            functions={"_eb_event_bus_create": "(logical_id, props, stack_name)"},
            values=["_RESOURCE_HANDLERS"],
            has={
                "_eb_event_bus_create": ["_eb._create_event_bus"],
                "_eb_event_bus_update": ["_eb_event_bus_create"],
            },
        ),
        ReliesOn(
            "services.eventbridge",
            functions={
                "_create_event_bus": "(data)",
                "_create_partner_event_source": "(data)",
                "_describe_event_source": "(data)",
                "_list_event_sources": "(data)",
                "_put_events": "(data, allow_aws_source)",
                "_put_partner_events": "(data)",
                "_resolve_taggable_events_arn": "(arn)",
                "_rule_key": "(rule_name, bus_name)",
            },
            values=["_event_buses", "_partner_event_sources", "_rules"],
            has={
                "handle_request": [
                    "_create_event_bus",
                    "_create_partner_event_source",
                    "_describe_event_source",
                    "_list_event_sources",
                    "_put_partner_events",
                ]
            },
            lacks={"_put_partner_events": ["_put_events", "_dispatch_event"]},
        ),
    ],
)
