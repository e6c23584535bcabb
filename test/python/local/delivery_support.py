"""Queues, topics and functions that stand at the ends of deliveries, and what was refused on the way."""

import io
import json
import time
import zipfile
from typing import Any

from jobs_support import Cloud, allow, document, until

ACCOUNT = "000000000000"


class Queue:
    """A queue; `services` are the service principals its policy lets send."""

    def __init__(self, cloud: Cloud, name: str, *services: str):
        self.cloud, self.name = cloud, name
        self.url = cloud.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
        if services:
            self.let(*services)

    def let(self, *services: str) -> None:
        statement = {**allow("sqs:SendMessage", self.arn), "Principal": {"Service": list(services)}}
        self.cloud.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": document(statement)})

    def receive(self) -> list[dict[str, Any]]:
        found = self.cloud.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
        )
        return found.get("Messages", [])

    def wait(self, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
        return until(self.receive, lambda found: len(found) >= count, seconds)


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: item["StringValue"] for name, item in message.get("MessageAttributes", {}).items()}


# The first failures of the event are thrown; each call is a line of the log.
FUNCTION = """
export const handler = async (event) => {
  console.log(JSON.stringify({ called: event }));
  if (event.fail || event.Records?.[0]?.Sns?.Message === 'fail') throw new RangeError('told to');
  return { done: true };
};
"""


class Function:
    """A Node function with a role of its own; `statements` are what the role may do."""

    def __init__(
        self,
        cloud: Cloud,
        name: str,
        *statements: dict,
        source: str = FUNCTION,
        file: str = "index.mjs",
        **settings: Any,
    ):
        self.cloud, self.name = cloud, name
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as archived:
            archived.writestr(file, source)
        self.role = cloud.role(name, "lambda", *statements)
        self.arn = cloud.client("lambda").create_function(
            FunctionName=name,
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=10,
            **{"Runtime": "nodejs24.x", **settings},
        )["FunctionArn"]

    def let(self, service: str, source_arn: str, statement: str = "let") -> None:
        self.cloud.client("lambda").add_permission(
            FunctionName=self.name,
            StatementId=statement,
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceArn=source_arn,
        )

    def forbid(self, statement: str = "let") -> None:
        self.cloud.client("lambda").remove_permission(FunctionName=self.name, StatementId=statement)

    def calls(self) -> list[dict[str, Any]]:
        lines = self.cloud.lines(f"/aws/lambda/{self.name}", "2")
        return [json.loads(line)["called"] for line in lines if line.startswith('{"called"')]

    def wait(self, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
        return until(self.calls, lambda found: len(found) >= count, seconds)


def denials(cloud: Cloud, principal: str) -> list[dict[str, Any]]:
    file = cloud.state / "access-denied.ndjson"
    lines = file.read_text().splitlines() if file.exists() else []
    return [line for line in map(json.loads, lines) if principal in line["principal"]]


def total(cloud: Cloud, namespace: str, name: str, **dimensions: str) -> float:
    """The sum of a metric in the last two hours."""
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
    now = time.time()
    found = cloud.cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=now - 7200, EndTime=now + 60)
    return sum(found["MetricDataResults"][0]["Values"])


def refused_update(cloud, stack: str, kind: str, before: dict, after: dict) -> str:
    """Why an update of a stack with one resource was rolled back; empty where it was not."""

    def status() -> str:
        return cloud.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]

    def template(properties: dict) -> str:
        return json.dumps({"Resources": {"One": {"Type": kind, "Properties": properties}}})

    cloud.cloudformation.create_stack(StackName=stack, TemplateBody=template(before))
    assert until(status, lambda found: not found.endswith("IN_PROGRESS"), 20) == "CREATE_COMPLETE"
    cloud.cloudformation.update_stack(StackName=stack, TemplateBody=template(after))
    until(status, lambda found: not found.endswith("IN_PROGRESS"), 20)
    events = cloud.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [
        event for event in events if (event["LogicalResourceId"], event["ResourceStatus"]) == ("One", "UPDATE_FAILED")
    ]
    return failed[0]["ResourceStatusReason"] if failed else ""
