"""One use case's registry, roles and state machine in the local cloud: the definition is the one that is deployed
(lib/training), with the grants of lib/training/training-machine.ts.
"""

import json
import re
import subprocess
import threading
import uuid
from contextlib import contextmanager

from aws_facts import answer
from jobs_support import LOGS, NODE, ROOT, SELF_CONTAINED, allow, running_cloud, tar, until

ACCOUNT = "arn:aws:{}:us-east-1:000000000000:"
SAGEMAKER, ALARMS = ACCOUNT.format("sagemaker"), ACCOUNT.format("cloudwatch") + "alarm:prod/{}/Canary*"
# What it answers by is the model's own file. Requests of ours, with instances, are answered as model/inference.py does.
SCRIPT = """
import json, os, time
from flask import Response
def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.json")) as file:
        return json.load(file)
def predict_fn(data, model):
    if model.get("broken"):
        raise ValueError("no such column")
    time.sleep(model.get("sleep", 0))
    if not isinstance(data, dict):
        return model["name"]
    signed = {"model_version": model["name"], "definition_hash": model.get("hash", "known")}
    if data["definition_hash"] != signed["definition_hash"]:
        return 409, {"error": "another definition", **signed}
    score = lambda row: float("nan") if model.get("nan") else min(1.0, row[0] + model.get("shift", 0))
    return 200, {"predictions": [{"score": score(row), "contributions": [0.0]} for row in data["instances"]], **signed}
def output_fn(prediction, accept):
    if isinstance(prediction, str):
        return json.dumps(prediction), accept
    return Response(json.dumps(prediction[1]), status=prediction[0], mimetype="application/json")
"""
ENDPOINT = {
    **{"mode": "instances", "instanceType": "ml.m5.large", "instances": 2, "experiments": True},
    **{"routing": "canary", "canaryPercent": 10, "canaryWaitSeconds": 480, "terminationWaitSeconds": 300},
    "maxScoreShift": 0.1,
}


class App:
    """One use case's registry and machine: `deploy` runs the machine with a package as its approval does."""

    def __init__(self, cloud, use_case, machine=None, **endpoint):
        self.cloud, self.use_case, self.name = cloud, use_case, f"tidemark-prod-{use_case}"
        self.alarms, machine = ALARMS.format(use_case), machine or {}
        self.definition = definition(
            name=self.name,
            alarmPrefix=f"prod/{use_case}/",
            hostingRoleArn=cloud.hosting,
            endpoint=ENDPOINT | endpoint,
            deployment={"stage": "prod", "useCase": use_case},
            modelName=use_case,
            serving={"bucket": cloud.bucket, "key": f"serving/{use_case}.json"},
            **machine,
        )
        training = self.grants_to_train(machine["trainingRoleArn"]) if "trainingRoleArn" in machine else []
        role = cloud.role(f"machine-{use_case}", "states", *self.grants(), *training)
        grant = allow("cloudwatch:DescribeAlarms", self.alarms)
        document = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        cloud.iam.put_role_policy(RoleName="hosting", PolicyName=f"alarms-{use_case}", PolicyDocument=document)
        cloud.sagemaker.create_model_package_group(ModelPackageGroupName=self.name)
        self.machine = cloud.stepfunctions.create_state_machine(
            name=use_case, definition=json.dumps(self.definition), roleArn=role
        )["stateMachineArn"]

    def grants(self):
        model, config = f"{SAGEMAKER}model/{self.name}-*", f"{SAGEMAKER}endpoint-config/{self.name}-*"
        endpoint, packages = f"{SAGEMAKER}endpoint/{self.name}", f"{SAGEMAKER}model-package/{self.name}/*"
        return [
            allow("sagemaker:CreateModel", [model, packages]),
            allow(["sagemaker:DescribeModel", "sagemaker:DeleteModel"], model),
            allow([f"sagemaker:{word}EndpointConfig" for word in ("Create", "Describe", "Delete")], config),
            allow(["sagemaker:ListModels", "sagemaker:ListEndpointConfigs"]),
            allow(["sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint"], [endpoint, config]),
            allow(["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"], endpoint),
            allow(["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"], self.alarms),
            allow("iam:PassRole", self.cloud.hosting),
            allow("sagemaker:DescribeModelPackage", packages),
            allow("s3:GetObject", f"arn:aws:s3:::{self.cloud.bucket}/models/*"),
            allow("s3:PutObject", f"arn:aws:s3:::{self.cloud.bucket}/serving/*"),
            allow("lambda:InvokeFunction", f"{ACCOUNT.format('lambda')}function:shadow-{self.use_case}"),
            *self.grants_to_scale(endpoint),
        ]

    def grants_to_scale(self, endpoint):
        words = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy")
        targets = f"{ACCOUNT.format('application-autoscaling')}scalable-target/*"
        return [
            allow([f"application-autoscaling:{word}" for word in words], targets),
            allow("application-autoscaling:DescribeScalingPolicies"),
            allow("sagemaker:UpdateEndpointWeightsAndCapacities", endpoint),
        ]

    def grants_to_train(self, training_role):
        """What the first half of the machine needs; that it is no more is tested on the templates."""
        job, group = f"{SAGEMAKER}training-job/{self.name}-*", f"{SAGEMAKER}model-package-group/{self.name}"
        actions = ["CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob", "AddTags", "ListTags"]
        return [
            allow(["glue:StartJobRun", "glue:GetJobRun", "lambda:InvokeFunction"]),
            allow([f"sagemaker:{action}" for action in actions], job),
            allow("sagemaker:CreateModelPackage", [group, f"{SAGEMAKER}model-package/{self.name}/*"]),
            allow("iam:PassRole", training_role),
            allow("s3:GetObject", f"arn:aws:s3:::{self.cloud.bucket}/serving/*"),
            allow("s3:ListBucket", f"arn:aws:s3:::{self.cloud.bucket}"),
        ]

    def package(self, *, etag=True, **model):
        """Registers an approved model of this content, with its archive's ETag as RegisterModel does; its ARN."""
        key = self.put_archive(f"models/{uuid.uuid4().hex}.tar.gz", **model)
        container = {"Image": "sagemaker-xgboost:3.2-0", "ModelDataUrl": self.cloud.uri(key)}
        bound = {"ModelDataETag": self.etag(key).strip('"')} if etag else {}
        return self.cloud.sagemaker.create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            # As the gate writes it: the version is what the model calls itself.
            CustomerMetadataProperties={"model_version": model["name"], "model_sha256": "0" * 64},
            InferenceSpecification={
                "Containers": [{**container, **bound, "Environment": SELF_CONTAINED}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]

    def put_archive(self, key, **model):
        self.cloud.put(key, tar({"model.json": json.dumps(model), "code/inference.py": SCRIPT}))
        return key

    def etag(self, key):
        return self.cloud.s3.head_object(Bucket=self.cloud.bucket, Key=key)["ETag"]

    def archive(self, package):
        """The key of a package's archive."""
        found = self.cloud.sagemaker.describe_model_package(ModelPackageName=package)
        url = found["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        return url.removeprefix(self.cloud.uri(""))

    def serving(self):
        """What the machine wrote of what serves."""
        return json.loads(
            self.cloud.s3.get_object(Bucket=self.cloud.bucket, Key=f"serving/{self.use_case}.json")["Body"].read()
        )

    def start(self, package, **training):
        """Starts the machine under a name such as EventBridge gives, with a package or to train."""
        name = f"{uuid.uuid4()}_{uuid.uuid4()}"
        assert re.fullmatch(answer("eventbridge.execution-name"), name)
        return self.cloud.stepfunctions.start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps(training or {"model_package_arn": package})
        )["executionArn"]

    def ended(self, execution):
        read = self.cloud.stepfunctions.describe_execution
        return until(lambda: read(executionArn=execution), lambda found: found["status"] != "RUNNING", 120)

    def deploy(self, package):
        return self.ended(self.start(package))

    def endpoint(self):
        return self.cloud.sagemaker.describe_endpoint(EndpointName=self.name)

    def ask(self):
        """The name of the model that answers, or the status of its refusal."""
        try:
            got = self.cloud.runtime.invoke_endpoint(
                EndpointName=self.name, ContentType="application/json", Body=b"[1]"
            )
        except self.cloud.runtime.exceptions.ModelError as error:
            return error.response["OriginalStatusCode"]
        return json.loads(got["Body"].read())

    def asked(self, variant=None):
        """The version that answers a request as the functions make it, of a variant or of any."""
        body = json.dumps({"instances": [[0.1]], "definition_hash": "known"})
        request = {"EndpointName": self.name, "ContentType": "application/json", "Body": body}
        answer = self.cloud.runtime.invoke_endpoint(**request, **({"TargetVariant": variant} if variant else {}))
        return json.loads(answer["Body"].read())["model_version"]

    def refused(self, **given):
        """Why the machine did not deploy what it was given."""
        found = self.ended(self.start(None, **given))
        assert (found["status"], found["error"]) == ("FAILED", "DeploymentFailed"), found
        return found["cause"]

    def alarm_names(self):
        found = self.cloud.cloudwatch.describe_alarms(AlarmNamePrefix=f"prod/{self.use_case}/Canary")
        return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]

    @contextmanager
    def traffic(self):
        """Asks all the time, three requests at once; what was answered, in order."""
        answers, stop = [], threading.Event()

        def ask():
            while not stop.wait(0.02):
                answers.append(self.ask())

        threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield answers
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)


def definition(**props):
    script = (
        f"import {{ trainingDefinition }} from '{ROOT}/lib/training/training-definition.ts';"
        "console.log(JSON.stringify(trainingDefinition(JSON.parse(process.argv[1]))));"
    )
    defaults = {"training": {}, "trainingMetrics": [], "approval": "manual", "pollSeconds": 30}
    argv = [NODE, "--no-warnings", "--input-type=module", "-e", script]
    return json.loads(subprocess.check_output([*argv, json.dumps({**defaults, **props})]))


def output(execution):
    assert execution["status"] == "SUCCEEDED", (execution.get("error"), execution.get("cause"))
    return json.loads(execution["output"])


@contextmanager
def hosting_cloud(folder):
    """A cloud whose waits are a hundredth of AWS's, with `hosting`, the role that models are served by."""
    with running_cloud(folder, "--time-scale", "0.01") as cloud:
        objects = f"arn:aws:s3:::{cloud.bucket}/"
        cloud.hosting = cloud.role(
            "hosting",
            "sagemaker",
            allow("s3:GetObject", f"{objects}models/*"),
            allow("s3:PutObject", f"{objects}captured/*"),
            allow(LOGS),
        )
        yield cloud
