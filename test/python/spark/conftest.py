"""One Spark session with Iceberg on a temporary folder, and one S3/DynamoDB on loopback, for the whole test run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
GLUE_SCRIPTS = ROOT / "glue-scripts"
JARS = ROOT / ".cache" / "jars"
sys.path[:0] = [str(GLUE_SCRIPTS), str(ROOT / "local")]

from tidemark_local.glue import jars  # noqa: E402
from tidemark_local.glue.jdbc_driver import driver  # noqa: E402

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running emulator, in the environment of this process and of Spark's workers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("aws")
    more = {"GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "HOME": str(folder), "PERSIST_STATE": "0"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "ministack.app"],
            env=os.environ | _ENVIRONMENT | more,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    before = dict(os.environ)
    os.environ |= _ENVIRONMENT | {"AWS_ENDPOINT_URL": address}
    try:
        _wait_for(address, server, folder / "log")
        yield address
    finally:
        server.terminate()
        server.wait(10)
        os.environ.clear()
        os.environ |= before


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/_ministack/health", timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the emulator did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def spark(aws: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """local[2] with a Hadoop Iceberg catalog under the name that the jobs use."""
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = str(GLUE_SCRIPTS)
    builder = (
        SparkSession.Builder()
        .master("local[2]")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.local.dir", str(folder / "local"))
        .config("spark.sql.warehouse.dir", str(folder / "warehouse"))
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.extraClassPath", ":".join(map(str, [*jars.paths(JARS), driver()])))
        .config("spark.driver.extraJavaOptions", f"{jars.java_options(JARS)} -Duser.timezone=UTC")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.glue_catalog", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.glue_catalog.type", "hadoop")
        .config("spark.sql.catalog.glue_catalog.warehouse", str(folder / "iceberg"))
    )
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
