"""PostgreSQL's JDBC driver, as Glue 5.1 brings it: fetched once into .cache/drivers by Spark's resolver, and checked.

    python -m tidemark_local.glue.jdbc_driver

Only jobs that read a database need it, so it is no part of the set-up; once it is there, every job has it.

The version is that of Glue 5.0 (https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-connect-jdbc-home.html).
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "org.postgresql:postgresql:42.7.3"
SHA256 = "a2644cbfba1baa145ff7e8c8ef582a6eed7a7ec4ca792f7f054122bdec756268"
FOLDER = Path(__file__).resolve().parents[3] / ".cache" / "drivers"
JAR = FOLDER / "postgresql-42.7.3.jar"


def fetched() -> list[Path]:
    """The drivers that are there."""
    return [JAR] if JAR.is_file() else []


def driver() -> Path:
    """The jar. Raises AssertionError for another than the one that was looked at."""
    JAR.parent.mkdir(parents=True, exist_ok=True)
    with JAR.with_suffix(".lock").open("w") as lock, tempfile.TemporaryDirectory(dir=JAR.parent) as scratch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not JAR.is_file():
            print("Fetching the JDBC driver of PostgreSQL (1 MB, once) …", file=sys.stderr)
            found = _resolve(Path(scratch))
            actual = hashlib.sha256(found.read_bytes()).hexdigest()
            assert actual == SHA256, f"{PACKAGE} has sha256 {actual}: it is not used"
            shutil.move(found, JAR)
    return JAR


def _resolve(folder: Path) -> Path:
    code = f"""
from pyspark.sql import SparkSession
b = SparkSession.builder.config("spark.jars.packages", "{PACKAGE}").config("spark.jars.ivy", "{folder}")
b.config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1").getOrCreate().stop()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=300)
    return folder / "jars" / "org.postgresql_postgresql-42.7.3.jar"


if __name__ == "__main__":
    print(driver())
