"""A real Kafka broker for tests (KRaft, one node), on loopback and free ports, gone with the process that started it.

In Python `with broker() as bootstrap`. For others a command: it prints {"bootstrap": …} as one line and serves until
its standard input ends:  python -m tidemark_local.kafka.broker

Its jars are fetched once into .cache/kafka by the resolver that Spark brings, and checked against broker.lock.json.
"""

import base64
import contextlib
import fcntl
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).resolve().parents[3]
JARS = ROOT / ".cache" / "kafka"
LOCK = Path(__file__).with_name("broker.lock.json")
_HEAP = ["-Xms96m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
# A shell that becomes the broker; what it leaves behind waits for the end of our pipe, and then ends the broker.
_UNTIL_INPUT_ENDS = 'exec 3<&0; { cat <&3 >/dev/null; kill -KILL $$; } >/dev/null 2>&1 & exec "$@" </dev/null 3<&-'
_SECONDS = 60


class BrokerError(Exception):
    """The jars can't be had, or the broker does not start."""


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """Starts a broker with no topics, which are made when they are first named; yields `host:port`. Takes about six
    seconds.

    Raises BrokerError with what was said when it does not start.
    """
    ensure()
    folder = Path(tempfile.mkdtemp(prefix="tidemark-kafka-"))
    try:
        port, settings = _configure(folder)
        _java(["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(settings)])
        log = folder / "broker.log"
        command = ["java", *_HEAP, "-cp", _class_path(), "kafka.Kafka", str(settings)]
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["sh", "-c", _UNTIL_INPUT_ENDS, "sh", *command], stdin=subprocess.PIPE, stdout=out, stderr=out
            )
        try:
            _await(process, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            cast(IO[bytes], process.stdin).close()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ensure(say=lambda text: print(text, file=sys.stderr)) -> None:
    """Makes .cache/kafka hold the locked jars. Only one process fetches them."""
    JARS.mkdir(parents=True, exist_ok=True)
    with (JARS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = _locked()
        if all((JARS / name).is_file() for name in wanted):
            return
        say(f"Fetching {len(wanted)} jars of Kafka (43 MB, once) …")
        with tempfile.TemporaryDirectory(dir=JARS) as scratch:
            _resolve(wanted, Path(scratch))
            for name, entry in wanted.items():
                found = Path(scratch) / "jars" / name
                actual = hashlib.sha256(found.read_bytes()).hexdigest() if found.is_file() else None
                if actual != entry["sha256"]:
                    raise BrokerError(
                        f"{name} has sha256 {actual}, {LOCK.name} says {entry['sha256']}: it is not used."
                    )
                found.replace(JARS / name)
        say("The jars of Kafka are there and match the lock.")


def _locked() -> dict[str, dict[str, str]]:
    return json.loads(LOCK.read_text())["jars"]


def _resolve(wanted: dict[str, dict[str, str]], scratch: Path) -> None:
    """Ivy stands among PySpark's jars; each file is asked for by its version, with nothing that it would bring."""
    from tidemark_local.glue.jars import spark_home

    listed = "".join(
        '<dependency org="{}" name="{}" rev="{}" transitive="false" conf="default->master"/>'.format(
            *entry["package"].split(":")
        )
        for entry in wanted.values()
    )
    ivy = scratch / "ivy.xml"
    ivy.write_text(
        '<ivy-module version="2.0"><info organisation="tidemark" module="kafka"/>'
        f'<configurations><conf name="default"/></configurations><dependencies>{listed}</dependencies></ivy-module>'
    )
    spark = spark_home() / "jars"
    class_path = ":".join(str(path) for pattern in ("ivy-*.jar", "commons-cli-*.jar") for path in spark.glob(pattern))
    places = ["-cache", str(scratch / "cache"), "-retrieve", f"{scratch}/jars/[artifact]-[revision].[ext]"]
    result = subprocess.run(
        ["java", "-cp", class_path, "org.apache.ivy.Main", "-m2compatible", "-ivy", str(ivy), *places],
        capture_output=True,
        text=True,
        timeout=600,
    )
    if result.returncode:
        raise BrokerError(f"the jars of Kafka could not be resolved:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")


def _configure(folder: Path) -> tuple[int, Path]:
    port, controller = _free_port(), _free_port()
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "log.dirs": folder / "data",
        "num.partitions": 2,
        "offsets.topic.num.partitions": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
    }
    file = folder / "server.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return port, file


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _class_path() -> str:
    return ":".join(str(JARS / name) for name in _locked())


def _java(arguments: list[str]) -> None:
    result = subprocess.run(
        ["java", *_HEAP, "-cp", _class_path(), *arguments], capture_output=True, text=True, timeout=60
    )
    if result.returncode:
        raise BrokerError(f"{arguments[0]} ended with {result.returncode}: {result.stderr[-1000:]}")


def _await(process: subprocess.Popen, port: int, log: Path) -> None:
    """Until the port answers: the broker opens it when it serves."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise BrokerError(f"the broker did not start: {log.read_text()[-1500:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "local"))
    with broker() as bootstrap:
        print(json.dumps({"bootstrap": bootstrap}), flush=True)
        sys.stdin.read()
