"""Whoever hands a role to a service needs iam:PassRole on it, for that service."""

import io
import json
import zipfile

import aws_facts
import pytest
from jobs_support import allow, document, running_cloud
from keys_support import ACCOUNT, denials, refused

MACHINE = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.events.put_rule(Name="r", EventPattern='{"source":["x"]}')
        yield running


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("index.mjs", "export const handler = async () => 1;")
    return buffer.getvalue()


def target(role: str) -> dict:
    return {"Arn": f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m", "RoleArn": role}


# service → how a client of it hands over a role
CALLS = {
    "lambda": lambda client, role: client.create_function(
        FunctionName="f", Runtime="nodejs24.x", Role=role, Handler="index.handler", Code={"ZipFile": archive()}
    ),
    "states": lambda client, role: client.create_state_machine(name="m", definition=MACHINE, roleArn=role),
    "events": lambda client, role: client.put_targets(Rule="r", Targets=[{"Id": "1", **target(role)}]),
    "scheduler": lambda client, role: client.create_schedule(
        Name="s",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target(role),
    ),
    "cloudformation": lambda client, role: client.create_stack(
        StackName="s", TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}), RoleARN=role
    ),
    "glue": lambda client, role: client.create_job(
        Name="j", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://b/k"}
    ),
}
CLIENTS = {"states": "stepfunctions"}


def pass_role(role: str, service: str) -> dict:
    condition = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    return {**allow("iam:PassRole", role), "Condition": condition}


@pytest.mark.parametrize("service", CALLS)
def test_a_role_is_passed_only_by_who_may_and_only_to_that_service(cloud, service):
    role = cloud.role(f"passed-to-{service}", service)
    user = f"passes-to-{service}"
    client = cloud.user(user, allow(f"{service}:*"))(CLIENTS.get(service, service))
    before = len(denials(cloud))
    error = refused(lambda: CALLS[service](client, role))
    assert error["code"] in ("AccessDeniedException", "AccessDenied")
    said = error["message"].replace(f"arn:aws:iam::{ACCOUNT}:user/{user}", "<caller>").replace(role, "<role>")
    aws_facts.check("iam.pass-role-refusal", said)
    assert [line["action"] for line in denials(cloud)[before:]] == ["iam:PassRole"]

    other = pass_role(role, "ec2")
    cloud.iam.put_user_policy(UserName=user, PolicyName="grants", PolicyDocument=document(allow(f"{service}:*"), other))
    refused(lambda: CALLS[service](client, role))
    right = pass_role(role, service)
    cloud.iam.put_user_policy(UserName=user, PolicyName="grants", PolicyDocument=document(allow(f"{service}:*"), right))
    CALLS[service](client, role)


def test_a_request_that_hands_over_no_role_needs_no_such_grant(cloud):
    user = cloud.user("asks", allow(["events:*", "lambda:*"]))
    user("events").put_rule(Name="other", EventPattern='{"source":["x"]}')
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:t"
    user("events").put_targets(Rule="other", Targets=[{"Id": "1", "Arn": topic}])
    user("lambda").list_functions()


def test_an_update_that_hands_over_another_role_is_checked_too(cloud):
    user = "updates"
    client = cloud.user(user, allow("lambda:*"))("lambda")
    first, second = cloud.role("first", "lambda"), cloud.role("second", "lambda")
    cloud.client("lambda").create_function(
        FunctionName="u", Runtime="nodejs24.x", Role=first, Handler="index.handler", Code={"ZipFile": archive()}
    )
    client.update_function_configuration(FunctionName="u", Timeout=5)
    error = refused(lambda: client.update_function_configuration(FunctionName="u", Role=second))
    assert "iam:PassRole" in error["message"]
