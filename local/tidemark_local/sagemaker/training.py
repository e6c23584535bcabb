"""Training jobs: the API operations.

CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html and its siblings).
"""

import re

from ..service_quotas import quotas
from .errors import resource_in_use, resource_limit_exceeded, validation
from .state import SageMakerState, now, page, selected
from .training_run import TrainingRun

_KEPT = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "Environment",
    "ExperimentConfig",
    "RetryStrategy",
)
_runs: dict[str, TrainingRun] = {}


def create(state: SageMakerState, data: dict) -> dict:
    """CreateTrainingJob: answers with the ARN at once, the job runs in the background."""
    algorithm = data.get("AlgorithmSpecification") or {}
    if bool(algorithm.get("TrainingImage")) == bool(algorithm.get("AlgorithmName")):
        raise validation("You must specify exactly one of TrainingImage and AlgorithmName in AlgorithmSpecification.")
    for member in ("ResourceConfig", "StoppingCondition"):
        if not data.get(member):
            raise validation(
                f"1 validation error detected: Value null at '{member[0].lower()}{member[1:]}' failed to "
                "satisfy constraint: Member must not be null"
            )
    channels = [channel["ChannelName"] for channel in data.get("InputDataConfig", [])]
    if len(channels) != len(set(channels)):
        raise validation("Channel names in InputDataConfig must be unique.")
    for channel in data.get("InputDataConfig", []):
        if not channel["DataSource"].get("S3DataSource"):
            raise validation(f"The data source of channel {channel['ChannelName']} must be an S3DataSource here.")
    _check_instances(state, data["ResourceConfig"])
    state.check_role(data["RoleArn"])
    for definition in algorithm.get("MetricDefinitions", []):
        try:
            re.compile(definition["Regex"])
        except re.error as error:
            raise validation(f"The regular expression of metric {definition['Name']} is invalid: {error}") from None
    name = data["TrainingJobName"]
    arn = state.arn("training-job", name)
    with state.lock:
        if name in state.training_jobs:
            raise resource_in_use(
                "Training job names must be unique within an AWS account and region, and a training job with this name "
                f"already exists ({state.training_jobs[name]['TrainingJobArn']})"
            )
        created = now()
        job = {
            **{member: data[member] for member in _KEPT if data.get(member) is not None},
            "TrainingJobArn": arn,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Starting",
            "CreationTime": created,
            "LastModifiedTime": created,
            "EnableNetworkIsolation": data.get("EnableNetworkIsolation", False),
            "EnableInterContainerTrafficEncryption": data.get("EnableInterContainerTrafficEncryption", False),
            "EnableManagedSpotTraining": data.get("EnableManagedSpotTraining", False),
            "SecondaryStatusTransitions": [
                {"Status": "Starting", "StartTime": created, "StatusMessage": "Preparing the instances for training"}
            ],
        }
        state.training_jobs[name] = job
        state.tag(arn, data.get("Tags"))
        _runs[arn] = TrainingRun(state, job)
    return {"TrainingJobArn": arn}


def _check_instances(state: SageMakerState, resources: dict) -> None:
    """Raises ResourceLimitExceeded past the account's quota, and for more instances than the local cloud has."""
    kind, count = resources.get("InstanceType"), resources.get("InstanceCount", 1)
    running = sum(
        job["ResourceConfig"].get("InstanceCount", 1)
        for job in state.training_jobs.values()
        if job["TrainingJobStatus"] == "InProgress" and job["ResourceConfig"].get("InstanceType") == kind
    )
    refused = quotas.refusal(state.context.quotas, f"{kind} for training job usage", running, count)
    if refused is None and count > 1:
        refused = quotas.message(f"{kind} for training job usage", 1, 0, count)  # one process is what there is here
    if refused:
        raise resource_limit_exceeded(refused)


def describe(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        return dict(_job(state, data["TrainingJobName"]))


def stop(state: SageMakerState, data: dict) -> dict:
    """StopTrainingJob: SIGTERM, then 120 s for the script to save its model."""
    with state.lock:
        job = _job(state, data["TrainingJobName"])
        if job["TrainingJobStatus"] != "InProgress":
            raise validation(
                f"The request was rejected because the training job is in status {job['TrainingJobStatus']}."
            )
        job["TrainingJobStatus"] = "Stopping"
    _runs[job["TrainingJobArn"]].stop()
    return {}


def list_jobs(state: SageMakerState, data: dict) -> dict:
    def keep(job: dict) -> bool:
        return data.get("StatusEquals") in (None, job["TrainingJobStatus"])

    with state.lock:
        answer = page(
            list(state.training_jobs.values()),
            data,
            key="TrainingJobSummaries",
            keep=keep,
            name="TrainingJobName",
            sort={"Name": "TrainingJobName", "Status": "TrainingJobStatus"},
        )
    answer["TrainingJobSummaries"] = [
        selected(
            job,
            "TrainingJobName",
            "TrainingJobArn",
            "CreationTime",
            "TrainingEndTime",
            "LastModifiedTime",
            "TrainingJobStatus",
            "SecondaryStatus",
        )
        for job in answer["TrainingJobSummaries"]
    ]
    return answer


def _job(state: SageMakerState, name: str) -> dict:
    if name not in state.training_jobs:
        raise validation("Requested resource not found.")
    return state.training_jobs[name]


OPERATIONS = {
    "CreateTrainingJob": create,
    "DescribeTrainingJob": describe,
    "StopTrainingJob": stop,
    "ListTrainingJobs": list_jobs,
}
