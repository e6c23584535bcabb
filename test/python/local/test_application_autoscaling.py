"""Application Auto Scaling: each variant by its own load, by the machine that is deployed. Waits are a hundredth."""

import json
import threading

import pytest
from aws_facts import answer
from botocore.exceptions import ClientError
from deployment_support import App, output
from jobs_support import LOGS, allow, running_cloud, until

SCALED = {
    **{"minInstances": 2, "maxInstances": 4, "invocationsPerInstance": 20},
    **{"scaleInCooldownSeconds": 0, "scaleOutCooldownSeconds": 0},
}
OF = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("autoscaling"), "--time-scale", "0.01") as cloud:
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.hosting = cloud.role("hosting", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        cloud.scaling = cloud.client("application-autoscaling")
        yield cloud


@pytest.fixture(scope="module")
def app(cloud):
    app = App(cloud, "scaled", canaryPercent=0, autoscaling=SCALED)
    output(app.deploy(app.package(name="first")))
    return app


def resource(app, variant="champion"):
    return f"endpoint/{app.name}/variant/{variant}"


def targets(cloud):
    found = cloud.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    return {item["ResourceId"]: (item["MinCapacity"], item["MaxCapacity"]) for item in found}


def counts(app):
    return {item["VariantName"]: item["DesiredInstanceCount"] for item in app.endpoint()["ProductionVariants"]}


def test_a_variant_is_registered_once_it_serves_and_its_policy_has_alarms(cloud, app):
    assert targets(cloud) == {resource(app): (2, 4)}
    [policy] = cloud.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert (policy["PolicyName"], policy["PolicyType"]) == (f"{app.name}-champion", "TargetTrackingScaling")
    names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
    # The role of the machine may make, describe and delete alarms of this name.
    assert all(name.startswith(f"TargetTracking-endpoint/{app.name}/variant/champion-Alarm") for name in names)
    found = cloud.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert sorted(alarm["Threshold"] for alarm in found) == [18.0, 20.0]
    # Deployed again, nothing is there twice.
    output(app.deploy(app.serving()["packages"]["champion"]["package_arn"]))
    assert len(cloud.scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]) == 1


def test_instances_follow_the_load_up_to_the_most_and_stay_through_an_update(cloud, app):
    # 20 requests a minute an instance; a minute is 0.6 s here.
    with app.traffic():
        until(lambda: counts(app), lambda found: found == {"champion": 4})
        output(app.deploy(app.package(name="second")))
        assert counts(app) == {"champion": 4}


def test_the_challenger_has_a_target_of_its_own_which_goes_with_it(cloud, app):
    output(app.ended(app.start(None, challenger_package_arn=app.package(name="beside"))))
    assert targets(cloud) == {resource(app): (2, 4), resource(app, "challenger"): (2, 4)}
    assert counts(app) == {"champion": 4, "challenger": 2}
    stop = threading.Event()

    def ask():
        body = {"EndpointName": app.name, "ContentType": "application/json", "Body": b"[1]"}
        while not stop.wait(0.01):
            for variant in ("champion", *["challenger"] * 30):
                cloud.runtime.invoke_endpoint(TargetVariant=variant, **body)

    # The load of the one takes the other's instances away and gives none.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        until(lambda: counts(app), lambda found: found == {"champion": 2, "challenger": 4})
    finally:
        stop.set()
        thread.join(10)
    output(app.ended(app.start(None, end_experiment=True)))
    assert targets(cloud) == {resource(app): (2, 4)}


def test_another_instance_type_is_refused_until_the_target_is_deregistered(cloud, app):
    assert answer("application-autoscaling.instance-type") == "the update fails"
    variant = {"VariantName": "champion", "ModelName": app.endpoint()["EndpointConfigName"]}
    larger = {**variant, "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="larger", ProductionVariants=[larger])
    with pytest.raises(ClientError, match="deregister it before its instance type changes"):
        cloud.sagemaker.update_endpoint(EndpointName=app.name, EndpointConfigName="larger")
    # The machine of a stage that was set to another type does that.
    definition = json.loads(json.dumps(app.definition).replace("ml.m5.large", "ml.m5.xlarge"))
    cloud.stepfunctions.update_state_machine(stateMachineArn=app.machine, definition=json.dumps(definition))
    output(app.deploy(app.package(name="third")))
    config = cloud.sagemaker.describe_endpoint_config(EndpointConfigName=app.endpoint()["EndpointConfigName"])
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    assert targets(cloud) == {resource(app): (2, 4)}


def test_what_aws_refuses(cloud, app):
    with pytest.raises(ClientError, match="Could not find variant none"):
        cloud.scaling.register_scalable_target(ResourceId=resource(app, "none"), MinCapacity=1, MaxCapacity=2, **OF)
    with pytest.raises(ClientError, match="maximum capacity cannot be less"):
        cloud.scaling.register_scalable_target(ResourceId=resource(app), MinCapacity=3, MaxCapacity=2, **OF)
    for call in (
        lambda: cloud.scaling.deregister_scalable_target(ResourceId=resource(app, "challenger"), **OF),
        lambda: cloud.scaling.put_scaling_policy(
            ResourceId=resource(app, "challenger"),
            PolicyName="one",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 1,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
            **OF,
        ),
    ):
        with pytest.raises(cloud.scaling.exceptions.ObjectNotFoundException):
            call()
    with pytest.raises(ClientError, match="not authorized"):
        nobody = cloud.user("nobody")("application-autoscaling")
        nobody.deregister_scalable_target(ResourceId=resource(app), **OF)


def test_an_endpoint_takes_its_targets_with_it(cloud, app):
    cloud.sagemaker.delete_endpoint(EndpointName=app.name)
    assert targets(cloud) == {}
