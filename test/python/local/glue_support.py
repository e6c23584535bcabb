"""Scripts and jobs for the tests of Glue."""

import io
import zipfile

from jobs_support import LOGS, ROOT, Cloud, allow, until

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

args = resolve(["aws_region", "bucket"])
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

args = resolve(["aws_region", "metrics"])
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


def prepare(cloud: Cloud) -> None:
    """Stores scripts, libraries and raw objects, and makes the role of jobs and the database."""
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as archive:
        archive.writestr("numbers_library.py", LIBRARY)
    cloud.put("lib/numbers.zip", library.getvalue())
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        shared = ROOT / "glue-scripts" / "tidemark_spark"
        for path in sorted([*shared.rglob("*.py"), shared / "names.json"]):
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
