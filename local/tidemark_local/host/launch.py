"""Starts MiniStack with the plug-ins, on loopback only, and stops everything it started.

Processes form one group that the launcher leads; guardian.py ends what is left of it when the launcher is gone.
"""

import asyncio
import importlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from . import state_folder
from .context import LocalContext
from .registry import plugins
from .relies_on import ReliesOn

# The services the product uses. Others stay off: several of them open listeners of their own, not all on loopback.
# fmt: off
SERVICES = (
    "account", "apigateway", "athena", "autoscaling", "cloudcontrol", "cloudformation", "cloudtrail", "dynamodb",
    "dynamodbstreams", "ecr", "events", "firehose", "glue", "iam", "iot", "iot-data", "kinesis", "kms", "lambda",
    "logs", "monitoring", "pipes", "resource-groups", "s3", "s3tables", "scheduler", "secretsmanager", "sns", "sqs",
    "ssm", "states", "sts", "tagging",
)
# fmt: on

_STOP_SECONDS = 12
logger = logging.getLogger("tidemark.local")


def run(
    state_dir: Path,
    port: int,
    ready_file: Path | None,
    node: Path | None,
    parent_pid: int | None,
    *,
    time_scale: float = 1.0,
    quotas: str = "established",
    temporary: bool = False,
) -> int:
    """Serves until it is told to stop, and returns the exit code. `port` 0 takes a free one; `time_scale` and `quotas`
    as in LocalContext, `temporary` as in state_folder."""
    state_dir = state_dir.resolve()
    state_folder.prepare(state_dir, temporary=temporary)
    listener = socket.create_server(("127.0.0.1", port))
    port = listener.getsockname()[1]
    _set_environment(state_dir, port, node, time_scale)
    _lead_own_group()
    _start_guardian()
    context = LocalContext(
        endpoint=f"http://127.0.0.1:{port}",
        port=port,
        state_dir=state_dir,
        python=Path(sys.executable),
        repo_root=Path(__file__).resolve().parents[3],
        time_scale=time_scale,
        quotas=quotas,
    )
    app = load(context)
    try:
        asyncio.run(_serve(app, context, listener, ready_file, parent_pid))
    finally:
        context.run_stop_hooks()
        if ready_file:
            ready_file.unlink(missing_ok=True)
    return 0


def load(context: LocalContext):
    """Imports MiniStack and registers every plug-in; returns MiniStack's `app` module. Call it once in a process."""
    app = importlib.import_module("ministack.app")
    for plugin in plugins():
        plugin.register(context)
    return app


def _set_environment(state_dir: Path, port: int, node: Path | None, time_scale: float) -> None:
    """MiniStack reads its settings from the environment, and Lambda functions inherit it: no AWS setting of the
    user's may stay."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MINISTACK_", "LAMBDA_", "LOCALSTACK_", "SFN_")) or name == "NODE_OPTIONS":
            del os.environ[name]
    os.environ.update(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        SERVICES=",".join(SERVICES),
        STATE_DIR=str(state_dir / "ministack"),
        S3_DATA_DIR=str(state_dir / "s3"),
        TMPDIR=str(state_dir / "tmp"),
        PERSIST_STATE="0",
        S3_PERSIST="0",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LAMBDA_EXECUTOR="local",
        LAMBDA_STRICT="0",
        SFN_WAIT_SCALE=str(time_scale),
        DOCKER_HOST=f"unix://{state_dir}/no-docker.sock",
        LOG_LEVEL=os.environ.get("TIDEMARK_LOCAL_LOG_LEVEL", "INFO"),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _direct(os.environ)),
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    if node:
        # Not resolved: the name `node` is looked up in this folder.
        os.environ["PATH"] = f"{node.absolute().parent}{os.pathsep}{os.environ.get('PATH', '')}"


def _direct(environment: Mapping[str, str]) -> str:
    """Hosts asked without a proxy: this machine and the user's own exceptions. By a company's proxy a call to loopback
    would fail, and leave this machine."""
    given = ",".join(environment.get(name, "") for name in ("NO_PROXY", "no_proxy"))
    return ",".join(dict.fromkeys(["127.0.0.1", "localhost", "::1", *filter(None, given.split(","))]))


def _lead_own_group() -> None:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def _start_guardian() -> None:
    reader, _writer = os.pipe()  # not inherited by other children, so only this process keeps the write end open
    subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("guardian.py")), str(reader)],
        pass_fds=(reader,),
        stdin=subprocess.DEVNULL,
        close_fds=True,
    )
    os.close(reader)  # the write end stays open until this process ends


async def _serve(app, context: LocalContext, listener: socket.socket, ready_file: Path | None, parent_pid: int | None):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    if parent_pid:
        threading.Thread(target=_watch_parent, args=(parent_pid, loop, stopping), daemon=True).start()

    async def stop_when_told() -> None:
        await stopping.wait()
        threading.Thread(target=_give_up_later, daemon=True).start()
        # Before the server stops waiting for its requests: ending the processes ends the requests that wait for them.
        await asyncio.to_thread(_end_children, context)

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.backlog = 512
    config.loglevel = "WARNING"
    config.accesslog = None

    announce = asyncio.create_task(_announce(context, ready_file))
    await serve(app.app, config, shutdown_trigger=stop_when_told)
    announce.cancel()


async def _announce(context: LocalContext, ready_file: Path | None) -> None:
    """Tells that requests are served, once one has been."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", context.port)
            host = f"127.0.0.1:{context.port}".encode()
            writer.write(b"GET /_ministack/health HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                break
        except OSError as error:
            logger.debug("not serving yet: %s", error)
        await asyncio.sleep(0.05)
    found = {"endpoint": context.endpoint, "port": context.port, "pid": os.getpid()}
    logger.info("ready: %s", json.dumps(found))
    if ready_file:
        found |= {"accessKeyId": context.access_key_id, "secretAccessKey": context.secret_access_key}
        unfinished = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(found, file)
        unfinished.replace(ready_file)


def _end_children(context: LocalContext) -> None:
    from ministack.core import lambda_runtime

    context.run_stop_hooks()
    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
    lambda_runtime.kill_workers(workers)


def _watch_parent(pid: int, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    direct = os.getppid() == pid
    while True:
        if direct:
            gone = os.getppid() != pid
        else:
            try:
                os.kill(pid, 0)
                gone = False
            except ProcessLookupError:
                gone = True
        if gone:
            logger.info("the parent process %d has ended: stopping", pid)
            loop.call_soon_threadsafe(stopping.set)
            return
        time.sleep(0.5)


def _give_up_later() -> None:
    """A thread of a request that never ends must not keep the process: the guardian ends what is left."""
    time.sleep(_STOP_SECONDS)
    logger.error("still stopping after %d s: ending at once", _STOP_SECONDS)
    os._exit(1)


RELIES_ON = [
    ReliesOn("core.lambda_runtime", functions={"kill_workers": "(workers)"}, values=["_lock", "_workers"]),
    ReliesOn(
        "services.stepfunctions", has={"_scaled_sleep": ["_SFN_WAIT_SCALE"], "_parse_wait_scale": ["SFN_WAIT_SCALE"]}
    ),
]
