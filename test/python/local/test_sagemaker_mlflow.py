"""MLflow Apps in the local cloud: made by the API and by a template, under IAM, and found again."""

import json
import re

import pytest
from botocore.exceptions import ClientError
from jobs_support import allow, running_cloud, until

STORE = "s3://tidemark-jobs/mlflow/"
ARN = r"arn:aws:sagemaker:us-east-1:000000000000:mlflow-app/app-[A-Z0-9]{12}"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("mlflow")) as cloud:
        cloud.hosting = cloud.role("mlflow", "sagemaker")
        yield cloud


def test_an_app_is_made_changed_listed_and_deleted(cloud):
    sagemaker = cloud.sagemaker
    made = sagemaker.create_mlflow_app(Name="runs", ArtifactStoreUri=STORE, RoleArn=cloud.hosting)["Arn"]
    assert re.fullmatch(ARN, made)
    found = sagemaker.describe_mlflow_app(Arn=made)
    assert (found["Name"], found["Status"], found["ArtifactStoreUri"]) == ("runs", "Created", STORE)
    assert found["ModelRegistrationMode"] == "AutoModelRegistrationDisabled"
    sagemaker.update_mlflow_app(Arn=made, WeeklyMaintenanceWindowStart="Tue:03:30")
    assert sagemaker.describe_mlflow_app(Arn=made)["WeeklyMaintenanceWindowStart"] == "Tue:03:30"
    assert [app["Arn"] for app in sagemaker.list_mlflow_apps(Status="Updated")["Summaries"]] == [made]
    sagemaker.delete_mlflow_app(Arn=made)
    with pytest.raises(ClientError) as refused:
        sagemaker.describe_mlflow_app(Arn=made)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"
    assert sagemaker.list_mlflow_apps()["Summaries"] == []


def test_its_role_must_trust_sagemaker(cloud):
    with pytest.raises(ClientError, match="Could not assume role"):
        cloud.sagemaker.create_mlflow_app(Name="runs", ArtifactStoreUri=STORE, RoleArn=cloud.role("other", "lambda"))


def test_iam_asks_for_the_app_and_for_the_role_that_is_passed(cloud):
    apps = "arn:aws:sagemaker:us-east-1:000000000000:mlflow-app/*"
    asked = {"Name": "runs", "ArtifactStoreUri": STORE, "RoleArn": cloud.hosting}
    without = cloud.user("maker", allow("sagemaker:CreateMlflowApp", apps))("sagemaker")
    with pytest.raises(ClientError, match="iam:PassRole"):
        without.create_mlflow_app(**asked)
    passing = cloud.user("passing", allow("sagemaker:CreateMlflowApp", apps), allow("iam:PassRole", cloud.hosting))
    arn = passing("sagemaker").create_mlflow_app(**asked)["Arn"]
    with pytest.raises(ClientError, match="sagemaker:DescribeMlflowApp"):
        passing("sagemaker").describe_mlflow_app(Arn=arn)
    one = cloud.user("looker", allow("sagemaker:DescribeMlflowApp", arn))("sagemaker")
    assert one.describe_mlflow_app(Arn=arn)["Arn"] == arn
    cloud.sagemaker.delete_mlflow_app(Arn=arn)


def test_a_template_makes_one_and_says_its_arn(cloud):
    properties = {"Name": "tidemark-prod-shop", "ArtifactStoreUri": STORE, "RoleArn": cloud.hosting}
    template = {
        "Resources": {"App": {"Type": "AWS::SageMaker::MlflowApp", "Properties": properties}},
        "Outputs": {
            name: {"Value": {"Fn::GetAtt": ["App", name]}} for name in ("Arn", "MlflowAppId", "MlflowVersion", "Status")
        },
    }
    cfn = cloud.cloudformation
    cfn.create_stack(StackName="mlflow", TemplateBody=json.dumps(template))
    read = lambda: cfn.describe_stacks(StackName="mlflow")["Stacks"][0]  # noqa: E731
    found = until(read, lambda stack: stack["StackStatus"] == "CREATE_COMPLETE")
    outputs = {item["OutputKey"]: item["OutputValue"] for item in found["Outputs"]}
    assert re.fullmatch(ARN, outputs["Arn"]) and outputs["Arn"].endswith(f"/{outputs['MlflowAppId']}")
    assert outputs["Status"] == "Created" and re.fullmatch(r"3\.\d+\.\d+", outputs["MlflowVersion"])
    cfn.delete_stack(StackName="mlflow")
    until(lambda: cloud.sagemaker.list_mlflow_apps()["Summaries"], lambda apps: apps == [])
