"""Glue Spark jobs against sentences of the AWS Glue developer guide, with Spark and Iceberg as Glue 5.1 has them."""

import io
import json
import os
import zipfile

import aws_facts
import pytest
from botocore.exceptions import ClientError
from jobs_support import LOGS, ROOT, allow, running_cloud, until

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR")
CATALOG = " --conf ".join(
    [
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.catalog.glue_catalog=org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.glue_catalog.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        "spark.sql.catalog.glue_catalog.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.glue_catalog.warehouse=s3://tidemark-jobs/iceberg/",
    ]
)
ICEBERG = """
import sys

import boto3
from awsglue.utils import getResolvedOptions
import numbers_library
from numbers_library import read
from pyspark.sql import SparkSession

options = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
spark = SparkSession.builder.getOrCreate()
# An archive on the driver's Python path is not on that of executors.
spark.sparkContext.addPyFile(numbers_library.__file__.rpartition("/")[0])
print("spark", spark.version, spark.conf.get("spark.sql.shuffle.partitions"))
spark.sql("CREATE TABLE IF NOT EXISTS glue_catalog.lake.numbers (key string, value bigint) USING iceberg")
rows = spark.sparkContext.parallelize(["raw/1", "raw/2"], 2).mapPartitions(lambda keys: read(options["bucket"], keys))
frame = spark.createDataFrame(rows, "key string, value bigint")
frame.createOrReplaceTempView("new")
spark.sql(
    "MERGE INTO glue_catalog.lake.numbers t USING new n ON t.key = n.key "
    "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
)
print("total", spark.sql("SELECT sum(value) s FROM glue_catalog.lake.numbers").first().s)
"""
LIBRARY = """
import boto3
def read(bucket, keys):
    s3 = boto3.client("s3")
    for key in keys:
        yield key, int(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
"""
EXECUTORS = """
import json, os, sys
from pyspark.sql import SparkSession

os.environ["SET_BY_DRIVER"] = "1"
spark = SparkSession.builder.getOrCreate()

def seen(_):
    import boto3
    print("said by an executor", flush=True)
    try:
        region = boto3.client("dynamodb").meta.region_name
    except Exception as error:
        region = type(error).__name__
    try:
        import numbers_library
        library = "found"
    except ImportError:
        library = "missing"
    arn = boto3.client("sts", region_name="us-east-1").get_caller_identity()["Arn"]
    yield {"names": sorted(os.environ), "region": region, "arn": arn, "library": library,
           "own": {name: value for name, value in os.environ.items() if "KEY" in name}}

print(json.dumps(spark.sparkContext.parallelize([1, 2], 2).mapPartitions(seen).collect()))
"""
# What every job of the app does first, and what its functions then find in executors.
APP = """
import json
from pyspark.sql import SparkSession
from tidemark_spark.job_arguments import resolve
from tidemark_spark.spark.session import prepare

args = resolve(["bucket"])
spark = SparkSession.builder.getOrCreate()
prepare(spark, args["aws_region"])

def clients(_):
    from tidemark_spark import aws
    from tidemark_spark.lake import objects as lake
    from tidemark_spark.online import table as online_table
    yield [online_table.connect().meta.region_name, aws.client("kinesis").meta.region_name]
    yield lake.read_bytes(f"s3://{args['bucket']}/raw/1").decode()

print(json.dumps(spark.sparkContext.parallelize([1], 1).mapPartitions(clients).collect()))
"""
METRICS = """
import json, time
from tidemark_spark import aws
from tidemark_spark.job_arguments import resolve
from tidemark_spark.job_metrics import publish

args = resolve(["metrics"])
aws.use_region(args["aws_region"])
directive = {"Namespace": "Tidemark", "Dimensions": [[]], "Metrics": [{"Name": "Printed"}]}
print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}, "Printed": 1}))
publish(args["metrics"], {"diverged": 3, "repaired": 3})
"""
# Most of what Glue does around a script needs no Spark: these scripts run in a second.
SEEN = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "key": os.environ["AWS_ACCESS_KEY_ID"], "mine": os.environ.get("CUSTOMER_A")}))
"""
WAITS = """
import os, time
print("pid", os.getpid(), flush=True)
time.sleep(120)
"""
RAISES = """
def deep():
    raise ValueError("no partition 2017-05-01")
try:
    deep()
except ValueError as error:
    raise RuntimeError("cannot land history") from error
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("glue")) as cloud:
        library = io.BytesIO()
        with zipfile.ZipFile(library, "w") as archive:
            archive.writestr("numbers_library.py", LIBRARY)
        cloud.put("lib/numbers.zip", library.getvalue())
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            for path in sorted((ROOT / "glue-scripts" / "tidemark_spark").rglob("*.py")):
                archive.write(path, path.relative_to(ROOT / "glue-scripts"))
        cloud.put("lib/app.zip", package.getvalue())
        scripts = {"executors": EXECUTORS, "app": APP, "metrics": METRICS}
        scripts |= {"iceberg": ICEBERG, "seen": SEEN, "waits": WAITS, "raises": RAISES, "exits": "raise SystemExit(4)"}
        for name, text in scripts.items():
            cloud.put(f"scripts/{name}.py", text)
        for number in (1, 2):
            cloud.put(f"raw/{number}", str(number))
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        cloud.storage = [allow(objects, f"{bucket}/*"), allow("s3:ListBucket", bucket), allow(LOGS)]
        tables = ["glue:GetDatabase", "glue:GetTable", "glue:CreateTable", "glue:UpdateTable"]
        cloud.worker = cloud.role("worker", "glue", *cloud.storage, allow(tables))
        cloud.glue.create_database(DatabaseInput={"Name": "lake"})
        yield cloud


def make_job(cloud, name, script, role=None, arguments=None, **members):
    command = {"Name": "glueetl", "ScriptLocation": cloud.uri(f"scripts/{script}.py"), "PythonVersion": "3"}
    cloud.glue.create_job(
        Name=name,
        Role=role or cloud.worker,
        GlueVersion="5.1",
        WorkerType="G.1X",
        NumberOfWorkers=2,
        Command=command,
        DefaultArguments=arguments or {},
        **members,
    )
    return name


def run_of(cloud, job, run):
    return cloud.glue.get_job_run(JobName=job, RunId=run)["JobRun"]


def ended(cloud, job, run, seconds=300):
    return until(lambda: run_of(cloud, job, run), lambda found: found["JobRunState"] in ENDED, seconds)


def run_job(cloud, job, **request):
    return ended(cloud, job, cloud.glue.start_job_run(JobName=job, **request)["JobRunId"])


def output(cloud, run, kind="output"):
    return cloud.lines(f"/aws-glue/jobs/{kind}", run["Id"])


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
