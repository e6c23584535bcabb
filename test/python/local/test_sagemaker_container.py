"""The serving container against what the real one's code answers (test/conformance/aws.json), and over its life."""

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tarfile
from contextlib import contextmanager
from pathlib import Path

import aws_facts
import pytest
from botocore.exceptions import ClientError
from endpoint_support import invoke, make_config, make_endpoint, make_model
from jobs_support import LOGS, ROOT, allow, document, running_cloud, tar, until

sys.path.insert(0, str(ROOT / "test" / "python" / "model"))
from onnx_models import FRAMEWORKS, expected, manifest, model_folder
from training_job import HASH, make_job

SCRIPT = """
import json
from flask import Response
from werkzeug.exceptions import Conflict
class Refused(Exception):
    status_code = 409
class UnsupportedFormatError(Exception):
    pass
RAISED = {"an exception with status_code 409": Refused("no"), "werkzeug's Conflict": Conflict("no"),
          "UnsupportedFormatError": UnsupportedFormatError("text/x")}
RESULTS = {"a Flask response with status 409": Response('{"error":"x"}', status=409, mimetype="application/json"),
           "(text, type)": ("x", "application/json"), "(text, type, 409)": ("x", "application/json", 409),
           "(text, text/csv)": ("x", "text/csv"), "(bytes, application/x-npy)": (b"\\0\\1", "application/x-npy"),
           "text": "plain", "a dict": {"a": 1}, "None": None, "a number": 5}
def model_fn(model_dir):
    return None
def input_fn(body, content_type):
    text = body if isinstance(body, str) else body.decode()
    return text if text in RAISED or text in RESULTS else [type(body).__name__, content_type]
def predict_fn(data, model):
    if isinstance(data, str) and data in RAISED:
        raise RAISED[data]
    return data
def output_fn(prediction, accept):
    if isinstance(prediction, str):
        return RESULTS[prediction]
    return json.dumps([*prediction, accept]), "application/json"
"""


@contextmanager
def container(base: Path, script: str, **environment: str):
    """The container's process alone, with a script in /opt/ml/model/code; a function that asks it."""
    code = base / "model" / "code"
    code.mkdir(parents=True)
    (code / "inference.py").write_text(script)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        **environment,
    }
    serve = str(ROOT / "local" / "tidemark_local" / "sagemaker" / "serve.py")
    log = (base / "log").open("w")
    process = subprocess.Popen([sys.executable, "-P", serve, str(port)], env=env, cwd=base, stdout=log, stderr=log)

    def ask(method: str, path: str, body: str = "", headers: dict[str, str] | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request(method, path, body=body or None, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Type"), answer.read().decode("latin1")
        finally:
            connection.close()

    def listening() -> bool:
        try:
            return bool(ask("GET", "/ping"))
        except OSError:
            return process.poll() is not None

    try:
        until(listening, bool, 30)
        yield ask, process
    finally:
        process.kill()
        process.wait(10)
        log.close()


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    with container(tmp_path_factory.mktemp("container"), SCRIPT) as (ask, _):
        yield ask


@pytest.mark.parametrize("case", aws_facts.answer("sagemaker-container.exceptions"))
def test_every_exception_of_the_script_is_a_500(ask, case):
    status, kind, part = aws_facts.answer("sagemaker-container.exceptions")[case]
    found = ask("POST", "/invocations", case)
    assert found[:2] == (status, kind) and part in found[2]


@pytest.mark.parametrize("case", aws_facts.answer("sagemaker-container.results"))
def test_what_the_script_gives_back_becomes_the_answer(ask, case):
    status, kind, body = aws_facts.answer("sagemaker-container.results")[case]
    found = ask("POST", "/invocations", case)
    assert found[:2] == (status, kind)
    assert body in found[2] if status == 500 else body == found[2]


def test_what_the_script_gets(ask):
    headers = aws_facts.answer("sagemaker-container.requests")
    found = {case: json.loads(ask("POST", "/invocations", "[1]", json.loads(case))[2]) for case in headers}
    aws_facts.check("sagemaker-container.requests", found)


def test_routes(ask):
    routes = aws_facts.answer("sagemaker-container.routes")
    aws_facts.check("sagemaker-container.routes", {route: list(ask(*route.split())[:2]) for route in routes})


def test_a_model_that_does_not_load_is_tried_again_by_each_request(tmp_path):
    script = "def model_fn(model_dir):\n    raise RuntimeError('no such model')\n"
    with container(tmp_path, script) as (ask, process):
        found = [ask("GET", "/ping")[0], ask("POST", "/invocations", "[1]")[0]]
        aws_facts.check("sagemaker-container.model-that-does-not-load", found)
        assert process.poll() is None
    assert (tmp_path / "log").read_text().count("no such model") >= 2


def test_sources_that_do_not_import_end_the_container(tmp_path):
    with container(tmp_path, "import a_package_that_is_nowhere\n") as (_, process):
        process.wait(10)
        aws_facts.check("sagemaker-container.sources-that-do-not-import", process.returncode == 0)


def test_both_kinds_of_functions_are_refused(tmp_path):
    script = SCRIPT + "def transform_fn(model, body, content_type, accept):\n    return '{}', accept\n"
    with container(tmp_path, script) as (ask, _):
        assert ask("GET", "/ping")[0] == 500
    assert "Cannot use transform_fn implementation with input_fn" in (tmp_path / "log").read_text()


def test_the_working_directory_is_not_the_sources(tmp_path):
    # `_server.start` hands gunicorn the sources as a python path and changes no directory.
    script = "import os\ndef model_fn(d): return 0\ndef transform_fn(m, b, c, a): return os.getcwd(), 'text/plain'\n"
    with container(tmp_path, script) as (ask, _):
        assert ask("POST", "/invocations", "1")[2] == str(tmp_path)
        assert (tmp_path / "code" / "setup.py").exists(), "the sources are made into a package, and not in the model"
        assert not (tmp_path / "model" / "code" / "setup.py").exists()


SELF_CONTAINED = {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("containers")) as cloud:
        model = trained(tmp_path_factory.mktemp("training"))
        cloud.put("models/trained.tar.gz", model)
        cloud.put("code/of-today.tar.gz", tar({"inference.py": SCRIPT}))
        bucket = f"arn:aws:s3:::{cloud.bucket}"
        cloud.server = cloud.role("server", "sagemaker", allow("s3:GetObject", f"{bucket}/models/*"), allow(LOGS))
        make_model(cloud, "trained", "models/trained.tar.gz", **SELF_CONTAINED)
        make_config(cloud, "trained", trained=1.0)
        make_endpoint(cloud, "scores", "trained")
        yield cloud


def trained(folder: Path) -> bytes:
    """model.tar.gz as the training job of model/ makes it."""
    job = make_job(folder / "job")
    command = [sys.executable, str(ROOT / "model" / "train.py"), "--training_set_id", "set-1"]
    environment = {"PATH": os.environ["PATH"], **job.environment()}
    subprocess.run(command, env=environment, check=True, timeout=120, capture_output=True)
    return archived(job.model, folder)


def archived(model: Path, folder: Path) -> bytes:
    target = folder / "model.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(model, arcname="")
    return target.read_bytes()


def score(cloud, definition_hash=HASH, endpoint="scores"):
    return invoke(cloud, {"instances": [[1, 2, 3]], "definition_hash": definition_hash}, endpoint)[0]


def pid_of(cloud, endpoint: str) -> int:
    (file,) = (cloud.state / "sagemaker" / "endpoints" / endpoint).glob("*/pid")
    return int(file.read_text())


def restarted(cloud, endpoint: str, before: int) -> None:
    def again() -> bool:
        try:
            return pid_of(cloud, endpoint) != before
        except ValueError:  # no file, or one that is being written
            return False

    until(again, bool, 30)


def answers(cloud, endpoint: str) -> bool:
    try:
        return bool(score(cloud, endpoint=endpoint)["predictions"])
    except ClientError:
        return False


def test_a_model_refuses_another_definition_with_409_and_names_its_own(cloud):
    assert score(cloud)["definition_hash"] == HASH
    with pytest.raises(cloud.runtime.exceptions.ModelError) as refused:
        score(cloud, "cd" * 32)
    found = refused.value.response
    assert found["OriginalStatusCode"] == 409
    body = json.loads(found["OriginalMessage"])
    assert body["definition_hash"] == HASH and "the model was trained on 'abab" in body["error"]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_model_of_another_framework_is_served_as_onnx(cloud, framework, tmp_path):
    cloud.put(f"models/{framework}.tar.gz", archived(model_folder(framework, tmp_path / "model"), tmp_path))
    make_model(cloud, framework, f"models/{framework}.tar.gz", **SELF_CONTAINED)
    make_config(cloud, framework, **{framework: 1.0})
    assert make_endpoint(cloud, framework, framework)["EndpointStatus"] == "InService"
    rows, margins = expected(framework)
    instances = [[None if math.isnan(value) else value for value in row] for row in rows.tolist()]
    answer = invoke(cloud, {"instances": instances, "definition_hash": HASH}, framework)[0]
    assert answer["model_version"] == manifest(framework)["model_version"]
    for prediction, margin in zip(answer["predictions"], margins, strict=True):
        assert sum(prediction["contributions"]) + prediction["bias"] == pytest.approx(margin, abs=1e-5)
    cloud.sagemaker.delete_endpoint(EndpointName=framework)


def test_a_container_that_ends_is_started_again_and_serves(cloud):
    before = pid_of(cloud, "scores")
    os.kill(before, signal.SIGKILL)
    restarted(cloud, "scores", before)
    until(lambda: answers(cloud, "scores"), bool, 30)
    said = "The container ended with code -9; it is started again."
    until(lambda: any(said in line for line in cloud.lines("/aws/sagemaker/Endpoints/scores", "trained/")), bool)


def test_a_container_starts_again_with_what_the_role_may_do_then(cloud):
    model = allow("s3:GetObject", f"arn:aws:s3:::{cloud.bucket}/models/*")
    cloud.role("narrowed", "sagemaker", model, allow(LOGS))
    make_model(cloud, "narrowed", "models/trained.tar.gz", role=arn_of(cloud, "narrowed"), **SELF_CONTAINED)
    make_config(cloud, "narrowed", narrowed=1.0)
    make_endpoint(cloud, "narrowed", "narrowed")
    grant(cloud, "narrowed", allow(LOGS))
    assert answers(cloud, "narrowed"), "a running container needs nothing"
    os.kill(pid_of(cloud, "narrowed"), signal.SIGKILL)
    group = "/aws/sagemaker/Endpoints/narrowed"
    until(lambda: "\n".join(cloud.lines(group, "narrowed/")), lambda text: "AccessDenied" in text, 30)
    assert not answers(cloud, "narrowed")
    grant(cloud, "narrowed", model, allow(LOGS))
    until(lambda: answers(cloud, "narrowed"), bool, 30)


def test_sources_outside_the_model_are_read_again_at_each_start(cloud):
    """Why the model carries its code: the grant on one archive of sources is gone with the next deployment."""
    own = [allow("s3:GetObject", f"arn:aws:s3:::{cloud.bucket}/{key}") for key in ("models/*", "code/of-today.tar.gz")]
    role = cloud.role("sources", "sagemaker", *own, allow(LOGS))
    make_model(
        cloud, "sources", "models/trained.tar.gz", role, SAGEMAKER_SUBMIT_DIRECTORY=cloud.uri("code/of-today.tar.gz")
    )
    make_config(cloud, "sources", sources=1.0)
    make_endpoint(cloud, "sources", "sources")
    assert invoke(cloud, [1], "sources")[0][0] == "str"
    grant(cloud, "sources", own[0], allow(LOGS))
    os.kill(pid_of(cloud, "sources"), signal.SIGKILL)
    group = "/aws/sagemaker/Endpoints/sources"
    refused = until(lambda: "\n".join(cloud.lines(group, "sources/")), lambda text: "did not pass the ping" in text, 30)
    aws_facts.check("sagemaker-container.sources-at-each-start", "Forbidden" in refused or "AccessDenied" in refused)


def test_without_a_program_the_image_would_not_serve_the_script(cloud):
    container = {"Image": "x", "ModelDataUrl": cloud.uri("models/trained.tar.gz")}
    cloud.sagemaker.create_model(ModelName="algorithm", PrimaryContainer=container, ExecutionRoleArn=cloud.server)
    make_config(cloud, "algorithm", algorithm=1.0)
    found = make_endpoint(cloud, "algorithm", "algorithm")
    assert found["EndpointStatus"] == "Failed"
    assert "has no SAGEMAKER_PROGRAM: the local cloud serves in script mode only" in found["FailureReason"]


def arn_of(cloud, role: str) -> str:
    return cloud.iam.get_role(RoleName=role)["Role"]["Arn"]


def grant(cloud, role: str, *statements: dict) -> None:
    cloud.iam.put_role_policy(RoleName=role, PolicyName="grants", PolicyDocument=document(*statements))
