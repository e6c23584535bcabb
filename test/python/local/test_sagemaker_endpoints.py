"""Models, endpoints and InvokeEndpoint against sentences of the SageMaker API reference and developer guide."""

import json
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from aws_facts import answer
from botocore import xform_name
from botocore.exceptions import ClientError
from endpoint_support import BROKEN, SCRIPT, gone, invoke, make_config, make_endpoint, make_model, settled
from jobs_support import LOGS, SELF_CONTAINED, allow, running_cloud, tar, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("endpoints")) as cloud:
        cloud.put("source.tar.gz", tar({"inference.py": SCRIPT, "broken.py": BROKEN}))
        for name in ("red", "blue"):
            cloud.put(f"{name}.tar.gz", tar({"model.json": json.dumps({"name": name}), "code/inference.py": SCRIPT}))
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        cloud.server = cloud.role("server", "sagemaker", allow("s3:GetObject", f"{bucket}/*"), allow(LOGS))
        for name in ("red", "blue"):
            make_model(cloud, name, f"{name}.tar.gz")
        make_model(cloud, "broken", "red.tar.gz", SAGEMAKER_PROGRAM="broken.py")
        make_config(cloud, "both", red=1.0, blue=3.0)
        make_config(cloud, "only-blue", blue=1.0)
        make_config(cloud, "broken", broken=1.0)
        make_endpoint(cloud, "shared", "both")
        yield cloud


def test_creates_an_endpoint_through_creating_to_in_service(cloud):
    cloud.sagemaker.create_endpoint(EndpointName="fresh", EndpointConfigName="only-blue")
    assert cloud.sagemaker.describe_endpoint(EndpointName="fresh")["EndpointStatus"] == "Creating"
    found = settled(cloud, "fresh")
    assert found["EndpointStatus"] == "InService", found.get("FailureReason")
    assert [item["VariantName"] for item in found["ProductionVariants"]] == ["blue"]
    assert invoke(cloud, [1], "fresh")[0] == {"model": "blue", "data": [1]}
    assert "loading" in until(lambda: cloud.lines("/aws/sagemaker/Endpoints/fresh", "blue/"), bool)
    pid = invoke(cloud, "env", "fresh")[0]["pid"]
    cloud.sagemaker.delete_endpoint(EndpointName="fresh")
    assert gone(cloud, "fresh").startswith('Could not find endpoint "arn:aws:sagemaker')
    until(lambda: alive(pid), lambda answer: not answer, 10)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().split(")")[1].split()[0] != "Z"


def test_distributes_requests_by_weight(cloud):
    # "Amazon SageMaker AI distributes the traffic between production variants based on the weights you specify."
    invoked = Counter(invoke(cloud, [1])[1]["InvokedProductionVariant"] for _ in range(400))
    # 300 expected, standard deviation 8.7: five of them on each side.
    assert 256 <= invoked["blue"] <= 344 and invoked["red"] == 400 - invoked["blue"]


def test_target_variant_overrides_the_weights(cloud):
    # TargetVariant: "Specify the production variant to send the inference request to when invoking an endpoint that is
    # running two or more variants. … this parameter overrides the default behavior".
    for name in ("red", "blue"):
        for _ in range(5):
            answer, response = invoke(cloud, [1], TargetVariant=name)
            assert (answer["model"], response["InvokedProductionVariant"]) == (name, name)
    with pytest.raises(cloud.runtime.exceptions.ValidationError, match="Variant green was not found"):
        invoke(cloud, [1], TargetVariant="green")


def test_passes_content_as_the_framework_container_does(cloud):
    assert invoke(cloud, None, Body=b"1,2", ContentType="text/csv")[0]["data"] == {"type": "str", "length": 3}
    assert invoke(cloud, None, Body=b"\xff\x00", ContentType="application/x-npy")[0]["data"]["type"] == "bytes"
    answer = invoke(cloud, [1], CustomAttributes="trace-7")[1]
    # CustomAttributes come back only from a model that sends them.
    assert answer["ContentType"] == "application/json" and "CustomAttributes" not in answer


def test_process_has_the_models_environment_and_the_credentials_of_its_role(cloud):
    env = invoke(cloud, "env")[0]
    assert env["MY_FLAG"] == "on" and env["AWS_ACCESS_KEY_ID"].startswith("ASIA")


def test_model_error_names_the_original_status(cloud):
    # ModelError: "Model (owned by the customer in the container) returned 4xx or 5xx error code", HTTP status 424.
    with pytest.raises(cloud.runtime.exceptions.ModelError) as caught:
        invoke(cloud, "boom")
    found = caught.value.response
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert found["OriginalStatusCode"] == 500
    assert "<h1>Internal Server Error</h1>" in found["OriginalMessage"]
    assert found["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/shared")


def test_dead_process_is_a_model_error(cloud):
    make_endpoint(cloud, "mortal", "only-blue")
    with pytest.raises(cloud.runtime.exceptions.ModelError):
        invoke(cloud, "die", "mortal")


def test_unknown_endpoint(cloud):
    with pytest.raises(cloud.runtime.exceptions.ValidationError, match=r"Endpoint none of account .* not found"):
        invoke(cloud, [1], "none")


def test_endpoint_that_does_not_pass_its_health_check_fails(cloud):
    found = make_endpoint(cloud, "unhealthy", "broken")
    assert found["EndpointStatus"] == "Failed"
    assert "production variant broken did not pass the ping health check" in found["FailureReason"]
    lines = until(lambda: cloud.lines("/aws/sagemaker/Endpoints/unhealthy", "broken/"), bool)
    assert any("no such model" in line for line in lines)


def test_a_failed_endpoint_can_only_be_deleted(cloud):
    make_endpoint(cloud, "failed", "broken")
    change = {"DesiredWeightsAndCapacities": [{"VariantName": "broken", "DesiredWeight": 1}]}
    for operation, members in (
        ("UpdateEndpoint", {"EndpointConfigName": "only-blue"}),
        ("UpdateEndpointWeightsAndCapacities", change),
        ("DeleteEndpoint", {}),
    ):
        call = getattr(cloud.sagemaker, xform_name(operation))
        if operation == answer("sagemaker.failed-endpoint"):
            call(EndpointName="failed", **members)
            continue
        with pytest.raises(ClientError, match="DeleteEndpoint is the only operation"):
            call(EndpointName="failed", **members)
    gone(cloud, "failed")
    assert make_endpoint(cloud, "failed", "only-blue")["EndpointStatus"] == "InService"


def test_model_is_downloaded_with_its_own_role(cloud):
    make_model(cloud, "no-grant", "red.tar.gz", role=cloud.role("no-model", "sagemaker", allow(LOGS)))
    make_config(cloud, "no-grant", **{"no-grant": 1.0})
    found = make_endpoint(cloud, "no-grant", "no-grant")
    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"].startswith("Failed to download model data for container")


def test_model_with_code_inside(cloud):
    container = {"Image": "x", "ModelDataUrl": cloud.uri("red.tar.gz"), "Environment": SELF_CONTAINED}
    cloud.sagemaker.create_model(ModelName="inside", PrimaryContainer=container, ExecutionRoleArn=cloud.server)
    make_config(cloud, "inside", inside=1.0)
    assert make_endpoint(cloud, "inside", "inside")["EndpointStatus"] == "InService"
    assert invoke(cloud, [2], "inside")[0] == {"model": "red", "data": [2]}


def test_update_replaces_the_variants_without_a_gap(cloud):
    make_endpoint(cloud, "moving", "both")
    cloud.sagemaker.update_endpoint(EndpointName="moving", EndpointConfigName="only-blue")
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        cloud.sagemaker.update_endpoint(EndpointName="moving", EndpointConfigName="both")
    answered = 0
    while cloud.sagemaker.describe_endpoint(EndpointName="moving")["EndpointStatus"] == "Updating":
        invoke(cloud, [1], "moving")
        answered += 1
    found = settled(cloud, "moving")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "only-blue")
    assert answered > 0 and {invoke(cloud, [1], "moving")[0]["model"] for _ in range(5)} == {"blue"}


def test_update_lets_running_requests_end(cloud, tmp_path):
    make_endpoint(cloud, "drained", "both")
    waits = {"until": str(tmp_path / "released")}
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(invoke, cloud, waits, "drained", TargetVariant="red")
        time.sleep(0.5)
        cloud.sagemaker.update_endpoint(EndpointName="drained", EndpointConfigName="only-blue")
        assert settled(cloud, "drained")["EndpointConfigName"] == "only-blue"
        assert not slow.done(), "the update ended before the request did"
        (tmp_path / "released").touch()
        assert slow.result(120)[0] == {"model": "red", "data": waits}


def test_failed_update_keeps_the_old_configuration(cloud):
    make_endpoint(cloud, "steady", "only-blue")
    cloud.sagemaker.update_endpoint(EndpointName="steady", EndpointConfigName="broken")
    found = settled(cloud, "steady")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "only-blue")
    assert "ping health check" in found["FailureReason"]
    assert invoke(cloud, [1], "steady")[0]["model"] == "blue"


def test_a_fleet_of_an_update_has_metrics_of_its_own(cloud):
    make_endpoint(cloud, "measured", "only-blue")
    invoke(cloud, [1], "measured")
    cloud.sagemaker.update_endpoint(EndpointName="measured", EndpointConfigName="both")
    settled(cloud, "measured")
    invoke(cloud, [1], "measured", TargetVariant="red")
    invoke(cloud, [1], "measured", TargetVariant="blue")
    invoke(cloud, [1], "measured", TargetVariant="blue")

    def invocations(variant, **further):
        dimensions = {"EndpointName": "measured", "VariantName": variant, **further}
        found = cloud.cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in found)

    own = answer("sagemaker.new-fleet-dimension")
    assert (invocations("blue"), invocations("red")) == (3, 1)
    assert (invocations("blue", **{own: "both"}), invocations("red", **{own: "both"})) == (2, 1)
    assert invocations("blue", **{own: "only-blue"}) == 0


def test_guardrails_want_the_same_variants(cloud):
    make_endpoint(cloud, "same", "both")
    wait = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": wait, "TerminationWaitInSeconds": 1}}
    update = {"EndpointName": "same", "EndpointConfigName": "only-blue"}
    with pytest.raises(ClientError, match="needs the same variant names"):
        cloud.sagemaker.update_endpoint(**update, DeploymentConfig=policy)
    cloud.sagemaker.update_endpoint(**update)
    assert settled(cloud, "same")["EndpointConfigName"] == "only-blue"


def test_weights_can_be_changed_and_are_kept_on_request(cloud):
    make_endpoint(cloud, "weighted", "both")
    change = cloud.sagemaker.update_endpoint_weights_and_capacities
    with pytest.raises(ClientError, match=r"variant name\(s\) \"green\""):
        change(EndpointName="weighted", DesiredWeightsAndCapacities=[{"VariantName": "green", "DesiredWeight": 1}])
    change(EndpointName="weighted", DesiredWeightsAndCapacities=[{"VariantName": "blue", "DesiredWeight": 0}])
    found = settled(cloud, "weighted")
    assert {item["VariantName"]: item["CurrentWeight"] for item in found["ProductionVariants"]} == {"red": 1, "blue": 0}
    assert {invoke(cloud, [1], "weighted")[0]["model"] for _ in range(20)} == {"red"}
    # RetainAllVariantProperties: "When updating endpoint resources, enables or disables the retention of
    # ProductionVariant properties such as the instance count or the variant weight."
    update = {"EndpointName": "weighted", "EndpointConfigName": "both"}
    cloud.sagemaker.update_endpoint(**update, RetainAllVariantProperties=True)
    kept = settled(cloud, "weighted")["ProductionVariants"]
    assert {item["VariantName"]: item["CurrentWeight"] for item in kept} == {"red": 1, "blue": 0}
    shape = cloud.sagemaker.meta.service_model.shape_for("UpdateEndpointInput").members["RetainAllVariantProperties"]
    assert f"The default is <code>{str(answer('sagemaker.retain-variant-properties')).lower()}" in shape.documentation
    cloud.sagemaker.update_endpoint(**update)
    reset = settled(cloud, "weighted")["ProductionVariants"]
    assert {item["VariantName"]: item["CurrentWeight"] for item in reset} == {"red": 1, "blue": 3}


def test_refuses_bad_requests_by_name(cloud):
    with pytest.raises(ClientError, match=r'Could not find model "arn:aws:sagemaker:.*:model/none"'):
        make_config(cloud, "no-model", none=1.0)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        cloud.sagemaker.create_endpoint(EndpointName="x", EndpointConfigName="none")
    with pytest.raises(ClientError, match="Cannot create already existing endpoint"):
        cloud.sagemaker.create_endpoint(EndpointName="shared", EndpointConfigName="both")
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        make_model(cloud, "red", "red.tar.gz")
    variant = {"ModelName": "red", "InstanceType": "ml.m5.large", "VariantName": "same"}
    with pytest.raises(ClientError, match="variant names must be unique"):
        cloud.sagemaker.create_endpoint_config(EndpointConfigName="many", ProductionVariants=[variant, variant])


def test_caller_needs_invoke_endpoint_on_this_endpoint(cloud):
    arn = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/"
    other = cloud.user("invokes-other", allow("sagemaker:InvokeEndpoint", f"{arn}other"))("sagemaker-runtime")
    with pytest.raises(ClientError, match=r"AccessDenied.*sagemaker:InvokeEndpoint"):
        invoke(cloud, [1], client=other)
    own = cloud.user("invokes-shared", allow("sagemaker:InvokeEndpoint", f"{arn}shared"))("sagemaker-runtime")
    assert invoke(cloud, [1], client=own)[0]["data"] == [1]


def test_answers_in_milliseconds(cloud):
    invoke(cloud, [1])
    times = []
    for _ in range(50):
        started = time.perf_counter()
        invoke(cloud, [1])
        times.append(time.perf_counter() - started)
    assert sorted(times)[25] < 0.05, f"median {sorted(times)[25] * 1000:.1f} ms"


def test_nothing_outlives_a_killed_cloud(tmp_path):
    with running_cloud(tmp_path) as cloud:
        cloud.put("source.tar.gz", tar({"inference.py": SCRIPT}))
        cloud.put("blue.tar.gz", tar({"model.json": '{"name": "blue"}'}))
        bucket = f"arn:aws:s3:::{cloud.bucket}/*"
        cloud.server = cloud.role("server", "sagemaker", allow("s3:GetObject", bucket), allow(LOGS))
        make_model(cloud, "blue", "blue.tar.gz")
        make_config(cloud, "blue", blue=1.0)
        make_endpoint(cloud, "orphan", "blue")
        pid = invoke(cloud, "env", "orphan")[0]["pid"]
        assert alive(pid)
        cloud.process.kill()
        until(lambda: alive(pid), lambda answer: not answer, 10)
