"""The model registry and SageMaker's CloudFormation types against sentences of the AWS documentation."""

import json

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from jobs_support import LOGS, allow, running_cloud, tar, until

SPECIFICATION = {
    "Containers": [
        {
            "Image": "sagemaker-xgboost:3.2-0",
            "Environment": {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            },
        }
    ],
    "SupportedContentTypes": ["application/json"],
    "SupportedResponseMIMETypes": ["application/json"],
}
SCRIPT = "import json\ndef model_fn(d): return 1\ndef predict_fn(x, m): return x\n"
TEMPLATE = {
    "Resources": {
        "Group": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": "from-template", "Tags": [{"Key": "stage", "Value": "local"}]},
        }
    },
    "Outputs": {
        "Ref": {"Value": {"Ref": "Group"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupArn"]}},
    },
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("registry")) as cloud:
        yield cloud


def group(cloud, name):
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def package(cloud, name, client=None, **members):
    create = (client or cloud.sagemaker).create_model_package
    return create(ModelPackageGroupName=name, InferenceSpecification=SPECIFICATION, **members)["ModelPackageArn"]


def test_versions_are_numbered_from_one(cloud):
    # "Each model package in a model group … has a version number that starts at 1 and is incremented".
    name = group(cloud, "numbered")
    first, second = package(cloud, name), package(cloud, name)
    assert (first.rsplit("/", 1)[-1], second.rsplit("/", 1)[-1]) == ("1", "2")
    cloud.sagemaker.delete_model_package(ModelPackageName=second)
    assert package(cloud, name).endswith("/3")
    listed = cloud.sagemaker.list_model_packages(ModelPackageGroupName=name, SortOrder="Ascending")
    assert [item["ModelPackageVersion"] for item in listed["ModelPackageSummaryList"]] == [1, 3]


def test_a_package_keeps_what_it_was_given(cloud):
    metrics = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/metrics.json"}}}
    properties = {"definition_hash": "abc", "snapshot_id": "7"}
    arn = package(cloud, group(cloud, "kept"), ModelMetrics=metrics, CustomerMetadataProperties=properties)
    found = cloud.sagemaker.describe_model_package(ModelPackageName=arn)
    assert found["ModelMetrics"] == metrics and found["CustomerMetadataProperties"] == properties
    assert found["InferenceSpecification"] == SPECIFICATION
    assert (found["ModelApprovalStatus"], found["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")


def test_approval_changes_and_filters(cloud):
    name = group(cloud, "approved")
    arn = package(cloud, name)
    package(cloud, name)
    update = cloud.sagemaker.update_model_package
    update(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="beats the champion")
    listed = cloud.sagemaker.list_model_packages(ModelPackageGroupName=name, ModelApprovalStatus="Approved")
    assert [item["ModelPackageArn"] for item in listed["ModelPackageSummaryList"]] == [arn]
    update(ModelPackageArn=arn, CustomerMetadataProperties={"a": "1", "b": "2"})
    update(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["a"])
    found = cloud.sagemaker.describe_model_package(ModelPackageName=arn)
    assert found["CustomerMetadataProperties"] == {"b": "2"}
    assert found["ApprovalDescription"] == "beats the champion"


def test_state_changes_reach_event_bridge(cloud):
    # "SageMaker Model Package State Change: Indicates a change in the status of a SageMaker AI model package."
    queue = cloud.sqs.create_queue(QueueName="changes")["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    trust = {**allow("sqs:SendMessage", arn), "Principal": {"Service": "events.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelApprovalStatus": ["Approved"], "ModelPackageGroupName": ["announced"]},
    }
    cloud.events.put_rule(Name="approved", EventPattern=json.dumps(pattern))
    cloud.events.put_targets(Rule="approved", Targets=[{"Id": "queue", "Arn": arn}])
    made = package(cloud, group(cloud, "announced"))
    cloud.sagemaker.update_model_package(ModelPackageArn=made, ModelApprovalStatus="Approved")
    received = until(lambda: cloud.sqs.receive_message(QueueUrl=queue).get("Messages"), bool, 10)
    event = json.loads(received[0]["Body"])
    assert event["resources"] == [made] and event["detail"]["ModelPackageVersion"] == 1
    assert event["detail"]["ModelApprovalStatus"] == "Approved"


def test_a_model_of_a_package_serves(cloud):
    bucket = f"arn:aws:s3:::{cloud.bucket}/*"
    role = cloud.role("server", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
    model = cloud.put("model.tar.gz", tar({"code/inference.py": SCRIPT}))
    specification = {**SPECIFICATION, "Containers": [{**SPECIFICATION["Containers"][0], "ModelDataUrl": model}]}
    made = cloud.sagemaker.create_model_package(
        ModelPackageGroupName=group(cloud, "served"), InferenceSpecification=specification
    )["ModelPackageArn"]
    cloud.sagemaker.create_model(
        ModelName="of-package", PrimaryContainer={"ModelPackageName": made}, ExecutionRoleArn=role
    )
    variant = {"VariantName": "main", "ModelName": "of-package", "InstanceType": "ml.m5.large"}
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    cloud.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    describe = cloud.sagemaker.describe_endpoint
    found = until(lambda: describe(EndpointName="e"), lambda e: e["EndpointStatus"] != "Creating")
    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    answer = cloud.runtime.invoke_endpoint(EndpointName="e", ContentType="application/json", Body=b"[5]")
    assert json.loads(answer["Body"].read()) == [5]


def test_refuses_bad_requests_by_name(cloud):
    name = group(cloud, "strict")
    with pytest.raises(ClientError, match="Model Package Group already exists"):
        group(cloud, name)
    with pytest.raises(ClientError, match=r"ModelPackageGroup arn:.*model-package-group/none does not exist"):
        package(cloud, "none")
    # "In this case, you cannot supply a tag argument."
    with pytest.raises(ClientError, match="Tags cannot be supplied for a versioned model package"):
        package(cloud, name, Tags=[{"Key": "a", "Value": "b"}])
    arn = package(cloud, name)
    with pytest.raises(cloud.sagemaker.exceptions.ConflictException, match="contains model packages"):
        cloud.sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match=r"ModelPackage .*/strict/9 does not exist"):
        cloud.sagemaker.describe_model_package(ModelPackageName=arn[:-1] + "9")
    with pytest.raises(ClientError, match=r"ModelPackage .*/strict/9 does not exist"):
        cloud.sagemaker.create_model(
            ModelName="of-none",
            PrimaryContainer={"ModelPackageName": arn[:-1] + "9"},
            ExecutionRoleArn=cloud.role("any-role", "sagemaker"),
        )


def test_registering_needs_the_group_and_its_versions(cloud):
    arn = "arn:aws:sagemaker:us-east-1:000000000000"
    name = group(cloud, "granted")
    action = "sagemaker:CreateModelPackage"
    half = cloud.user("group-only", allow(action, f"{arn}:model-package-group/granted"))("sagemaker")
    with pytest.raises(ClientError, match=r"AccessDenied.*model-package/granted/\*"):
        package(cloud, name, client=half)
    resources = [f"{arn}:model-package-group/granted", f"{arn}:model-package/granted/*"]
    whole = cloud.user("registers", allow(action, resources))("sagemaker")
    assert package(cloud, name, client=whole).endswith(":model-package/granted/1")


def test_a_card_follows_its_schema_and_an_archived_one_stays(cloud):
    # API_ModelPackageModelCard: "The content must follow the schema described in Model Package Model Card Schema."
    name = group(cloud, "carded")
    content = json.dumps({"model_overview": {"model_creator": "we"}})
    arn = package(cloud, name, ModelCard={"ModelCardContent": content, "ModelCardStatus": "PendingReview"})
    with pytest.raises(ClientError, match="#/model_overview/author: expected no such member"):
        package(cloud, name, ModelCard={"ModelCardContent": json.dumps({"model_overview": {"author": "we"}})})
    with pytest.raises(ClientError, match="is not valid JSON"):
        cloud.sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardContent": "{"})
    cloud.sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardStatus": "Archived"})
    found = cloud.sagemaker.describe_model_package(ModelPackageName=arn)["ModelCard"]
    assert found == {"ModelCardContent": content, "ModelCardStatus": "Archived"}
    # "If you try to update the model card content, you will receive the message Model Card is in Archived state."
    with pytest.raises(ClientError, match=r"Model Card is in Archived state\."):
        cloud.sagemaker.update_model_package(ModelPackageArn=arn, ModelCard={"ModelCardContent": content})


def test_group_is_a_cloudformation_type(cloud):
    # AWS::SageMaker::ModelPackageGroup, Return values: "Ref returns the Amazon Resource Name (ARN)".
    cloud.cloudformation.create_stack(StackName="registry", TemplateBody=json.dumps(TEMPLATE))
    describe = cloud.cloudformation.describe_stacks
    stack = until(
        lambda: describe(StackName="registry")["Stacks"][0], lambda found: not found["StackStatus"].endswith("PROGRESS")
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = cloud.sagemaker.describe_model_package_group(ModelPackageGroupName="from-template")
    arn = found["ModelPackageGroupArn"]
    assert {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]} == {"Ref": arn, "Arn": arn}
    assert cloud.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "local"}]
    cloud.cloudformation.delete_stack(StackName="registry")
    until(lambda: "from-template" in names(cloud), lambda there: not there)


def names(cloud):
    listed = cloud.sagemaker.list_model_package_groups(MaxResults=100)
    return [item["ModelPackageGroupName"] for item in listed["ModelPackageGroupSummaryList"]]


def test_lists_come_in_pages(cloud):
    for index in range(5):
        group(cloud, f"page-{index}")
    request = {"NameContains": "page-", "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    seen, token = [], None
    while True:
        extra = {"NextToken": token} if token else {}
        answer = cloud.sagemaker.list_model_package_groups(**request, **extra)
        seen.append([item["ModelPackageGroupName"] for item in answer["ModelPackageGroupSummaryList"]])
        token = answer.get("NextToken")
        if not token:
            break
    assert seen == [["page-0", "page-1"], ["page-2", "page-3"], ["page-4"]]
    with pytest.raises(ClientError, match="NextToken is invalid"):
        cloud.sagemaker.list_model_package_groups(NextToken="%%%")


def test_only_a_changed_approval_matches_the_rule_that_deploys(cloud):
    # The rule of lib/training/training-machine.ts: right whether or not AWS says which fields have changed.
    field = answer("sagemaker.package-event-names-changed-fields")
    detail = {
        "ModelPackageGroupName": ["watched"],
        "ModelApprovalStatus": ["Approved"],
        "$or": [{field: ["ModelApprovalStatus"]}, {field: [{"exists": False}]}],
    }
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"], "detail": detail}
    queue = watch(cloud, "deploys", pattern)
    everything = watch(cloud, "told", {**pattern, "detail": {"ModelPackageGroupName": ["watched"]}})
    arn = package(cloud, group(cloud, "watched"))
    update = cloud.sagemaker.update_model_package
    update(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better")
    update(ModelPackageArn=arn, CustomerMetadataProperties={"looked_at": "yes"})
    update(ModelPackageArn=arn, ApprovalDescription="much better")
    told = received(cloud, everything, 4)
    assert [event.get(field) for event in told] == [
        None,
        ["ModelApprovalStatus", "ApprovalDescription"],
        ["CustomerMetadataProperties"],
        ["ApprovalDescription"],
    ]
    assert [event[field] for event in received(cloud, queue, 1)] == [["ModelApprovalStatus", "ApprovalDescription"]]
    assert cloud.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages") is None


def watch(cloud, name, pattern):
    """A queue that gets what matches."""
    queue = cloud.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = cloud.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    trust = {**allow("sqs:SendMessage", arn), "Principal": {"Service": "events.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    cloud.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    cloud.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def received(cloud, queue, count):
    """The details of so many events, in the order of their times."""
    found = []

    def read():
        for message in cloud.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"])["detail"])
            cloud.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    until(read, lambda events: len(events) >= count, 20)
    return sorted(found, key=lambda detail: detail["LastModifiedTime"])


def test_a_model_of_a_package_needs_a_grant_on_both(cloud):
    arn = "arn:aws:sagemaker:us-east-1:000000000000"
    made = package(cloud, group(cloud, "both"))
    role = cloud.role("served-by", "sagemaker")
    kinds = answer("sagemaker.create-model-of-package")
    resources = {"model": f"{arn}:model/both-*", "model-package": f"{arn}:model-package/both/*"}
    request = {
        "ModelName": "both-1",
        "ExecutionRoleArn": role,
        "PrimaryContainer": {"ModelPackageName": made},
    }
    for kind in kinds:
        client = cloud.user(
            f"only-{kind}", allow("sagemaker:CreateModel", resources[kind]), allow("iam:PassRole", role)
        )
        with pytest.raises(ClientError, match=r"AccessDenied.*sagemaker:CreateModel"):
            client("sagemaker").create_model(**request)
    granted = [resources[kind] for kind in kinds]
    whole = cloud.user("both", allow("sagemaker:CreateModel", granted), allow("iam:PassRole", role))
    whole("sagemaker").create_model(**request)
