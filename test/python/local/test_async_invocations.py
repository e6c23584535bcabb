"""Asynchronous invocations in the running local cloud: retries, dead-letter queues and destinations."""

import json

import pytest
from aws_facts import answer, check
from delivery_support import Function, Queue, attributes, denials, total
from jobs_support import allow, running_cloud, until
from tidemark_local.lambda_functions.async_invocations import RETRY_WAITS, TIME_SCALE

PYTHON = """
class CustomException(Exception):
    pass
def handler(event, context):
    raise CustomException("Test exception (this is intentional)")
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("async")) as cloud:
        yield cloud


def fire(cloud, name: str, event: dict) -> None:
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())


def destinations(queue: Queue) -> dict:
    return {"OnFailure": {"Destination": queue.arn}, "OnSuccess": {"Destination": queue.arn}}


def test_a_failing_event_is_tried_three_times_and_goes_to_the_dead_letter_queue_as_it_is(cloud):
    queue = Queue(cloud, "dead")
    function = Function(cloud, "dead", allow("sqs:SendMessage", queue.arn), DeadLetterConfig={"TargetArn": queue.arn})
    fire(cloud, "dead", {"fail": 1})
    [message] = queue.wait()
    recorded = answer("lambda.dlq-message")
    assert json.loads(message["Body"]) == {"fail": 1}
    given = message["MessageAttributes"]
    assert {name: item["DataType"] for name, item in given.items()} == recorded["types"]
    assert attributes(message)["ErrorCode"] == recorded["ErrorCode"]
    assert attributes(message)["ErrorMessage"] == "told to"
    assert len(function.calls()) == answer("lambda.async-invocations")
    check("lambda.async-retry-waits", [wait * TIME_SCALE for wait in RETRY_WAITS])
    assert total(cloud, "AWS/Lambda", "AsyncEventsDropped", FunctionName="dead") == 1


def test_destinations_get_whole_records(cloud):
    queue = Queue(cloud, "records")
    function = Function(cloud, "records", allow("sqs:SendMessage", queue.arn))
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName="records", MaximumRetryAttempts=0, DestinationConfig=destinations(queue)
    )
    fire(cloud, "records", {"fail": 1})
    failed = json.loads(queue.wait()[0]["Body"])
    recorded = answer("lambda.failure-record")
    assert sorted(failed) == sorted(recorded) and sorted(failed["requestContext"]) == sorted(recorded["requestContext"])
    assert failed["requestContext"]["functionArn"] == f"{function.arn}:$LATEST"
    context = failed["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 1)
    assert failed["requestPayload"] == {"fail": 1} and failed["responseContext"] == recorded["responseContext"]
    assert failed["responsePayload"]["errorType"] == "RangeError"
    fire(cloud, "records", {"n": 1})
    done = json.loads(next(item["Body"] for item in queue.wait(2) if '"Success"' in item["Body"]))
    assert done["responsePayload"] == {"done": True} and "functionError" not in done["responseContext"]


@pytest.mark.parametrize(("age", "invocations"), [(60, 1), (130, 2)])
def test_an_event_that_gets_too_old_is_given_up_before_its_next_retry(cloud, age, invocations):
    queue, name = Queue(cloud, f"age-{age}"), f"age-{age}"
    Function(cloud, name, allow("sqs:SendMessage", queue.arn))
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumEventAgeInSeconds=age, DestinationConfig=destinations(queue)
    )
    fire(cloud, name, {"fail": 1})
    context = json.loads(queue.wait()[0]["Body"])["requestContext"]
    found = (context["condition"], context["approximateInvokeCount"])
    assert found == (answer("lambda.age-condition"), invocations)


def test_without_the_right_to_send_the_event_is_lost_and_counted(cloud):
    queue = Queue(cloud, "closed")
    Function(cloud, "closed", allow("sqs:SendMessage", queue.arn), DeadLetterConfig={"TargetArn": queue.arn})
    cloud.client("lambda").put_function_event_invoke_config(FunctionName="closed", MaximumRetryAttempts=0)
    cloud.iam.delete_role_policy(RoleName="closed", PolicyName="grants")
    fire(cloud, "closed", {"fail": 1})
    until(lambda: total(cloud, "AWS/Lambda", "DeadLetterErrors", FunctionName="closed"), lambda found: found == 1, 15)
    assert queue.receive() == []
    assert [line["action"] for line in denials(cloud, "assumed-role/closed")] == ["sqs:SendMessage"]


@pytest.mark.parametrize("runtime", ["nodejs24.x", "python3.12"])
def test_an_error_is_named_by_its_class(cloud, runtime):
    name = f"named-{runtime[:4]}"
    if runtime.startswith("node"):
        Function(cloud, name)
        event = {"fail": 1}
    else:
        Function(cloud, name, source=PYTHON, file="index.py", Runtime=runtime)
        event = {}
    answered = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    payload = json.loads(answered["Payload"].read())
    assert answered["FunctionError"] == "Unhandled"
    if runtime.startswith("node"):
        assert payload["errorType"] == "RangeError" and payload["errorMessage"] == "told to"
        assert payload["trace"][0] == "RangeError: told to" and "handler" in payload["trace"][1]
    else:
        recorded = answer("lambda.error-payload")
        assert sorted(payload) == sorted(recorded)
        assert {name: payload[name] for name in ("errorType", "errorMessage")} == {
            name: recorded[name] for name in ("errorType", "errorMessage")
        }
        assert payload["stackTrace"][0].endswith('raise CustomException("Test exception (this is intentional)")\n')


def test_a_template_s_function_has_its_dead_letter_queue(cloud):
    role = cloud.role("templated", "lambda", allow("sqs:SendMessage"))
    first, second = Queue(cloud, "templated-first"), Queue(cloud, "templated-second")

    def deploy(operation: str, queue: Queue | None) -> dict | None:
        code = {"ZipFile": "exports.handler = async () => { throw new RangeError('told to'); };"}
        properties = {"FunctionName": "templated", "Role": role, "Runtime": "nodejs24.x", "Handler": "index.handler"}
        dead = {"DeadLetterConfig": {"TargetArn": queue.arn}} if queue else {}
        function = {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Code": code, **dead}}
        body = json.dumps({"Resources": {"F": function}})
        getattr(cloud.cloudformation, operation)(StackName="templated", TemplateBody=body)
        until(
            lambda: cloud.cloudformation.describe_stacks(StackName="templated")["Stacks"][0]["StackStatus"],
            lambda status: status.endswith("_COMPLETE") and not status.endswith("CLEANUP_IN_PROGRESS"),
            20,
        )
        found = cloud.client("lambda").get_function_configuration(FunctionName="templated")
        return found.get("DeadLetterConfig")

    assert deploy("create_stack", first) == {"TargetArn": first.arn}
    fire(cloud, "templated", {"n": 1})
    assert attributes(first.wait()[0])["ErrorMessage"] == "told to"
    assert deploy("update_stack", second) == {"TargetArn": second.arn}
    assert deploy("update_stack", None) is None
