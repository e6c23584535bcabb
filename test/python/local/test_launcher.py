"""The launcher: quick, on loopback only, and gone with everything it started, however it ends."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from jobs_support import NODE, ROOT, document, until

HANDLER = "export const handler = async () => process.pid;"


@contextmanager
def launched(
    folder: Path,
    *options: str,
    parent: list[str] | None = None,
    env: dict[str, str] | None = None,
    state: Path | None = None,
):
    """Starts the launcher; `parent` is a command that starts it in its place. The state folder is `cloud` in `folder`
    unless given."""
    ready = folder / "ready.json"
    state_dir = str(state or folder / "cloud")
    argv = [sys.executable, "-m", "tidemark_local", "--state-dir", state_dir, "--ready-file", str(ready)]
    log = (folder / "log").open("w")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "local"), **(env or {})}
    process = subprocess.Popen([*(parent or []), *argv, *options], stdout=log, stderr=log, env=environment)
    found = {}
    try:
        until(lambda: ready.exists() or process.poll() is not None, bool, 30)
        assert ready.exists(), (folder / "log").read_text()[-3000:]
        found.update(json.loads(ready.read_text()), process=process)
        yield found
    finally:
        log.close()
        if process.poll() is None:
            process.kill()
        if found and group_of(found["pid"]):
            os.killpg(found["pid"], signal.SIGKILL)


def group_of(leader: int) -> list[int]:
    """Processes that live in a group, zombies not counted."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def run_function(cloud: dict) -> int:
    """Makes and invokes a Node function; the process id of its worker."""
    settings = {"endpoint_url": cloud["endpoint"], "region_name": "us-east-1"}
    keys = {"aws_access_key_id": cloud["accessKeyId"], "aws_secret_access_key": cloud["secretAccessKey"]}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = boto3.client("iam", **settings, **keys).create_role(RoleName="f", AssumeRolePolicyDocument=document(trust))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.mjs", HANDLER)
    client = boto3.client("lambda", **settings, **keys)
    code = {"ZipFile": archive.getvalue()}
    arn = role["Role"]["Arn"]
    client.create_function(FunctionName="f", Runtime="nodejs24.x", Role=arn, Handler="index.handler", Code=code)
    return int(client.invoke(FunctionName="f")["Payload"].read())


def test_listens_on_loopback_only(tmp_path):
    with launched(tmp_path) as cloud:
        run_function(cloud)
        inodes = {
            os.readlink(link)[8:-1]
            for pid in group_of(cloud["pid"])
            for link in Path(f"/proc/{pid}/fd").iterdir()
            if os.path.islink(link) and os.readlink(link).startswith("socket:[")
        }
        listening = [
            fields[1]
            for table in ("tcp", "tcp6")
            for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
            if fields[3] == "0A" and fields[9] in inodes
        ]
        assert listening == [f"0100007F:{cloud['port']:04X}"], "127.0.0.1 and the one port, in the kernel's notation"


def test_the_state_folder_is_private(tmp_path):
    (tmp_path / "cloud").mkdir(mode=0o755)
    with launched(tmp_path):
        assert (tmp_path / "cloud").stat().st_mode & 0o777 == 0o700


def test_the_next_start_removes_what_a_killed_one_left_and_nothing_else(tmp_path):
    names = ("tidemark-killed", "tidemark-lives", "tidemark-of-a-user", "other")
    killed, lives, users, other = (tmp_path / name for name in names)
    for folder in (killed, lives, users, other):
        (folder / "cloud").mkdir(parents=True)
    with launched(killed, "--temporary", state=killed) as cloud:
        os.kill(cloud["pid"], signal.SIGKILL)
        cloud["process"].wait(5)
    (tmp_path / "tidemark-link").symlink_to(killed)
    with launched(lives, "--temporary", state=lives), launched(tmp_path / "other", "--temporary", state=other):
        assert not killed.exists()
        assert lives.exists() and users.exists()


def test_a_companys_proxy_is_not_asked_for_this_machine(tmp_path):
    proxies = {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    with launched(tmp_path, env={**proxies, "NO_PROXY": "intern.example"}) as cloud:
        worker = run_function(cloud)
        seen = dict(item.split("=", 1) for item in Path(f"/proc/{worker}/environ").read_text().split("\0") if item)
        assert seen["NO_PROXY"] == seen["no_proxy"] == "127.0.0.1,localhost,::1,intern.example"


def test_a_given_port_is_taken_and_a_port_in_use_is_an_error(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "tidemark_local", "--state-dir", str(tmp_path / "x"), "--port", str(port)]
        env = {**os.environ, "PYTHONPATH": str(ROOT / "local")}
        failed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert failed.returncode != 0 and "Address already in use" in failed.stderr
    with launched(tmp_path, "--port", str(port)) as cloud:
        assert cloud["port"] == port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_everything_in_order(tmp_path, number):
    with launched(tmp_path) as cloud:
        worker = run_function(cloud)
        assert worker in group_of(cloud["pid"])
        os.kill(cloud["pid"], number)
        assert cloud["process"].wait(15) == 0
        until(lambda: group_of(cloud["pid"]), lambda found: not found, 5)
    assert not (tmp_path / "ready.json").exists()


def test_workers_end_even_when_the_cloud_is_killed(tmp_path):
    with launched(tmp_path) as cloud:
        assert run_function(cloud) in group_of(cloud["pid"])
        os.kill(cloud["pid"], signal.SIGKILL)
        cloud["process"].wait(5)
        until(lambda: group_of(cloud["pid"]), lambda found: not found, 5)


def test_the_cloud_ends_with_its_parent(tmp_path):
    waiting = "import os, subprocess, sys; subprocess.Popen([*sys.argv[1:], '--parent-pid', str(os.getpid())]).wait()"
    with launched(tmp_path, parent=[sys.executable, "-c", waiting]) as cloud:
        assert group_of(cloud["pid"])
        cloud["process"].kill()
        until(lambda: group_of(cloud["pid"]), lambda found: not found, 15)


def test_settings_of_the_users_own_aws_reach_no_function(tmp_path):
    env = {"AWS_PROFILE": "company", "AWS_ENDPOINT_URL": "https://example.com", "AWS_SESSION_TOKEN": "real"}
    with launched(tmp_path, env=env) as cloud:
        worker = run_function(cloud)
        seen = dict(item.split("=", 1) for item in Path(f"/proc/{worker}/environ").read_text().split("\0") if item)
        assert "AWS_PROFILE" not in seen and seen["AWS_ENDPOINT_URL"] == cloud["endpoint"]
        assert seen["AWS_SESSION_TOKEN"] != "real" and seen["AWS_CONFIG_FILE"] == os.devnull
        assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA"), "a function has its role's temporary credentials"


def test_node_is_the_given_one(tmp_path):
    with launched(tmp_path, "--node", str(NODE)) as cloud:
        worker = run_function(cloud)
        assert Path(f"/proc/{worker}/exe").resolve() == NODE.resolve()


def test_a_node_that_is_none_is_refused(tmp_path):
    command = [sys.executable, "-m", "tidemark_local", "--state-dir", str(tmp_path), "--node", str(tmp_path / "none")]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "local")}
    failed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert failed.returncode == 2 and "give the path of a node binary" in failed.stderr
