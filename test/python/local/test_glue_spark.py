"""Glue Spark jobs against sentences of the AWS Glue developer guide, with Spark and Iceberg as Glue 5.1 has them."""

import json
import os

import aws_facts
import pytest
from botocore.exceptions import ClientError
from glue_support import CATALOG, ended, make_job, output, prepare, run_job, run_of
from jobs_support import LOGS, allow, running_cloud, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("glue")) as cloud:
        prepare(cloud)
        yield cloud


def test_iceberg_job_reads_raw_objects_and_merges(cloud):
    # "--datalake-formats: … Valid values include one or more of iceberg, hudi, and delta."
    # "--extra-py-files: The Amazon S3 paths to additional Python modules that AWS Glue adds to the Python path".
    arguments = {
        "--datalake-formats": "iceberg",
        "--conf": CATALOG,
        "--extra-py-files": cloud.uri("lib/numbers.zip"),
        "--bucket": cloud.bucket,
    }
    job = make_job(cloud, "merge", "iceberg", arguments=arguments)
    run_id = cloud.glue.start_job_run(JobName=job)["JobRunId"]
    assert run_id.startswith("jr_") and run_of(cloud, job, run_id)["JobRunState"] in ("STARTING", "RUNNING")
    run = ended(cloud, job, run_id)
    assert run["JobRunState"] == "SUCCEEDED", output(cloud, run, "error")[-20:]
    lines = output(cloud, run)
    assert "spark 3.5.6 4" in lines and "total 3" in lines
    assert run["ExecutionTime"] >= 1 and run["CompletedOn"] > run["StartedOn"]
    table = cloud.glue.get_table(DatabaseName="lake", Name="numbers")["Table"]
    assert table["Parameters"]["table_type"] == "ICEBERG"
    assert table["Parameters"]["metadata_location"].startswith(cloud.uri("iceberg/"))


def test_spark_has_no_more_rights_than_the_jobs_role(cloud):
    role = cloud.role("no-catalog", "glue", *cloud.storage)
    arguments = {
        "--datalake-formats": "iceberg",
        "--conf": CATALOG,
        "--extra-py-files": cloud.uri("lib/numbers.zip"),
        "--bucket": cloud.bucket,
    }
    run = run_job(cloud, make_job(cloud, "refused", "iceberg", role=role, arguments=arguments))
    assert run["JobRunState"] == "FAILED"
    assert "is not authorized to perform: glue:" in "\n".join(output(cloud, run, "error"))


def test_executors_share_nothing_with_the_drivers_environment(cloud):
    # "These parameters set environment variables on the operating system respectively for each worker (driver or
    # executor)." "KEY4=VAL4 will be ignored and not set."
    arguments = {
        "--extra-py-files": cloud.uri("lib/numbers.zip"),
        "--customer-driver-env-vars": "CUSTOMER_KEY1=VAL1",
        "--customer-executor-env-vars": "CUSTOMER_KEY3=VAL3,KEY4=VAL4",
    }
    run = run_job(cloud, make_job(cloud, "executors", "executors", arguments=arguments))
    assert run["JobRunState"] == "SUCCEEDED", output(cloud, run, "error")[-20:]
    found = json.loads(output(cloud, run)[0])
    assert len(found) == 2
    for executor in found:
        secret = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
        inherited = {"SET_BY_DRIVER", "CUSTOMER_KEY1", "AWS_REGION", "AWS_DEFAULT_REGION"} | secret
        shared = inherited & set(executor["names"])
        aws_facts.check(
            "glue.executors-share-no-environment", "executors do not have it" if not shared else f"they have {shared}"
        )
        assert executor["region"] == "NoRegionError"
        aws_facts.check("glue.variables-of-workers", executor["own"])
        aws_facts.check(
            "glue.extra-py-files",
            "on the Python path of the driver node" if executor["library"] == "missing" else "of executors, too",
        )
        # The role's credentials come from an endpoint.
        assert ":assumed-role/worker/" in executor["arn"]
    # Each has a log stream of its own. There were no others: Spark is stopped when the script ends.
    named = {"logGroupName": "/aws-glue/jobs/error", "logStreamNamePrefix": f"{run['Id']}_"}
    streams = [stream["logStreamName"] for stream in cloud.logs.describe_log_streams(**named)["logStreams"]]
    assert streams == [f"{run['Id']}_{number}" for number in (0, 1)]
    assert output(cloud, run, "error").count("said by an executor") == 2


def test_the_apps_jobs_tell_executors_their_region_and_bring_their_package(cloud):
    arguments = {"--extra-py-files": cloud.uri("lib/app.zip"), "--bucket": cloud.bucket, "--aws_region": "eu-west-1"}
    run = run_job(cloud, make_job(cloud, "app", "app", arguments=arguments))
    assert run["JobRunState"] == "SUCCEEDED", output(cloud, run, "error")[-20:]
    assert json.loads(output(cloud, run)[0]) == [["eu-west-1", "eu-west-1"], "1"]


def test_diverged_states_ring_by_the_api_and_a_printed_line_is_no_metric(cloud):
    put = allow("cloudwatch:PutMetricData") | {"Condition": {"StringEquals": {"cloudwatch:namespace": "Tidemark"}}}
    role = cloud.role("healer", "glue", *cloud.storage, put)
    names = {"namespace": "Tidemark", "dimensions": {"service": "healing", "stage": "test"}}
    names |= {"names": {"diverged": "HealingDiverged", "repaired": "HealingRepaired"}}
    dimensions = [{"Name": name, "Value": value} for name, value in names["dimensions"].items()]
    alarm = {"Namespace": "Tidemark", "MetricName": "HealingDiverged", "Dimensions": dimensions, "Statistic": "Sum"}
    alarm |= {"Period": 60, "EvaluationPeriods": 1, "DatapointsToAlarm": 1, "Threshold": 1}
    alarm |= {"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching"}
    cloud.cloudwatch.put_metric_alarm(AlarmName="diverged", **alarm)
    arguments = {
        "--extra-py-files": cloud.uri("lib/app.zip"),
        "--aws_region": "us-east-1",
        "--metrics": json.dumps(names),
    }
    job = make_job(cloud, "metrics", "metrics", role=role, arguments=arguments)
    run = run_job(cloud, job)
    assert run["JobRunState"] == "SUCCEEDED", output(cloud, run, "error")[-20:]
    listed = cloud.cloudwatch.list_metrics(Namespace="Tidemark")["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {"HealingDiverged", "HealingRepaired"}
    aws_facts.check("glue.emf-in-job-output", "never a metric")
    state = lambda: cloud.cloudwatch.describe_alarms(AlarmNames=["diverged"])["MetricAlarms"][0]["StateValue"]  # noqa: E731
    until(state, lambda value: value == "ALARM")
    # Another namespace is not the job's to write.
    refused = run_job(cloud, job, Arguments={"--metrics": json.dumps(names | {"namespace": "Other"})})
    assert refused["JobRunState"] == "FAILED" and "cloudwatch:PutMetricData" in refused["ErrorMessage"]


def test_run_arguments_win_and_glues_own_stay_with_glue(cloud):
    # Arguments: "The job arguments associated with this run. For this job run, they replace the default arguments set
    # in the job definition itself." NonOverridableArguments: "not overridden when providing job arguments".
    arguments = {
        "--a": "default",
        "--b": "default",
        "--conf": "spark.x=1",
        "--TempDir": "s3://t/",
        "--job-language": "python",
    }
    job = make_job(cloud, "arguments", "seen", arguments=arguments, NonOverridableArguments={"--c": "fixed"})
    given = {"--b": "given", "--c": "given", "--customer-driver-env-vars": 'CUSTOMER_A="x,y",CUSTOMER_B=z'}
    run = run_job(cloud, job, Arguments=given)
    seen = json.loads(output(cloud, run)[0])
    argv = dict(zip(seen["argv"][::2], seen["argv"][1::2], strict=True))
    own = {"--JOB_NAME": job, "--JOB_RUN_ID": run["Id"], "--TempDir": "s3://t/"}
    assert argv == {"--a": "default", "--b": "given", "--c": "fixed", **own}
    assert seen["mine"] == "x,y" and seen["key"].startswith("ASIA")
    # JobRun, Arguments: those of the run.
    assert run["Arguments"] == given


def test_additional_modules_are_named_and_ignored(cloud):
    job = make_job(cloud, "modules", "seen", arguments={"--additional-python-modules": "pyarrow==17.0.0"})
    run = run_job(cloud, job)
    assert run["JobRunState"] == "SUCCEEDED"
    assert any(line.startswith("--additional-python-modules is ignored") for line in output(cloud, run))


def test_failed_run_names_the_exception(cloud):
    run = run_job(cloud, make_job(cloud, "raises", "raises"))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "RuntimeError: cannot land history")
    assert "ValueError: no partition 2017-05-01" in output(cloud, run, "error")


def test_failed_run_without_an_exception_names_the_exit_code(cloud):
    run = run_job(cloud, make_job(cloud, "exits", "exits"))
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "Command failed with exit code 4")


def test_role_is_used_for_the_script_and_must_trust_glue(cloud):
    no_script = run_job(cloud, make_job(cloud, "no-script", "seen", role=cloud.role("no-s3", "glue", allow(LOGS))))
    assert no_script["JobRunState"] == "FAILED" and "AccessDenied" in no_script["ErrorMessage"]
    stranger = cloud.role("stranger", "lambda", *cloud.storage)
    untrusted = run_job(cloud, make_job(cloud, "untrusted", "seen", role=stranger))
    assert "should be given assume role permissions for Glue Service" in untrusted["ErrorMessage"]
    # Role: "The name or Amazon Resource Name (ARN) of the IAM role".
    assert run_job(cloud, make_job(cloud, "by-name", "seen", role="worker"))["JobRunState"] == "SUCCEEDED"


def test_concurrent_runs_are_limited_and_runs_can_be_stopped(cloud):
    # MaxConcurrentRuns: "The default is 1. An error is returned when this threshold is reached."
    job = make_job(cloud, "waits", "waits")
    first = cloud.glue.start_job_run(JobName=job)["JobRunId"]
    with pytest.raises(cloud.glue.exceptions.ConcurrentRunsExceededException):
        cloud.glue.start_job_run(JobName=job)
    pid = int(until(lambda: cloud.lines("/aws-glue/jobs/output", first), bool)[0].split()[1])
    answer = cloud.glue.batch_stop_job_run(JobName=job, JobRunIds=[first, "jr_unknown"])
    assert [item["JobRunId"] for item in answer["SuccessfulSubmissions"]] == [first]
    assert answer["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunNotFoundException"
    # "STOPPING: … STOPPED: The job run was stopped."
    assert ended(cloud, job, first)["JobRunState"] == "STOPPED"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    again = cloud.glue.batch_stop_job_run(JobName=job, JobRunIds=[first])
    assert again["Errors"][0]["ErrorDetail"]["ErrorCode"] == "JobRunNotInValidStateException"
    both = make_job(cloud, "two-at-once", "waits", ExecutionProperty={"MaxConcurrentRuns": 2})
    runs = [cloud.glue.start_job_run(JobName=both)["JobRunId"] for _ in range(2)]
    cloud.glue.batch_stop_job_run(JobName=both, JobRunIds=runs)
    assert {ended(cloud, both, run)["JobRunState"] for run in runs} == {"STOPPED"}
    listed = cloud.glue.get_job_runs(JobName=both, MaxResults=1)
    assert [run["Id"] for run in listed["JobRuns"]] == [runs[1]] and listed["NextToken"]


def test_refuses_bad_requests_by_name(cloud):
    with pytest.raises(cloud.glue.exceptions.EntityNotFoundException, match="job none not found"):
        cloud.glue.start_job_run(JobName="none")
    job = make_job(cloud, "bad-conf", "seen", arguments={"--conf": "spark.x"})
    with pytest.raises(cloud.glue.exceptions.InvalidInputException, match=r"--conf has 'spark\.x' without a value"):
        cloud.glue.start_job_run(JobName=job)
    with pytest.raises(cloud.glue.exceptions.EntityNotFoundException):
        cloud.glue.get_job_run(JobName=job, RunId="jr_none")
    for name in aws_facts.answer("glue.internal-arguments"):
        with pytest.raises(cloud.glue.exceptions.InvalidInputException, match=f"{name} is internal to AWS Glue"):
            cloud.glue.start_job_run(JobName=make_job(cloud, f"uses{name}", "seen"), Arguments={name: "x"})
    size = aws_facts.answer("glue.argument-bytes")
    with pytest.raises(cloud.glue.exceptions.InvalidInputException, match=f"at most {size} are allowed"):
        cloud.glue.start_job_run(JobName=make_job(cloud, "long", "seen"), Arguments={"--a": "x" * (size - 2)})
    caller = cloud.user("no-glue")("glue")
    with pytest.raises(ClientError, match=r"AccessDenied.*glue:StartJobRun"):
        caller.start_job_run(JobName=job)
