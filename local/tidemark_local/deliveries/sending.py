"""One attempt to hand something to a queue, topic or function on behalf of a service, or with a role.

A service acts as itself where the target has a resource policy, and that policy decides ("Resource-based policies for
EventBridge", https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html). With a role it makes
an ordinary call of the role's session, which IAM decides.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..host.context import LocalContext
from ..host.relies_on import ReliesOn
from .service_calls import ServiceCall, refusal


class Undelivered(Exception):
    """An attempt that failed. `code` is one of EventBridge's error codes, `retriable` whether another attempt may
    help: "for errors that result from missing permissions to a target, or if a target resource no longer exists, no
    retry attempts will happen until action is taken"
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
    """

    def __init__(self, code: str, message: str, *, retriable: bool = False):
        super().__init__(message)
        self.code, self.message, self.retriable = code, message, retriable


@dataclass(frozen=True)
class Sender:
    """A service that acts for one of its resources: `events.amazonaws.com` for a rule, by its ARN."""

    principal: str
    source_arn: str


def ask(context: LocalContext, sender: Sender, action: str, resource_arn: str) -> None:
    """Raises Undelivered (NO_PERMISSIONS) when the resource's policy does not let the service act."""
    refused = refusal(context, ServiceCall(sender.principal, action, resource_arn, sender.source_arn))
    if refused:
        raise Undelivered("NO_PERMISSIONS", refused)


def put_message(arn: str, body: str, attributes: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Puts a message into a standard queue; `attributes` are name → (data type, value). Nothing is asked: use `ask`
    before. Raises Undelivered (NO_RESOURCE) when there is no such queue."""
    from ministack.services import sqs

    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise Undelivered("NO_RESOURCE", f"The specified queue does not exist: {arn}")
    given = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in (attributes or {}).items()}
    now = time.time()
    message: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "body": body,
        "message_attributes": given,
        "md5_attrs": sqs._md5_msg_attrs(given),
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    sqs.esm_wake.set()


def publish(arn: str, message: str, subject: str = "") -> str:
    """Publishes to a topic, unasked as `put_message`; the message id. Raises Undelivered when there is no such topic
    or the message is too long."""
    from ministack.services import sns

    try:
        answer = sns.publish_internal(arn, message, subject)
    except sns.SnsPublishError as error:
        raise Undelivered("SDK_CLIENT_ERROR", str(error)) from error
    if answer is None:
        raise Undelivered("NO_RESOURCE", f"Topic does not exist: {arn}")
    return answer["message_id"]


def invoke_async(arn: str, payload: str) -> None:
    """Hands an event to a function's own queue, unasked as `put_message`: what the function makes of it is not the
    sender's concern any more. Raises Undelivered (NO_RESOURCE) when there is no such function."""
    from ministack.services import lambda_svc

    function, config, _name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise Undelivered("NO_RESOURCE", f"Function not found: {arn}")
    try:
        event = json.loads(payload)
    except ValueError as error:
        raise Undelivered("INVALID_JSON", f"The input of {arn} is not JSON.") from error
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), event)


def send_as_service(context: LocalContext, sender: Sender, arn: str, payload: str) -> None:
    """One attempt to a function, topic or standard queue, as the service itself. Raises Undelivered."""
    service = arn.split(":")[2]
    if service == "lambda":
        ask(context, sender, "lambda:InvokeFunction", arn)
        invoke_async(arn, payload)
    elif service == "sns":
        ask(context, sender, "sns:Publish", arn)
        publish(arn, payload)
    elif service == "sqs":
        ask(context, sender, "sqs:SendMessage", arn)
        put_message(arn, payload)
    else:
        raise Undelivered("INVALID_PARAMETER", f"{arn} is no function, topic or queue: give the target a role.")


def send_with_role(
    session: Any,
    arn: str,
    payload: str,
    execution_name: str | None = None,
    attributes: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """One attempt to a function, topic, queue or state machine with the role of a RoleSession. `execution_name` names
    the execution, `attributes` those of a message. Raises Undelivered, and ValueError for a role that is gone."""
    service = arn.split(":")[2]
    given = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in (attributes or {}).items()}
    try:
        if service == "lambda":
            session.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=payload.encode())
        elif service == "sns":
            session.client("sns").publish(TopicArn=arn, Message=payload, MessageAttributes=given)
        elif service == "sqs":
            client = session.client("sqs")
            client.send_message(QueueUrl=queue_url(client, arn), MessageBody=payload, MessageAttributes=given)
        elif service == "states":
            named = {"name": execution_name} if execution_name else {}
            session.client("stepfunctions").start_execution(stateMachineArn=arn, input=payload, **named)
        else:
            raise Undelivered("INVALID_PARAMETER", f"{arn} is no function, topic, queue or state machine.")
    except ClientError as error:
        raise _undelivered(error) from error
    except BotoCoreError as error:
        raise Undelivered("CONNECTION_FAILURE", str(error), retriable=True) from error


def queue_url(client: Any, arn: str) -> str:
    """The URL without asking GetQueueUrl, which the role of a sender needs no right to."""
    return f"{client.meta.endpoint_url}/{arn.split(':')[4]}/{arn.rsplit(':', 1)[-1]}"


def _undelivered(error: ClientError) -> Undelivered:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if "AccessDenied" in code or code in ("AuthorizationError", "AccessDenied"):
        return Undelivered("NO_PERMISSIONS", message)
    if "NotFound" in code or "DoesNotExist" in code or "NonExistent" in code:
        return Undelivered("NO_RESOURCE", message)
    if "Throttl" in code or "TooManyRequests" in code:
        return Undelivered("THROTTLING", message, retriable=True)
    if status >= 500:
        return Undelivered("ERROR_FROM_TARGET", message, retriable=True)
    return Undelivered("SDK_CLIENT_ERROR", message)


RELIES_ON = [
    ReliesOn(
        "services.lambda_svc",
        functions={
            "_execution_record_for_config": "(func, config)",
            "_get_func_record_for_ref": "(function_ref)",
            "invoke_async_with_retry": "(func, event)",
        },
    ),
    ReliesOn(
        "services.sns",
        functions={
            "publish_internal": (
                "(topic_arn, message, subject, message_structure, message_attributes, message_group_id, "
                "message_deduplication_id)"
            )
        },
    ),
    ReliesOn(
        "services.sqs",
        functions={
            "_ensure_msg_fields": "(m)",
            "_md5_msg_attrs": "(attrs)",
            "_queue_by_arn": "(arn)",
            "queue_delay": "(q)",
        },
    ),
]
