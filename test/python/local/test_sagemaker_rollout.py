"""The plan of a blue/green update against the API model's sentences and the guide to deployment guardrails."""

import botocore.session
import jobs_support  # noqa: F401 makes tidemark_local importable
import pytest
from aws_facts import answer, check
from tidemark_local.sagemaker.errors import SageMakerError
from tidemark_local.sagemaker.rollout import Rollout, plan


def canary(kind, value, wait=600, **policy):
    routing = {"Type": "CANARY", "CanarySize": {"Type": kind, "Value": value}, "WaitIntervalInSeconds": wait}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **policy}}


def linear(kind, value):
    routing = {"Type": "LINEAR", "LinearStepSize": {"Type": kind, "Value": value}, "WaitIntervalInSeconds": 60}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def test_without_a_configuration_all_traffic_moves_at_once():
    assert plan(None, 2) == Rollout(shares=(1.0,), wait_seconds=0, termination_seconds=0, alarms=())


def test_a_canary_moves_traffic_in_two_steps_by_instances():
    # "CANARY: Endpoint traffic shifts to the new fleet in two steps. The first step is the canary, which is a small
    # portion of the traffic. The second step is the remainder of the traffic."
    found = plan(canary("INSTANCE_COUNT", 1, TerminationWaitInSeconds=300), 2)
    assert found == Rollout(shares=(0.5, 1.0), wait_seconds=600, termination_seconds=300)
    assert plan(canary("CAPACITY_PERCENT", 30), 10).shares == (0.3, 1.0)


def test_linear_moves_it_in_steps_of_one_size():
    assert plan(linear("INSTANCE_COUNT", 2), 5).shares == (0.4, 0.8, 1.0)
    assert plan(linear("CAPACITY_PERCENT", 50), 2).shares == (0.5, 1.0)


def test_alarms_are_those_of_the_request():
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}
    assert plan({**canary("INSTANCE_COUNT", 1), **alarms}, 2).alarms == ("a", "b")


@pytest.mark.parametrize(("kind", "value", "instances"), [("INSTANCE_COUNT", 1, 1), ("INSTANCE_COUNT", 3, 5)])
def test_a_canary_is_at_most_half_of_the_fleet(kind, value, instances):
    # "Value must be less than or equal to 50% of the variant's total instance count."
    model = botocore.session.get_session().get_service_model("sagemaker")
    sentence = model.shape_for("TrafficRoutingConfig").members["CanarySize"].documentation
    most = answer("sagemaker.canary-size")
    assert f"less than or equal to {most}%" in sentence
    with pytest.raises(SageMakerError, match=f"at most {most}%"):
        plan(canary(kind, value), instances)


def test_a_percentage_below_one_instance():
    try:
        plan(canary("CAPACITY_PERCENT", 10), 2)
        found = "accepted"
    except SageMakerError as error:
        assert "ask for an INSTANCE_COUNT" in error.message
        found = "refused"
    check("sagemaker.canary-percent-below-one-instance", found)


def test_the_time_limit_is_longer_than_the_waits():
    # MaximumExecutionTimeoutInSeconds: "the timeout value should be larger than the total waiting time specified in
    # TerminationWaitInSeconds and WaitIntervalInSeconds."
    waits = {"TerminationWaitInSeconds": 300, "MaximumExecutionTimeoutInSeconds": 900}
    with pytest.raises(SageMakerError, match="must be larger than the total"):
        plan(canary("INSTANCE_COUNT", 1, **waits), 2)
    plan(canary("INSTANCE_COUNT", 1, **{**waits, "MaximumExecutionTimeoutInSeconds": 901}), 2)


def rolling(kind="CAPACITY_PERCENT", value=25):
    return {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": kind, "Value": value}, "WaitIntervalInSeconds": 60}}


def test_a_rolling_update_moves_batch_by_batch_each_with_its_bake():
    assert plan(rolling(), 8) == Rollout(
        shares=(0.25, 0.5, 0.75, 1.0), wait_seconds=60, termination_seconds=60, rolling=True
    )
    assert plan(rolling("INSTANCE_COUNT", 2), 5).shares == (0.4, 0.8, 1.0)


@pytest.mark.parametrize("value", [4, 51])
def test_a_batch_is_5_to_50_percent(value):
    # MaximumBatchSize: "Value must be between 5% to 50% of the variant's total instance count."
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert "between 5% to 50%" in model.shape_for("RollingUpdatePolicy").members["MaximumBatchSize"].documentation
    low, high = answer("sagemaker.rolling-batch")
    assert not low <= value <= high
    with pytest.raises(SageMakerError, match=f"between {low}% to {high}%"):
        plan(rolling(value=value), 20)


@pytest.mark.parametrize(
    ("config", "sentence", "variants"),
    [
        (rolling(), "not supported for endpoints with multiple production variants", 2),
        (rolling() | canary("INSTANCE_COUNT", 1), "Only one update policy", 1),
        (
            {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY", "WaitIntervalInSeconds": 1}}},
            "CanarySize is required",
            1,
        ),
    ],
)
def test_what_cannot_be_done_is_refused(config, sentence, variants):
    with pytest.raises(SageMakerError, match=sentence):
        plan(config, 4, variants)
