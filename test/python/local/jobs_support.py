"""A running local cloud for the tests of SageMaker, Glue and Step Functions, with IAM enforced."""

import io
import json
import os
import platform
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = Path(__file__).parents[3]
# As `FUNCTIONS_NODE` in setup/environment.mjs.
NODE = ROOT / "node_modules" / f"node-linux-{ {'x86_64': 'x64'}.get(platform.machine(), 'arm64') }" / "bin/node"
# What tells the container to serve the model's own code.
SELF_CONTAINED = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
if str(ROOT / "local") not in sys.path:
    sys.path.insert(0, str(ROOT / "local"))


class Cloud:
    """The running emulator: clients as the account's root, roles, and helpers to wait."""

    # What fixtures of modules add: roles of jobs, endpoints and state machines, and what they may do.
    hosting: str
    machine_role: str
    machines: int
    scaling: Any
    server: str
    storage: list[dict]
    trainer: str
    worker: str

    def __init__(self, ready: dict, state: Path, process: subprocess.Popen):
        self.endpoint, self.state, self.process = ready["endpoint"], state, process
        self.root = (ready["accessKeyId"], ready["secretAccessKey"])
        self.bucket = "tidemark-jobs"
        self.s3.create_bucket(Bucket=self.bucket)

    def client(
        self, service: str, key: str | None = None, secret: str | None = None, token: str | None = None, **config: Any
    ) -> Any:
        """A client with the given credentials, else as the account's root; `config` as botocore's Config takes it."""
        key, secret = (key, secret) if key else self.root
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1, "mode": "standard"}, s3={"addressing_style": "path"}, **config),
        )

    def __getattr__(self, service: str) -> Any:
        if service.startswith("_"):
            raise AttributeError(service)
        found = self.client({"runtime": "sagemaker-runtime"}.get(service, service))
        self.__dict__[service] = found
        return found

    def signed(
        self, method: str, path: str, body: bytes, service: str, headers: dict | None = None
    ) -> urllib.request.Request:
        """A request of the account's root that no SDK would send."""
        request = AWSRequest(method, self.endpoint + path, data=body, headers=headers or {})
        sign = S3SigV4Auth if service == "s3" else SigV4Auth
        sign(Credentials(*self.root), service, "us-east-1").add_auth(request)
        given = dict(request.headers.items())
        return urllib.request.Request(self.endpoint + path, data=body, method=method, headers=given)

    def role(self, name: str, service: str, *statements: dict) -> str:
        """Makes a role for a service with the given statements; its ARN."""
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=document(*statements))
        return arn

    def user(self, name: str, *statements: dict) -> Callable[[str], Any]:
        """Makes a user with the given statements; a function that gives clients of that user."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(UserName=name, PolicyName="grants", PolicyDocument=document(*statements))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return lambda service: self.client(service, key["AccessKeyId"], key["SecretAccessKey"])

    def put(self, key: str, body: str | bytes) -> str:
        """Stores an object; its S3 URI."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body if isinstance(body, bytes) else body.encode())
        return self.uri(key)

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in found]

    def untar(self, key: str) -> dict[str, str]:
        """The files of a stored tar.gz as text."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
            return {item.name: file.read().decode() for item in tar if (file := tar.extractfile(item))}

    def lines(self, group: str, stream: str) -> list[str]:
        """A log stream's messages, none while there is no such group; `stream` is a prefix of its name."""
        if group not in [item["logGroupName"] for item in self.logs.describe_log_groups()["logGroups"]]:
            return []
        found = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
        return [
            event["message"]
            for item in found
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=item["logStreamName"], startFromHead=True
            )["events"]
        ]


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resources: str | list[str] = "*") -> dict:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def tar(files: dict[str, str]) -> bytes:
    """A tar.gz with the given texts."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(text.encode())
            archive.addfile(item, io.BytesIO(text.encode()))
    return buffer.getvalue()


_HANG_SECONDS = 120


def until(read: Callable[[], Any], done: Callable[[Any], bool], seconds: float = 240) -> Any:
    """Reads until `done`; fails the test with the last value when that takes longer than `seconds`, and than a machine
    that does much else may take."""
    seconds = max(seconds, _HANG_SECONDS)
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if done(value):
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not done after {seconds} s: {value}")
        time.sleep(0.05)


@contextmanager
def running_cloud(state: Path, *options: str) -> Iterator[Cloud]:
    """Starts the local cloud by its launcher with further options, and stops it with everything it started."""
    ready, log = state / "ready.json", (state / "cloud.log").open("w")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tidemark_local", "--state-dir", str(state / "cloud")),
            *("--ready-file", str(ready), *options),
        ],
        stdout=log,
        stderr=log,
        env={**os.environ, "PYTHONPATH": str(ROOT / "local"), "TIDEMARK_LOCAL_LOG_LEVEL": "WARNING"},
    )
    try:
        until(lambda: ready.exists() or process.poll() is not None, bool, 60)
        assert process.poll() is None, (state / "cloud.log").read_text()[-3000:]
        yield Cloud(json.loads(ready.read_text()), state / "cloud", process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        log.close()
