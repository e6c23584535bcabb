"""Subscriptions of SNS topics: functions, queues and HTTP(S) endpoints, with their policies and redrive policies.

- a function is invoked asynchronously, so what fails in it is retried by Lambda and goes to the function's own queue
  (https://docs.aws.amazon.com/sns/latest/dg/sns-lambda-as-subscriber.html);
- "Amazon SNS doesn't retry the message delivery that fails as a result of a client-side error": a policy that shuts it
  out, an endpoint that is gone. The message goes to the subscription's dead-letter queue, if it has one
  (https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html);
- HTTP(S): three retries, twenty seconds apart
  (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html); here a second apart.
"""

import asyncio
import json
import logging
import urllib.error
from typing import Any

from ministack.services import sns

from ..deliveries.sending import Sender, Undelivered, ask, invoke_async, put_message
from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

logger = logging.getLogger("tidemark.topics")
SNS = "sns.amazonaws.com"
_HTTP_RETRIES, _HTTP_RETRY_SECONDS = 3, 1.0


def register(context: LocalContext) -> None:
    """Takes over the deliveries of topics. Call it once, before requests are served."""
    topics = _Topics(context, sns._deliver_to_sqs)
    sns._deliver_to_lambda = topics.to_function
    sns._deliver_to_sqs = topics.to_queue
    sns._deliver_to_http = topics.to_http


class _Topics:
    """Deliveries of one notification to one endpoint. The parameters are those of the functions that it replaces."""

    def __init__(self, context: LocalContext, put: Any):
        self._context, self._put = context, put

    def to_function(
        self,
        endpoint: str,
        envelope: str,
        topic_arn: str,
        sub_arn: str,
        msg_id: str,
        raw_message: str,
        message_attributes: dict[str, Any],
    ) -> None:
        record = record_of(json.loads(envelope), topic_arn, sub_arn)
        try:
            ask(self._context, Sender(SNS, topic_arn), "lambda:InvokeFunction", endpoint)
            invoke_async(endpoint, json.dumps({"Records": [record]}))
            self._count(topic_arn, "NumberOfNotificationsDelivered")
        except Undelivered as error:
            self._redrive(topic_arn, "lambda", endpoint, envelope, {}, error)

    def to_queue(
        self,
        endpoint: str,
        envelope: str,
        raw: bool,
        raw_message: str,
        message_group_id: str = "",
        message_dedup_id: str = "",
        message_attributes: dict[str, Any] | None = None,
        topic_arn: str = "",
    ) -> None:
        from ministack.services import sqs

        try:
            if sqs._queue_by_arn(endpoint) is None:
                raise Undelivered("NO_RESOURCE", f"The specified queue does not exist: {endpoint}")
            ask(self._context, Sender(SNS, topic_arn), "sqs:SendMessage", endpoint)
        except Undelivered as error:
            attributes = message_attributes or {} if raw else {}
            self._redrive(topic_arn, "sqs", endpoint, raw_message if raw else envelope, attributes, error)
            return
        self._put(
            endpoint, envelope, raw, raw_message, message_group_id, message_dedup_id, message_attributes, topic_arn
        )
        self._count(topic_arn, "NumberOfNotificationsDelivered")

    async def to_http(self, endpoint: str, payload: str) -> None:
        topic_arn = _topic_of(payload)
        failure = await _post(endpoint, payload)
        if failure is None:
            self._count(topic_arn, "NumberOfNotificationsDelivered")
            return
        protocol = endpoint.partition(":")[0]
        await asyncio.to_thread(self._redrive, topic_arn, protocol, endpoint, payload, {}, failure)

    def _redrive(
        self,
        topic_arn: str,
        protocol: str,
        endpoint: str,
        body: str,
        attributes: dict[str, Any],
        failure: Undelivered,
    ) -> None:
        logger.warning("%s could not reach %s: %s", topic_arn, endpoint, failure.message)
        self._count(topic_arn, "NumberOfNotificationsFailed")
        queue = _dead_letter_queue(topic_arn, protocol, endpoint)
        if not queue:
            return
        given = {name: (item["DataType"], item.get("StringValue", "")) for name, item in attributes.items()}
        try:
            ask(self._context, Sender(SNS, topic_arn), "sqs:SendMessage", queue)
            put_message(queue, body, given)
            self._count(topic_arn, "NumberOfNotificationsRedrivenToDlq")
        except Undelivered as error:
            logger.error("%s could not reach its dead-letter queue: %s", topic_arn, error.message)
            self._count(topic_arn, "NumberOfNotificationsFailedToRedriveToDlq")

    def _count(self, topic_arn: str, metric: str) -> None:
        if topic_arn:
            name = topic_arn.rsplit(":", 1)[-1]
            self._context.put_metric("AWS/SNS", metric, {"TopicName": name}, 1, "Count")


def record_of(notification: dict[str, Any], topic_arn: str, sub_arn: str) -> dict[str, Any]:
    """The record in a function's event: the members of the notification, with `Url` in other letters, and with
    Subject and MessageAttributes also where there are none."""
    unsubscribe = f"https://sns.{topic_arn.split(':')[3]}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={sub_arn}"
    return {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": sub_arn,
        "Sns": {
            "Type": "Notification",
            "MessageId": notification["MessageId"],
            "TopicArn": topic_arn,
            "Subject": notification.get("Subject"),
            "Message": notification["Message"],
            "Timestamp": notification["Timestamp"],
            "SignatureVersion": notification["SignatureVersion"],
            "Signature": notification["Signature"],
            "SigningCertUrl": notification["SigningCertURL"],
            "UnsubscribeUrl": unsubscribe,
            "MessageAttributes": notification.get("MessageAttributes", {}),
        },
    }


def _dead_letter_queue(topic_arn: str, protocol: str, endpoint: str) -> str | None:
    topic = sns._topic_by_arn_any_scope(topic_arn) if topic_arn else None
    for subscription in (topic or {}).get("subscriptions", []):
        if (subscription.get("protocol"), subscription.get("endpoint")) == (protocol, endpoint):
            policy = subscription.get("attributes", {}).get("RedrivePolicy")
            policy = json.loads(policy) if isinstance(policy, str) and policy else policy
            return (policy or {}).get("deadLetterTargetArn")
    return None


async def _post(endpoint: str, payload: str) -> Undelivered | None:
    """None once the endpoint has taken it, else why it did not at last."""
    failure = None
    for attempt in range(_HTTP_RETRIES + 1):
        if attempt:
            await asyncio.sleep(_HTTP_RETRY_SECONDS)
        try:
            await asyncio.to_thread(sns._http_post_sync, endpoint, payload, "Notification")
            return None
        except urllib.error.HTTPError as error:
            failure = Undelivered("ERROR_FROM_TARGET", f"HTTP status {error.code}")
            if 400 <= error.code < 500 and error.code != 429:
                break  # "permanent failure": no retry
        except OSError as error:
            failure = Undelivered("CONNECTION_FAILURE", type(error).__name__)
    return failure


def _topic_of(payload: str) -> str:
    """The topic of a notification; "" where raw delivery leaves it out."""
    try:
        found = json.loads(payload)
    except ValueError:
        return ""
    return found.get("TopicArn", "") if isinstance(found, dict) else ""


PLUGIN = Plugin(
    name="sns.subscriptions",
    service="SNS",
    words=__doc__,
    alone="Delivers once, without asking a policy, and forgets what failed.",
    register=register,
    operations=["sns:Publish"],
    relies_on=[
        ReliesOn(
            "services.sns",
            functions={
                "_deliver_to_http": "(endpoint, payload)",
                "_deliver_to_lambda": (
                    "(endpoint, envelope, topic_arn, sub_arn, msg_id, raw_message, message_attributes)"
                ),
                "_deliver_to_sqs": (
                    "(endpoint, envelope, raw, raw_message, message_group_id, message_dedup_id, "
                    "message_attributes, topic_arn)"
                ),
                "_http_post_sync": "(endpoint, payload, sns_message_type)",
                "_topic_by_arn_any_scope": "(topic_arn)",
            },
            has={"_fanout": ["_deliver_to_sqs", "_deliver_to_lambda", "_deliver_to_http"]},
        ),
        ReliesOn("services.sqs", functions={"_queue_by_arn": "(arn)"}),
    ],
)
