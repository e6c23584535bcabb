"""Training jobs against sentences of the SageMaker API reference and developer guide."""

import json

import pytest
from botocore.exceptions import ClientError
from jobs_support import LOGS, allow, running_cloud, tar, until

ENDED = ("Completed", "Failed", "Stopped")
TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--eta", type=float)
parser.add_argument("--name")
args, rest = parser.parse_known_args()
data = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
rows = {str(p.relative_to(data)): p.read_text() for p in data.rglob("*") if p.is_file()}
config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
seen = {
    "rows": rows,
    "eta": args.eta,
    "name": args.name,
    "rest": rest,
    "env": {k: v for k, v in os.environ.items() if k.startswith(("SM_", "TRAINING_", "MY_", "AWS_"))},
    "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
    "channels": json.loads((config / "inputdataconfig.json").read_text()),
    "resources": json.loads((config / "resourceconfig.json").read_text()),
}
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "model.json").write_text("{}")
(pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "seen.json").write_text(json.dumps(seen))
print("metric auc=0.5;")
print("metric auc=0.85;")
"""
SLOW = """
import os, pathlib, signal, sys, time
def save(*_):
    (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "saved.txt").write_text("on SIGTERM")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("waiting", flush=True)
time.sleep(120)
"""
FAILS = """
import os, pathlib
pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("the label column is missing")
raise SystemExit(3)
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("training")) as cloud:
        cloud.put("source.tar.gz", tar({"train.py": TRAIN, "slow.py": SLOW, "fails.py": FAILS, "raises.py": "1 / 0"}))
        cloud.put("data/train/a.csv", "1\n")
        cloud.put("data/train/deep/b.csv", "2\n")
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        cloud.trainer = cloud.role(
            "trainer",
            "sagemaker",
            allow(["s3:GetObject", "s3:PutObject"], f"{bucket}/*"),
            allow("s3:ListBucket", bucket),
            allow(LOGS),
        )
        yield cloud


def start(cloud, name, program="train.py", role=None, client=None, hyperparameters=None, **changes):
    request = {
        "TrainingJobName": name,
        "RoleArn": role or cloud.trainer,
        "AlgorithmSpecification": {
            "TrainingImage": "sagemaker-xgboost:3.2-0",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+);"}],
        },
        "HyperParameters": {
            "sagemaker_program": program,
            "sagemaker_submit_directory": cloud.uri("source.tar.gz"),
            **(hyperparameters or {}),
        },
        "InputDataConfig": [channel(cloud, "train", "data/train")],
        "OutputDataConfig": {"S3OutputPath": cloud.uri("models")},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **changes,
    }
    return (client or cloud.sagemaker).create_training_job(**request)["TrainingJobArn"]


def channel(cloud, name, prefix):
    source = {"S3DataType": "S3Prefix", "S3Uri": cloud.uri(prefix), "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "text/csv"}


def ended(cloud, name):
    describe = cloud.sagemaker.describe_training_job
    return until(lambda: describe(TrainingJobName=name), lambda job: job["TrainingJobStatus"] in ENDED)


def test_runs_the_script_under_the_containers_contract(cloud):
    start(cloud, "contract", hyperparameters={"eta": "0.3", "name": '"deep"'}, Environment={"MY_FLAG": "on"})
    job = ended(cloud, "contract")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    # "SageMaker AI saves the model artifacts … in model.tar.gz" under S3OutputPath/job name/output.
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == cloud.uri("models/contract/output/model.tar.gz")
    assert cloud.untar("models/contract/output/model.tar.gz") == {"model.json": "{}"}
    seen = json.loads(cloud.untar("models/contract/output/output.tar.gz")["seen.json"])
    assert seen["rows"] == {"a.csv": "1\n", "deep/b.csv": "2\n"}
    # "The hyperparameters are passed to your script as command-line arguments", decoded from JSON.
    assert (seen["eta"], seen["name"], seen["rest"]) == (0.3, "deep", [])
    # "SageMaker AI stores hyperparameters as strings in hyperparameters.json".
    assert seen["hyperparameters"]["eta"] == "0.3"
    assert seen["channels"]["train"]["ContentType"] == "text/csv"
    assert seen["resources"]["current_host"] == "algo-1" and seen["resources"]["hosts"] == ["algo-1"]
    env = seen["env"]
    assert json.loads(env["SM_HPS"]) == {"eta": 0.3, "name": "deep"}
    assert json.loads(env["SM_CHANNELS"]) == ["train"]
    assert env["SM_HP_ETA"] == "0.3" and env["MY_FLAG"] == "on" and env["TRAINING_JOB_NAME"] == "contract"
    assert json.loads(env["SM_TRAINING_ENV"])["channel_input_dirs"]["train"] == env["SM_CHANNEL_TRAIN"]
    assert env["AWS_ACCESS_KEY_ID"].startswith("ASIA"), "the credentials of the job's role"
    # The folder of the job goes when it has ended.
    until((cloud.state / "sagemaker" / "training" / "contract").exists, lambda there: not there)


def test_reports_metrics_status_and_log(cloud):
    start(cloud, "metrics")
    job = ended(cloud, "metrics")
    # FinalMetricDataList: "A collection of MetricData objects that specify the names, values, and dates and times that
    # the training algorithm emitted": the last value counts.
    assert [(item["MetricName"], item["Value"]) for item in job["FinalMetricDataList"]] == [("auc", 0.85)]
    passed = [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["SecondaryStatus"] == "Completed" and job["TrainingTimeInSeconds"] >= 1
    assert "metric auc=0.85;" in cloud.lines("/aws/sagemaker/TrainingJobs", "metrics/algo-1-")
    listed = cloud.sagemaker.list_training_jobs(NameContains="metrics", StatusEquals="Completed")
    assert [item["TrainingJobName"] for item in listed["TrainingJobSummaries"]] == ["metrics"]


def test_failure_reason_is_the_failure_file(cloud):
    # "If training fails … your training algorithm should write a … description to /opt/ml/output/failure";
    # "the first 1024 characters … as FailureReason".
    start(cloud, "fails", "fails.py")
    job = ended(cloud, "fails")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the label column is missing, exit code: 3"
    assert "ModelArtifacts" not in job


def test_failure_reason_of_a_script_without_failure_file(cloud):
    start(cloud, "raises", "raises.py")
    reason = ended(cloud, "raises")["FailureReason"]
    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:") and "ZeroDivisionError" in reason


def test_stopping_gives_the_script_its_sigterm(cloud):
    # "SageMaker AI sends the algorithm the SIGTERM signal, which delays job termination for 120 seconds. Algorithms
    # might use this 120-second window to save the model artifacts, so the results of the training is not lost."
    start(cloud, "stopped", "slow.py")
    until(
        lambda: cloud.sagemaker.describe_training_job(TrainingJobName="stopped"),
        lambda j: j["SecondaryStatus"] == "Training",
    )
    until(lambda: cloud.lines("/aws/sagemaker/TrainingJobs", "stopped/"), lambda lines: "waiting" in lines)
    cloud.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = ended(cloud, "stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert cloud.untar("models/stopped/output/model.tar.gz") == {"saved.txt": "on SIGTERM"}
    with pytest.raises(ClientError, match=r"ValidationException.*in status Stopped"):
        cloud.sagemaker.stop_training_job(TrainingJobName="stopped")


def test_ends_a_job_at_its_maximum_runtime(cloud):
    # StoppingCondition: "When the job reaches the time limit, SageMaker AI ends the training job."
    start(cloud, "limit", "slow.py", StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = ended(cloud, "limit")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == cloud.uri("models/limit/output/model.tar.gz")


def test_downloads_with_the_jobs_own_role(cloud):
    role = cloud.role("no-data", "sagemaker", allow(LOGS))
    start(cloud, "no-grant", role=role)
    job = ended(cloud, "no-grant")
    assert job["TrainingJobStatus"] == "Failed"
    assert "Data download failed" in job["FailureReason"] and "AccessDenied" in job["FailureReason"]


def test_names_an_empty_channel(cloud):
    start(cloud, "empty", InputDataConfig=[channel(cloud, "train", "nothing/here")])
    assert 'No S3 objects found under S3 URL "s3://' in ended(cloud, "empty")["FailureReason"]


def test_refuses_bad_requests_by_name(cloud):
    start(cloud, "once")
    with pytest.raises(cloud.sagemaker.exceptions.ResourceInUse, match="must be unique within an AWS account"):
        start(cloud, "once")
    with pytest.raises(ClientError, match=r"ValidationException.*Requested resource not found"):
        cloud.sagemaker.describe_training_job(TrainingJobName="unknown")
    with pytest.raises(
        ClientError, match=r"'trainingJobName' failed to satisfy constraint: Member must satisfy regular"
    ):
        start(cloud, "under_score")
    with pytest.raises(ClientError, match="satisfy enum value set"):
        start(cloud, "enum", AlgorithmSpecification={"TrainingImage": "x", "TrainingInputMode": "Slowly"})
    with pytest.raises(ClientError, match="exactly one of TrainingImage and AlgorithmName"):
        start(cloud, "no-image", AlgorithmSpecification={"TrainingInputMode": "File"})
    with pytest.raises(ClientError, match="Channel names in InputDataConfig must be unique"):
        start(cloud, "twice", InputDataConfig=[channel(cloud, "train", "data/train")] * 2)
    # ResourceLimitExceeded: "You have exceeded an SageMaker resource limit." One instance is all that is here.
    with pytest.raises(
        cloud.sagemaker.exceptions.ResourceLimitExceeded, match=r"service limit 'ml\.m5.large for training"
    ):
        resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
        start(cloud, "two", ResourceConfig=resources)
    ended(cloud, "once")


def test_the_service_must_be_able_to_assume_the_role(cloud):
    other = cloud.role("for-glue", "glue", allow("s3:*"))
    for role in (other, other.replace("for-glue", "no-such-role")):
        with pytest.raises(ClientError, match=r"ValidationException.*Could not assume role arn:aws:iam::"):
            start(cloud, "not-assumed", role=role)


def test_a_caller_needs_the_action_and_the_right_to_pass_the_role(cloud):
    create = allow("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:us-east-1:000000000000:training-job/mine-*")
    only_create = cloud.user("only-create", create)("sagemaker")
    with pytest.raises(ClientError, match=r"AccessDenied.*iam:PassRole on resource: arn:aws:iam::.*role/trainer"):
        start(cloud, "mine-1", client=only_create)
    passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    grant = {**allow("iam:PassRole", cloud.trainer), "Condition": passed}
    both = cloud.user("create-and-pass", create, grant)("sagemaker")
    with pytest.raises(ClientError, match=r"AccessDenied.*sagemaker:CreateTrainingJob"):
        start(cloud, "other", client=both)
    start(cloud, "mine-2", client=both)
    assert ended(cloud, "mine-2")["TrainingJobStatus"] == "Completed"
