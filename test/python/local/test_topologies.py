"""One endpoint, several shapes: a second model, a shadow that is compared, batches, and what goes wrong on the way.

The definition is the one that is deployed, and the shadow is compared by the function that is shipped. Waits are a
hundredth of AWS's.
"""

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from deployment_support import App, hosting_cloud, output
from jobs_support import until
from test_deployment_machine import configurations, models


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with hosting_cloud(tmp_path_factory.mktemp("topologies")) as cloud:
        yield cloud


def variants(app):
    return {item["VariantName"]: item["CurrentWeight"] for item in app.endpoint()["ProductionVariants"]}


def test_a_challenger_serves_beside_the_champion_and_leaves_again(cloud):
    app = App(cloud, "experiment")
    first, second = app.package(name="first"), app.package(name="second")
    assert "needs a champion" in app.refused(challenger_package_arn=second)
    output(app.deploy(first))
    alone = app.endpoint()["EndpointConfigName"]
    made = output(app.ended(app.start(None, challenger_package_arn=second)))
    assert (made["model_package_arn"], made["challenger_package_arn"]) == (first, second)
    # Whoever names no variant is answered by the champion.
    assert variants(app) == {"champion": 1.0, "challenger": 0.0}
    assert (app.asked(None), app.asked("champion"), app.asked("challenger")) == ("first", "first", "second")
    packages = app.serving()["packages"]
    assert {name: one["package_arn"] for name, one in packages.items()} == {"champion": first, "challenger": second}
    assert packages["challenger"]["model_version"] == "second" and app.serving()["deployed_at"].endswith("Z")
    # Told twice, and what may not be done meanwhile.
    before = app.endpoint()["LastModifiedTime"]
    output(app.ended(app.start(None, challenger_package_arn=second)))
    assert app.endpoint()["LastModifiedTime"] == before
    third = app.package(name="third")
    assert "An experiment runs" in app.refused(model_package_arn=third)
    assert "Another challenger serves" in app.refused(challenger_package_arn=third)
    # Its end is the configuration from before it, and ends once.
    for _ in range(2):
        ended = output(app.ended(app.start(None, end_experiment=True)))
        assert (ended["model_package_arn"], ended["challenger_package_arn"]) == (first, None)
        assert (variants(app), app.endpoint()["EndpointConfigName"]) == ({"champion": 1.0}, alone)
    assert set(app.serving()["packages"]) == {"champion"}
    output(app.deploy(second))
    assert app.asked(None) == "second"


def test_weights_and_counts_of_two_variants_stay_through_an_update(cloud):
    # RetainAllVariantProperties: "the instance count or the variant weight".
    app = App(cloud, "retained", canaryPercent=0)
    output(app.deploy(app.package(name="first")))
    output(app.ended(app.start(None, challenger_package_arn=app.package(name="second"))))
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=app.name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "champion", "DesiredWeight": 3, "DesiredInstanceCount": 4},
            {"VariantName": "challenger", "DesiredWeight": 1},
        ],
    )
    until(app.endpoint, lambda found: found["EndpointStatus"] == "InService")
    config = app.endpoint()["EndpointConfigName"]
    for retain, weights in (
        (True, {"champion": 3.0, "challenger": 1.0}),
        (False, {"champion": 1.0, "challenger": 0.0}),
    ):
        cloud.sagemaker.update_endpoint(
            EndpointName=app.name, EndpointConfigName=config, RetainAllVariantProperties=retain
        )
        found = until(app.endpoint, lambda one: one["EndpointStatus"] == "InService")
        assert variants(app) == weights
        assert found["ProductionVariants"][0]["DesiredInstanceCount"] == (4 if retain else 2)


def test_what_a_stage_without_experiments_says(cloud):
    app = App(cloud, "without", experiments=False)
    found = app.ended(app.start(None, challenger_package_arn=app.package(name="one")))
    assert (found["status"], found["error"]) == ("FAILED", "ExperimentsOff")


def test_rolling_updates_move_batch_by_batch_and_one_that_is_bad_goes_back(cloud):
    app = App(cloud, "rolling", routing="rolling", experiments=False, instances=4, canaryPercent=25)
    output(app.deploy(app.package(name="old")))
    with app.traffic() as answers:
        output(app.deploy(app.package(name="new")))
    assert set(answers) == {"old", "new"} and app.ask() == "new"
    with app.traffic() as answers:
        found = app.deploy(app.package(name="bad", broken=True))
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert answers.count(500) < answers.count("new") and app.ask() == "new" and app.alarm_names() == []


def test_a_mix_of_two_fleets_is_said_so_and_put_right_by_the_next_deployment(cloud):
    # UpdateRollbackFailed: the old fleet's instances do not come back.
    app = App(cloud, "mixed", routing="rolling", experiments=False, instances=4, canaryPercent=25)
    old = app.package(name="old")
    output(app.deploy(old))
    key = app.archive(old)
    kept = cloud.s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=key)
    with app.traffic() as answers:
        found = app.deploy(app.package(name="bad", broken=True))
        served = len(answers)
        until(lambda: len(answers) > served + 30, bool)
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert found["cause"].startswith("The endpoint is UpdateRollbackFailed"), found["cause"]
    assert "The roll-back had failed too" in found["cause"]
    # In service with both.
    assert set(answers[served:]) == {"old", 500} and app.alarm_names() == []
    cloud.s3.put_object(Bucket=cloud.bucket, Key=key, Body=kept)
    output(app.deploy(app.package(name="good")))
    assert [app.ask() for _ in range(20)] == ["good"] * 20


def test_what_may_not_stand_together_is_refused(cloud):
    assert answer("sagemaker.shadow-variants") == [1, 1]
    cloud.sagemaker.create_model(
        ModelName="any",
        PrimaryContainer={"Image": "sagemaker-xgboost:3.2-0", "ModelDataUrl": cloud.uri("models/any.tar.gz")},
        ExecutionRoleArn=cloud.hosting,
    )
    one, two, shadow = ({"VariantName": name, "ModelName": "any", "InstanceType": "ml.m5.large"} for name in "abs")
    serverless = {
        "VariantName": "a",
        "ModelName": "any",
        "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5},
    }
    capture = {
        **{"InitialSamplingPercentage": 100, "DestinationS3Uri": cloud.uri("captured")},
        "CaptureOptions": [{"CaptureMode": "Output"}],
    }
    for given, sentence in (
        ({"ProductionVariants": [one, two], "ShadowProductionVariants": [shadow]}, "can only specify one variant"),
        ({"ProductionVariants": [serverless], "ShadowProductionVariants": [shadow]}, "cannot have shadow variants"),
        ({"ProductionVariants": [serverless, two]}, "more than one production variant"),
        ({"ProductionVariants": [serverless], "DataCaptureConfig": capture}, "data capture"),
    ):
        with pytest.raises(ClientError, match=sentence):
            cloud.sagemaker.create_endpoint_config(EndpointConfigName="refused", **given)


def test_an_endpoint_that_vanishes_on_the_way_is_said_so_and_made_anew(cloud):
    app = App(cloud, "vanished", canaryWaitSeconds=3000)
    output(app.deploy(app.package(name="old")))
    execution = app.start(app.package(name="new"))
    until(lambda: app.endpoint()["EndpointStatus"], lambda status: status == "Updating")
    cloud.sagemaker.delete_endpoint(EndpointName=app.name)
    found = app.ended(execution)
    assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed")
    assert found["cause"].startswith("The endpoint is Missing") and "runbook: endpoint-gone" in found["cause"]
    output(app.deploy(app.package(name="again")))
    assert app.ask() == "again"


def test_what_an_experiment_and_its_end_leave_is_cleaned_away(cloud):
    app = App(cloud, "cleaned", canaryPercent=0)
    output(app.deploy(app.package(name="0")))
    first = app.endpoint()["EndpointConfigName"]
    output(app.ended(app.start(None, challenger_package_arn=app.package(name="challenger"))))
    beside = app.endpoint()["EndpointConfigName"]
    assert beside.endswith("-x") and first in configurations(app)
    output(app.ended(app.start(None, end_experiment=True)))
    assert beside in configurations(app)  # until two deployments later
    made = [output(app.deploy(app.package(name=str(number))))["model_name"] for number in range(1, 4)]
    assert sorted(configurations(app)) == sorted(models(app)) == sorted(made)
