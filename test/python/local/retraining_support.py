"""The training machine of a use case as it is deployed, with the functions that let a training in and tell MLflow; its
job, training and gate are small.
"""

import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from delivery_support import Function
from deployment_support import SCRIPT, App
from jobs_support import LOGS, NODE, ROOT, Cloud, allow, tar

QUIET = "test/fixtures/usecases/quiet"
FEATURES, DATABASE = "features", "lakehouse"
PYTHON = {"file": "index.py", "Runtime": "python3.12"}
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"

# As build_training_set.py: a manifest, and rows. What it says of the labels lies in the lake.
BUILD = """
import boto3, json, sys
args = dict(zip(sys.argv[1::2], sys.argv[2::2]))
s3, bucket, made = boto3.client("s3"), args["--lake_bucket"], args["--training_set_id"]
labels = json.loads(s3.get_object(Bucket=bucket, Key="labels.json")["Body"].read())
if labels.get("broken"):
    raise SystemExit("told to")
for split in ("train", "validation", "test"):
    s3.put_object(Bucket=bucket, Key=f"training/{made}/{split}/rows.txt", Body=b"1")
s3.put_object(Bucket=bucket, Key=f"training/{made}/manifest.json", Body=json.dumps(labels).encode())
"""
# As train.py: a model that serves by its own code, and what is said of it.
TRAIN = """
import json, os, shutil
model, output = os.environ["SM_MODEL_DIR"], os.environ["SM_OUTPUT_DATA_DIR"]
json.dump({"name": "trained"}, open(model + "/model.json", "w"))
os.mkdir(model + "/code")
shutil.copy("inference.py", model + "/code")
os.makedirs(output + "/plots")
interval = {"value": 0.85, "low": 0.84, "high": 0.86}
metrics = {"model": {"auc": interval}, "test": {"rows": 100}, "search": {"parameters": {"eta": 0.05}}}
json.dump(metrics, open(output + "/metrics.json", "w"))
open(output + "/card.md", "w").write("# A model card")
open(output + "/plots/calibration.svg", "w").write('<svg xmlns="http://www.w3.org/2000/svg"/>')
"""
GATE = """
import boto3, json

def handler(event, context):
    s3 = boto3.client("s3")
    bucket, key = event["model_data_url"].removeprefix("s3://").split("/", 1)
    etag = s3.head_object(Bucket=bucket, Key=key)["ETag"]
    refused = json.loads(s3.get_object(Bucket=bucket, Key="labels.json")["Body"].read()).get("refused", [])
    metadata = {"model_etag": etag.strip('"'), "model_sha256": "a" * 64, "snapshot_id": "4711"}
    metadata["definition_hash"] = "d" * 64
    return {"passed": not refused, "reasons": refused, "metadata": metadata, "card": "{}"}
"""


def bundle(entry: str, folder: Path) -> bytes:
    """A function as it is shipped, zipped."""
    script = Path(__file__).with_name("bundle_function.ts")
    command = [str(NODE), "--import", "tsx", str(script), entry, QUIET, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("index.mjs", "usecase.json"):
            file.write(folder / name, name)
    return archive.getvalue()


class Shipped:
    """A function of ours with its environment; `statements` are what it may do."""

    def __init__(
        self, cloud: Cloud, name: str, code: bytes, service: str, statements: list[dict], seconds: int = 60, **env: Any
    ):
        variables = {
            "TIDEMARK_STAGE": "prod",
            "TIDEMARK_USE_CASE": "quiet",
            "TIDEMARK_CLOCK": "wall",
            "POWERTOOLS_SERVICE_NAME": service,
            "POWERTOOLS_LOG_LEVEL": "INFO",
            "LAKE_BUCKET": cloud.bucket,
        }
        self.arn = cloud.client("lambda").create_function(
            FunctionName=name,
            Runtime="nodejs24.x",
            Role=cloud.role(name, "lambda", allow(LOGS), *statements),
            Handler="index.handler",
            Code={"ZipFile": code},
            Timeout=seconds,
            Environment={"Variables": variables | env},
        )["FunctionArn"]


class Retrained(App):
    """A use case that learns: its labels and events are what the test says."""

    def __init__(self, cloud: Cloud, use_case: str, retraining: str, mlflow: str | None = None, **machine: Any):
        machine = {
            "approval": "manual",
            "buildTrainingSetJob": "build",
            "gateFunctionArn": f"{LAMBDA}gate",
            "retrainingFunctionArn": retraining,
            "trainingSetsUri": cloud.uri("training/"),
            "modelsUri": cloud.uri("models/"),
            "useCaseUri": cloud.uri("usecase/"),
            "sourceUri": cloud.uri("train.tar.gz"),
            "trainingImageUri": "sagemaker-xgboost:3.2-0",
            "servingImageUri": "sagemaker-xgboost:3.2-0",
            "trainingRoleArn": cloud.trainer,
            "modelPackageGroup": f"tidemark-prod-{use_case}",
            "training": {"instanceType": "ml.m5.xlarge", "volumeGiB": 30, "maxRuntimeSeconds": 600},
        } | machine
        super().__init__(
            cloud, use_case, machine={**machine, **({"mlflowFunctionArn": mlflow} if mlflow else {})}, canaryPercent=0
        )

    def train(self, **asked: Any) -> dict:
        """Runs the machine to its end."""
        return self.ended(self.start(None, **(asked or {"by": "hand"})))


def prepare(cloud: Cloud) -> None:
    """What all machines of a module share: table, catalog, job, gate, and the sources of the training."""
    data = [allow("s3:*", [f"arn:aws:s3:::{cloud.bucket}/*", f"arn:aws:s3:::{cloud.bucket}"]), allow(LOGS)]
    cloud.hosting = cloud.role("hosting", "sagemaker", data[0], allow(LOGS))
    cloud.trainer = cloud.role("trainer", "sagemaker", *data)
    keys = {"entity_id": "HASH", "view": "RANGE"}
    cloud.dynamodb.create_table(
        TableName=FEATURES,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
    )
    cloud.glue.create_database(DatabaseInput={"Name": DATABASE})
    command = {"Name": "glueetl", "ScriptLocation": cloud.put("glue/build.py", BUILD)}
    arguments = {"--lake_bucket": cloud.bucket}
    role = cloud.role("builder", "glue", *data)
    cloud.glue.create_job(Name="build", Role=role, GlueVersion="5.1", Command=command, DefaultArguments=arguments)
    Function(cloud, "gate", *data, source=GATE, **PYTHON)
    cloud.put("train.tar.gz", tar({"train.py": TRAIN, "inference.py": SCRIPT}))
    cloud.put("usecase/usecase.json", "{}")


def labels(cloud: Cloud, spine: str, rate: float = 0.3, **more: Any) -> None:
    """What the next training set holds; `broken`: its job fails, `refused`: why the gate refuses its model."""
    splits = ("train", "validation", "test")
    said = {"spine_hash": spine, "rows": dict.fromkeys(splits, 100), "base_rates": dict.fromkeys(splits, rate)}
    cloud.put("labels.json", json.dumps(said | more))


def events(cloud: Cloud, snapshot: int) -> None:
    """The table of events at a snapshot, as Iceberg's catalog has it."""
    location = cloud.put(f"iceberg/{snapshot}.metadata.json", f'{{"current-snapshot-id" : {snapshot}}}')
    table = {"Name": "events", "Parameters": {"table_type": "ICEBERG", "metadata_location": location}}
    known = [item["Name"] for item in cloud.glue.get_tables(DatabaseName=DATABASE)["TableList"]]
    (cloud.glue.update_table if "events" in known else cloud.glue.create_table)(DatabaseName=DATABASE, TableInput=table)


def retraining(cloud: Cloud, name: str, code: bytes, hours: int = 24, least: int = 20) -> str:
    """The function that lets trainings in, under the grants of lib/training/retraining.ts; its ARN."""
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#retraining"]}}
    table = f"arn:aws:dynamodb:us-east-1:000000000000:table/{FEATURES}"
    glue = "arn:aws:glue:us-east-1:000000000000:"
    bucket = f"arn:aws:s3:::{cloud.bucket}"
    statements = [
        allow(["dynamodb:GetItem", "dynamodb:PutItem"], table) | {"Condition": own},
        allow("glue:GetTable", [f"{glue}catalog", f"{glue}database/{DATABASE}", f"{glue}table/{DATABASE}/events"]),
        allow("s3:GetObject", [f"{bucket}/iceberg/*", f"{bucket}/training/*"]),
        allow("states:DescribeExecution", "arn:aws:states:us-east-1:000000000000:execution:*"),
    ]
    env = {"FEATURES_TABLE": FEATURES, "DATABASE": DATABASE, "COOLDOWN_HOURS": str(hours), "MIN_LABELS": str(least)}
    return Shipped(cloud, name, code, "retraining", statements, **env).arn


def mlflow(cloud: Cloud, name: str, code: bytes, url: str, secret: str, seconds: int = 60) -> str:
    """The function that tells an MLflow server of one's own; its ARN."""
    bucket = f"arn:aws:s3:::{cloud.bucket}"
    may = [allow("s3:GetObject", f"{bucket}/models/*"), allow("secretsmanager:GetSecretValue", secret)]
    env = {"MLFLOW_NAME": name, "MLFLOW_URL": url, "MLFLOW_APP_ARN": "", "MLFLOW_SECRET_ARN": secret}
    return Shipped(cloud, name, code, "mlflow", may, seconds, **env).arn
