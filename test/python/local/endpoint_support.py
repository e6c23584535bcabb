"""Models, configurations and endpoints for the tests of SageMaker's hosting."""

import json

from botocore.exceptions import ClientError
from jobs_support import until

SCRIPT = """
import json, os, time
print("loading", flush=True)
def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)
def input_fn(body, content_type):
    return json.loads(body) if content_type == "application/json" else {"type": type(body).__name__, "length":
    len(body)}
def predict_fn(data, model):
    if data == "boom":
        raise ValueError("this row has no columns")
    if data == "die":
        os._exit(7)
    if isinstance(data, dict) and "until" in data:
        while not os.path.exists(data["until"]):
            time.sleep(0.02)
    if data == "env":
        return {k: os.environ.get(k) for k in ("AWS_ACCESS_KEY_ID", "MY_FLAG", "SM_MODEL_DIR")} | {"pid": os.getpid()}
    return {"model": model["name"], "data": data}
def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""
BROKEN = "def model_fn(model_dir):\n    raise RuntimeError('no such model')\n"


def make_model(cloud, name, key, role=None, **environment):
    environment = {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": cloud.uri("source.tar.gz"),
        "MY_FLAG": "on",
        **environment,
    }
    container = {"Image": "sagemaker-xgboost:3.2-0", "ModelDataUrl": cloud.uri(key), "Environment": environment}
    cloud.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role or cloud.server)


def make_config(cloud, name, **weights):
    variants = [
        {
            "VariantName": variant,
            "ModelName": variant,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for variant, weight in weights.items()
    ]
    cloud.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)


def make_endpoint(cloud, name, config):
    cloud.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    return settled(cloud, name)


def settled(cloud, name):
    busy = ("Creating", "Updating")
    return until(
        lambda: cloud.sagemaker.describe_endpoint(EndpointName=name), lambda found: found["EndpointStatus"] not in busy
    )


def gone(cloud, name):
    """Waits until there is no such endpoint, through Deleting; the answer to DescribeEndpoint then."""

    def read():
        try:
            return cloud.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
        except ClientError as error:
            return error.response["Error"]["Message"]

    return until(read, lambda found: found != "Deleting")


def invoke(cloud, data, endpoint="shared", client=None, **changes):
    request = {"EndpointName": endpoint, "ContentType": "application/json", "Body": json.dumps(data), **changes}
    answer = (client or cloud.runtime).invoke_endpoint(**request)
    return json.loads(answer["Body"].read()), answer
