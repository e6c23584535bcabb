"""The limits that AWS's API models don't state, each from `limits.json`: sizes of payloads, policies and batches.

Each check gets the members of a request, and gives the service's code and words, or None. Those that count what is
there already look into MiniStack.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ..host.limits import limit
from ..host.relies_on import ReliesOn
from .models import Request, Target


class Refusal(NamedTuple):
    code: str
    message: str
    status: int = 400


# "A name must not contain": white space, brackets, wildcards, special and control characters
# (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html)
_STATES_NAME = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
_TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]+(\.fifo)?")
_LINE_OR_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPACE = re.compile(r"\s")


def refusal(target: Target, members: dict[str, Any], request: Request) -> Refusal | None:
    """AWS's refusal of a request beyond a limit; None where none is."""
    return beyond(target.service, target.name, members, len(request.body))


def beyond(service: str, operation: str, members: dict[str, Any], size: int) -> Refusal | None:
    """The same for a call that doesn't come as a request; `size` is no less than that of its members, in bytes."""
    check = _CHECKS.get((service, operation))
    return check(members, size) if check else None


def _put_record(members: dict[str, Any], size: int) -> Refusal | None:
    return _record(members, "data") if size > limit("kinesis.record-bytes") else None


def _put_records(members: dict[str, Any], size: int) -> Refusal | None:
    if size <= limit("kinesis.record-bytes"):
        return None
    found = (_record(item, f"records.{index}.member.data") for index, item in enumerate(members["Records"], 1))
    return next(filter(None, found), None)


def _record(record: dict[str, Any], where: str) -> Refusal | None:
    data, most = record["Data"], limit("kinesis.record-bytes")
    size = len(data) if isinstance(data, bytes) else len(data) * 3 // 4 - data[-2:].count("=")
    if size + len(record["PartitionKey"].encode()) <= most:
        return None
    shown = f"java.nio.HeapByteBuffer[pos=0 lim={size} cap={size}]"
    return Refusal(
        "ValidationException",
        f"1 validation error detected: Value '{shown}' at '{where}' failed to satisfy constraint: Member must have "
        f"length less than or equal to {most}",
    )


def _invoke(members: dict[str, Any], size: int) -> Refusal | None:
    kind = members.get("InvocationType", "RequestResponse")
    most = limit("lambda.asynchronous-payload-bytes" if kind == "Event" else "lambda.synchronous-payload-bytes")
    if size <= most:
        return None
    message = f"{size} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
    return Refusal("RequestEntityTooLargeException", message, 413)


def _function(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("lambda.timeout-seconds")
    if (members.get("Timeout") or 0) > most:
        return Refusal(
            "ValidationException",
            f"1 validation error detected: Value '{members['Timeout']}' at 'timeout' failed to satisfy constraint: "
            f"Member must have value less than or equal to {most}",
        )
    measured = json.dumps((members.get("Environment") or {}).get("Variables") or {}, separators=(",", ":"))
    if len(measured.encode()) <= limit("lambda.environment-bytes"):
        return None
    return Refusal(
        "InvalidParameterValueException",
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        f"exceeded the 4KB limit. String measured: {measured}",
    )


def _permission(members: dict[str, Any], _size: int) -> Refusal | None:
    from ministack.services import lambda_svc

    name = members["FunctionName"].removesuffix(":$LATEST").rsplit(":", 1)[-1]
    function = lambda_svc._functions.get(name)
    if not isinstance(members.get("Principal"), str) or not function:
        return None
    arn, account = members.get("SourceArn"), members.get("SourceAccount")
    statement = {
        **{"Sid": members.get("StatementId", ""), "Effect": "Allow", "Principal": {"Service": members["Principal"]}},
        **{"Action": members["Action"], "Resource": function["config"]["FunctionArn"]},
        "Condition": {
            **({"ArnLike": {"AWS:SourceArn": arn}} if arn else {}),
            **({"StringEquals": {"AWS:SourceAccount": account}} if account else {}),
        },
    }
    policy, most = function["policy"], limit("lambda.policy-bytes")
    size = policy_size({**policy, "Statement": [*policy["Statement"], statement]})
    if size <= most:
        return None
    message = f"The final policy size ({size}) is bigger than the limit ({most})."
    return Refusal("PolicyLengthExceededException", message)


def _states_name(members: dict[str, Any], _size: int) -> Refusal | None:
    name = members.get("name") or ""
    return Refusal("InvalidName", f"Invalid Name: '{name}'") if _STATES_NAME.search(name) else None


def _role_policy(members: dict[str, Any], _size: int) -> Refusal | None:
    from ministack.services import iam

    there = (iam._roles.get(members["RoleName"]) or {}).get("InlinePolicies", {})
    return inline_policies(members["RoleName"], {**there, members["PolicyName"]: members["PolicyDocument"]})


def inline_policies(role: str, policies: dict[str, Any]) -> Refusal | None:
    """Whether a role may have these inline policies, by their names, together."""
    most = limit("iam.inline-policies-characters")
    if sum(map(policy_size, policies.values())) <= most:
        return None
    return Refusal("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for role {role}", 409)


def _managed_policy(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("iam.managed-policy-characters")
    if policy_size(members["PolicyDocument"]) <= most:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {most}", 409)


def _trust(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("iam.trust-policy-characters")
    if policy_size(members.get("AssumeRolePolicyDocument") or members.get("PolicyDocument") or "") <= most:
        return None
    return Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {most}", 409)


def policy_size(document: Any) -> int:
    """The size of a policy as IAM counts it: white space is not."""
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return len(_SPACE.sub("", text))


def _object(members: dict[str, Any], _size: int) -> Refusal | None:
    if len(members["Key"].encode()) > limit("s3.key-bytes"):
        return Refusal("KeyTooLongError", "Your key is too long")
    metadata = members.get("Metadata") or {}
    if sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items()) > limit("s3.metadata-bytes"):
        return Refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return None


def _bucket_policy(members: dict[str, Any], _size: int) -> Refusal | None:
    if policy_size(members["Policy"]) <= limit("s3.policy-bytes"):
        return None
    return Refusal("PolicyTooLarge", "The bucket policy exceeds the maximum allowed size of 20 KB")


def _publish(members: dict[str, Any], _size: int) -> Refusal | None:
    if not any(members.get(name) for name in ("TopicArn", "TargetArn", "PhoneNumber")):
        message = "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"
        return Refusal("InvalidParameter", message)
    subject = members.get("Subject")
    if subject is None:
        return None
    if subject and len(subject) <= limit("sns.subject-characters") and not _LINE_OR_CONTROL.search(subject):
        return None
    return Refusal("InvalidParameter", "Invalid parameter: Subject")


def _topic(members: dict[str, Any], _size: int) -> Refusal | None:
    name = members["Name"]
    if _TOPIC_NAME.fullmatch(name) and len(name) <= limit("sns.topic-name-characters"):
        return None
    return Refusal("InvalidParameter", "Invalid parameter: Topic Name")


def _queue(members: dict[str, Any], _size: int) -> Refusal | None:
    name, most = members["QueueName"], limit("sqs.queue-name-characters")
    if _TOPIC_NAME.fullmatch(name) and len(name) <= most:
        return None
    return Refusal(
        "InvalidParameterValue",
        f"Can only include alphanumeric characters, hyphens, or underscores. 1 to {most} in length",
    )


def _put_events(members: dict[str, Any], size: int) -> Refusal | None:
    most = limit("events.entries-bytes")
    if size <= most or sum(map(_entry_size, members["Entries"])) <= most:
        return None
    return Refusal("ValidationException", "Total size of the entries in the request is over the limit.")


def _entry_size(entry: dict[str, Any]) -> int:
    texts = [entry.get("Source"), entry.get("DetailType"), entry.get("Detail"), *(entry.get("Resources") or [])]
    return sum(len(text.encode()) for text in texts if text) + (14 if entry.get("Time") is not None else 0)


def _put_targets(members: dict[str, Any], _size: int) -> Refusal | None:
    from ministack.services import eventbridge

    key = eventbridge._rule_key(members["Rule"], members.get("EventBusName") or "default")
    there = {target["Id"] for target in eventbridge._targets.get(key) or []}
    if len(there | {target["Id"] for target in members["Targets"]}) <= limit("events.targets"):
        return None
    return Refusal("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def _log_events(members: dict[str, Any], size: int) -> Refusal | None:
    most, single = limit("logs.batch-bytes"), limit("logs.event-bytes")
    events = members["logEvents"]
    if size + 26 * len(events) <= most:
        return None
    sizes = [len(event["message"].encode()) for event in events]
    if max(sizes, default=0) > single:
        return Refusal(
            "InvalidParameterException", f"Log event too large: {max(sizes)} bytes exceeds limit of {single}"
        )
    total = sum(sizes) + 26 * len(sizes)
    if total <= most:
        return None
    return Refusal("InvalidParameterException", f"Upload too large: {total} bytes exceeds limit of {most}")


def _metric_data(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("cloudwatch.metric-data")
    if len(members.get("MetricData") or []) <= most:
        return None
    return Refusal("InvalidParameterValue", f"The collection MetricData must not have a size greater than {most}.")


def _schedule(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("scheduler.input-bytes")
    if len((members["Target"].get("Input") or "").encode()) <= most:
        return None
    return Refusal("ValidationException", f"Target input must have length less than or equal to {most}")


def _key_policy(members: dict[str, Any], _size: int) -> Refusal | None:
    most = limit("kms.policy-bytes")
    if policy_size(members.get("Policy") or "") <= most:
        return None
    return Refusal("LimitExceededException", f"The key policy exceeds the quota of {most} bytes")


_CHECKS: dict[tuple[str, str], Callable[[dict[str, Any], int], Refusal | None]] = {
    ("cloudwatch", "PutMetricData"): _metric_data,
    ("events", "PutEvents"): _put_events,
    ("events", "PutTargets"): _put_targets,
    ("iam", "CreatePolicy"): _managed_policy,
    ("iam", "CreatePolicyVersion"): _managed_policy,
    ("iam", "CreateRole"): _trust,
    ("iam", "PutRolePolicy"): _role_policy,
    ("iam", "UpdateAssumeRolePolicy"): _trust,
    ("kinesis", "PutRecord"): _put_record,
    ("kinesis", "PutRecords"): _put_records,
    ("kms", "CreateKey"): _key_policy,
    ("kms", "PutKeyPolicy"): _key_policy,
    ("lambda", "AddPermission"): _permission,
    ("lambda", "CreateFunction"): _function,
    ("lambda", "Invoke"): _invoke,
    ("lambda", "UpdateFunctionConfiguration"): _function,
    ("logs", "PutLogEvents"): _log_events,
    ("s3", "CopyObject"): _object,
    ("s3", "CreateMultipartUpload"): _object,
    ("s3", "PutBucketPolicy"): _bucket_policy,
    ("s3", "PutObject"): _object,
    ("scheduler", "CreateSchedule"): _schedule,
    ("scheduler", "UpdateSchedule"): _schedule,
    ("sns", "CreateTopic"): _topic,
    ("sns", "Publish"): _publish,
    ("sqs", "CreateQueue"): _queue,
    ("stepfunctions", "CreateStateMachine"): _states_name,
    ("stepfunctions", "StartExecution"): _states_name,
}


RELIES_ON = [
    ReliesOn("services.eventbridge", functions={"_rule_key": "(rule_name, bus_name)"}, values=["_targets"]),
    ReliesOn("services.iam", values=["_roles"]),
    ReliesOn("services.lambda_svc", values=["_functions"]),
]
