"""Composite alarms from templates: they ring while their rule holds, and say so where their parts do not."""

import json

import pytest
from jobs_support import running_cloud, until

PARTS = {
    name: {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "Namespace": "test",
            "MetricName": name,
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            # Nothing is measured here: what a test sets is kept, however long it takes to the next step.
            "TreatMissingData": "ignore",
        },
    }
    for name in ("left", "right")
}


def template(name):
    both = {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "DependsOn": ["left", "right"],
        "Properties": {"AlarmName": name, "AlarmRule": 'ALARM("left") AND ALARM("right")'},
    }
    outputs = {"Ref": {"Value": {"Ref": "both"}}, "Arn": {"Value": {"Fn::GetAtt": ["both", "Arn"]}}}
    return json.dumps({"Resources": {**PARTS, "both": both}, "Outputs": outputs})


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("composites")) as cloud:
        yield cloud


def composites(cloud):
    found = cloud.cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}


def stack(cloud, status):
    found = until(
        lambda: cloud.cloudformation.describe_stacks(StackName="alarms")["Stacks"][0],
        lambda found: not found["StackStatus"].endswith("IN_PROGRESS"),
    )
    assert found["StackStatus"] == status
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def test_a_template_has_one_that_rings_while_both_parts_do(cloud):
    cloud.cloudformation.create_stack(StackName="alarms", TemplateBody=template("both"))
    outputs = stack(cloud, "CREATE_COMPLETE")
    assert outputs == {"Ref": "both", "Arn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:both"}
    states = []
    for part in ("left", "right"):
        cloud.cloudwatch.set_alarm_state(AlarmName=part, StateValue="ALARM", StateReason="test")
        states.append(composites(cloud)["both"] == "ALARM")
    assert states == [False, True]
    cloud.cloudformation.update_stack(StackName="alarms", TemplateBody=template("renamed"))
    stack(cloud, "UPDATE_COMPLETE")
    assert list(composites(cloud)) == ["renamed"]
    cloud.cloudformation.delete_stack(StackName="alarms")
    until(lambda: composites(cloud), lambda found: not found)
    until(lambda: cloud.cloudwatch.describe_alarms()["MetricAlarms"], lambda found: not found)
