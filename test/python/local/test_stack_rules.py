"""What CloudFormation refuses: too many look-ups of outputs, changed exports in use, deletions of what is not empty or
is protected; and what it keeps of a failed creation."""

import json
import sys
from pathlib import Path

import pytest
from aws_facts import answer, check
from jobs_support import running_cloud, until

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.cloudformation.stack_rules import LookUps, occurrences

REST = ("COMPLETE", "FAILED")
GROUP = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "fixed-name"}}
NOWHERE = {"Fn::ImportValue": "exported-by-nobody"}
FAILS = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": NOWHERE}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("stacks")) as cloud:
        yield cloud


def status(cloud, name: str) -> str:
    found = cloud.cloudformation.describe_stacks(StackName=name)["Stacks"]
    return found[0]["StackStatus"]


def settled(cloud, name: str) -> str:
    return until(lambda: status(cloud, name), lambda found: found.endswith(REST) and "IN_PROGRESS" not in found, 20)


def create(cloud, name: str, resources: dict, outputs: dict | None = None) -> str:
    body = json.dumps({"Resources": resources, "Outputs": outputs or {}})
    cloud.cloudformation.create_stack(StackName=name, TemplateBody=body)
    return settled(cloud, name)


def update(cloud, name: str, resources: dict, outputs: dict | None = None) -> str:
    body = json.dumps({"Resources": resources, "Outputs": outputs or {}})
    cloud.cloudformation.update_stack(StackName=name, TemplateBody=body)
    return settled(cloud, name)


def delete(cloud, name: str) -> str:
    arn = cloud.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloud.cloudformation.delete_stack(StackName=name)
    return until(lambda: status(cloud, arn), lambda found: found in ("DELETE_COMPLETE", "DELETE_FAILED"), 20)


def reasons(cloud, name: str, kind: str) -> str:
    events = cloud.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return "\n".join(
        event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"].endswith(kind)
    )


def readers(outputs: int, count: int) -> dict:
    """`count` topics whose names look `outputs` outputs of the stack `producer` up."""

    def look_up(index: int) -> dict:
        return {"Fn::GetStackOutput": {"StackName": "producer", "OutputName": f"Out{index % outputs}"}}

    return {
        f"Topic{index}": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": look_up(index)}}
        for index in range(count)
    }


def test_each_occurrence_of_a_look_up_counts_and_75_are_too_many(cloud):
    outputs = {f"Out{index}": {"Value": f"value {index}"} for index in range(9)}
    topic = {"Topic": {"Type": "AWS::SNS::Topic"}}
    assert create(cloud, "producer", topic, outputs) == "CREATE_COMPLETE"
    assert create(cloud, "few", readers(9, 9)) == "CREATE_COMPLETE"
    assert create(cloud, "many", readers(9, 75)) == "ROLLBACK_COMPLETE"
    assert "Rate exceeded (Service: CloudFormation, Status Code: 400" in reasons(cloud, "many", "CREATE_FAILED")


def test_look_ups_come_back_at_one_a_second():
    now = [100.0]
    rate = LookUps(burst=10, clock=lambda: now[0])
    rate.take(10)
    now[0] += 3.5
    with pytest.raises(ValueError, match="Rate exceeded"):
        rate.take(4)
    rate.take(3)
    now[0] += 1000
    with pytest.raises(ValueError, match="11 occurrences"):
        rate.take(11)


def test_occurrences_are_counted_within_values():
    check("cloudformation.get-stack-output", "one DescribeStacks call per occurrence")
    one = {"Fn::GetStackOutput": {"StackName": "a", "OutputName": "b"}}
    assert occurrences({"Fn::Join": ["", [one, "x", one]], "Other": {"Deep": [one]}, "Ref": "AWS::Region"}) == 3


def test_an_export_in_use_is_neither_changed_nor_taken_away(cloud):
    def exported(value: str) -> dict:
        return {"Name": {"Value": value, "Export": {"Name": "shared-name"}}}

    topic = {"Topic": {"Type": "AWS::SNS::Topic"}}
    importing = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "shared-name"}}}
    }
    assert create(cloud, "exporting", topic, exported("first")) == "CREATE_COMPLETE"
    assert create(cloud, "importing", importing) == "CREATE_COMPLETE"
    assert update(cloud, "exporting", topic, exported("second")) == "UPDATE_ROLLBACK_COMPLETE"
    fact = answer("cloudformation.export-in-use")
    assert fact.format(export="shared-name", verb="updated", stack="importing") in reasons(cloud, "exporting", "FAILED")
    assert update(cloud, "exporting", topic) == "UPDATE_ROLLBACK_COMPLETE"
    assert fact.format(export="shared-name", verb="deleted", stack="importing") in reasons(cloud, "exporting", "FAILED")
    assert update(cloud, "importing", topic) == "UPDATE_COMPLETE"
    assert update(cloud, "exporting", topic) == "UPDATE_COMPLETE"


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_what_a_failed_creation_keeps(cloud, policy):
    name = f"first-{policy}"
    group = {**GROUP, "DeletionPolicy": policy, "Properties": {"ModelPackageGroupName": name}}
    failing = {"Group": group, "Fails": {**FAILS, "DependsOn": "Group"}}
    assert create(cloud, name, failing) == "ROLLBACK_COMPLETE"
    groups = cloud.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    kept = name in [group["ModelPackageGroupName"] for group in groups]
    check("cloudformation.failed-creation-keeps", {policy: kept} | {_other(policy): not kept})
    assert delete(cloud, name) == "DELETE_COMPLETE"
    again = create(cloud, name, {"Group": group})
    assert again == ("ROLLBACK_COMPLETE" if kept else "CREATE_COMPLETE")
    assert ("already exists" in reasons(cloud, name, "CREATE_FAILED")) == kept


def _other(policy: str) -> str:
    return "Retain" if policy == "RetainExceptOnCreate" else "RetainExceptOnCreate"


@pytest.mark.parametrize("versioned", [False, True])
def test_a_bucket_that_is_not_empty_stays(cloud, versioned):
    name = f"full-{versioned}".lower()
    properties = {"BucketName": name, **({"VersioningConfiguration": {"Status": "Enabled"}} if versioned else {})}
    assert create(cloud, name, {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}) == "CREATE_COMPLETE"
    cloud.s3.put_object(Bucket=name, Key="left", Body=b"x")
    if versioned:  # a delete marker empties nothing
        cloud.s3.delete_object(Bucket=name, Key="left")
    assert delete(cloud, name) == "DELETE_FAILED"
    assert answer("cloudformation.bucket-not-empty") in reasons(cloud, name, "DELETE_FAILED")
    for kind in ("Versions", "DeleteMarkers"):
        for item in cloud.s3.list_object_versions(Bucket=name).get(kind, []):
            cloud.s3.delete_object(Bucket=name, Key=item["Key"], VersionId=item["VersionId"])
    assert delete(cloud, name) == "DELETE_COMPLETE"


def test_a_group_with_versions_stays(cloud):
    group = {**GROUP, "Properties": {"ModelPackageGroupName": "with-versions"}}
    assert create(cloud, "with-versions", {"Group": group}) == "CREATE_COMPLETE"
    specification = {
        "Containers": [{"Image": "sagemaker-xgboost:3.0-5"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    package = cloud.sagemaker.create_model_package(
        ModelPackageGroupName="with-versions", InferenceSpecification=specification
    )["ModelPackageArn"]
    assert delete(cloud, "with-versions") == "DELETE_FAILED"
    assert "contains model packages" in reasons(cloud, "with-versions", "DELETE_FAILED")
    cloud.sagemaker.delete_model_package(ModelPackageName=package)
    assert delete(cloud, "with-versions") == "DELETE_COMPLETE"


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_table_under_protection_stays(cloud, kind):
    def table(protected: bool) -> dict:
        protection = {"DeletionProtectionEnabled": protected}
        properties = {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            **(protection if kind == "Table" else {"Replicas": [{"Region": "us-east-1", **protection}]}),
        }
        return {"Table": {"Type": f"AWS::DynamoDB::{kind}", "Properties": properties}}

    name = f"protected-{kind}"
    assert create(cloud, name, table(True)) == "CREATE_COMPLETE"
    assert delete(cloud, name) == "DELETE_FAILED"
    assert "protected against deletion" in reasons(cloud, name, "DELETE_FAILED")
    [resource] = cloud.cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    cloud.dynamodb.update_table(TableName=resource["PhysicalResourceId"], DeletionProtectionEnabled=False)
    assert delete(cloud, name) == "DELETE_COMPLETE"
    assert create(cloud, f"lifted-{kind}", table(True)) == "CREATE_COMPLETE"
    find = lambda: cloud.cloudformation.describe_stack_resources(StackName=f"lifted-{kind}")["StackResources"]  # noqa: E731
    [made] = find()
    cloud.dynamodb.put_item(TableName=made["PhysicalResourceId"], Item={"id": {"S": "kept"}})
    assert update(cloud, f"lifted-{kind}", table(False)) == "UPDATE_COMPLETE"
    [same] = find()
    assert same["PhysicalResourceId"] == made["PhysicalResourceId"]
    assert cloud.dynamodb.scan(TableName=made["PhysicalResourceId"])["Count"] == 1
    assert delete(cloud, f"lifted-{kind}") == "DELETE_COMPLETE"


def test_a_failed_creation_leaves_a_protected_table_and_can_be_deleted_and_repeated(cloud):
    table = {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "RetainExceptOnCreate",
        "Properties": {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
        },
    }
    failing = {"Table": table, "Fails": {**FAILS, "DependsOn": "Table"}}
    assert create(cloud, "protected-first", failing) == "ROLLBACK_FAILED"
    assert "protected against deletion" in reasons(cloud, "protected-first", "DELETE_FAILED")
    assert delete(cloud, "protected-first") == "DELETE_COMPLETE"
    assert create(cloud, "protected-first", {"Table": table}) == "CREATE_COMPLETE"
