"""Gets the jars that Glue 5.1 brings and PySpark does not, verified, and prepares the JVM to start fast with them.

    python -m tidemark_local.glue.jars --dest .cache/jars

Spark resolves the packages with its own Ivy, once; each file is checked against `local/jars.lock.json`. Then a
class-data archive (Java's AppCDS) is recorded from a short Spark run: with it a Spark job of a few statements takes 6
s instead of 15 s (measured on 2 cores). Both steps are skipped when their result is there.
"""

import argparse
import functools
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).parents[2] / "jars.lock.json"
ARCHIVE = "spark.jsa"
# So short is a job here, and so small its data, that code of the second compiler takes longer to make than it saves: 23
# tests on Spark take 110 s of CPU with both compilers and Java's own collector, and 66 s with these.
RUNNING = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class JarError(Exception):
    """A jar is missing, differs from the lock file, or could not be resolved."""


def spark_home() -> Path:
    """The folder of PySpark, with Spark's jars; PySpark itself is not imported, as that takes longer than all else."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise JarError("PySpark was not found: run `npm run setup`.")
    return Path(found.origin).parent


def locked() -> dict[str, dict]:
    """File name → {"package": Maven coordinates, "sha256": …}."""
    return json.loads(LOCK.read_text())["jars"]


def paths(folder: Path) -> list[Path]:
    """The jars in `folder`; raises JarError when one is missing. Hashes are checked by `ensure`, not here."""
    found = [folder.resolve() / name for name in locked()]
    missing = [path.name for path in found if not path.is_file()]
    if missing:
        raise JarError(f"{', '.join(missing)} not in {folder}: run python -m tidemark_local.glue.jars --dest {folder}")
    return found


def ensure(folder: Path, say=print) -> None:
    """Makes `folder` hold the locked jars and the class-data archive."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wrong = {name: entry for name, entry in locked().items() if _sha256(folder / name) != entry["sha256"]}
    if wrong:
        say(f"Resolving {len(wrong)} Spark packages (about 110 MB) …")
        _resolve(wrong, folder)
    say(f"Spark jars are in {folder} and match {LOCK.name}.")
    key = _archive_key(folder)
    if _recorded_key(folder) != key:
        say("Recording the class-data archive for Spark's JVM (about half a minute, once) …")
        _record(folder, key)
    say("The class-data archive is ready.")


@functools.cache
def archive(folder: Path) -> Path | None:
    """The class-data archive when it fits this Java and these jars, else None: Spark then starts without it."""
    folder = folder.resolve()
    return folder / ARCHIVE if _recorded_key(folder) == _archive_key(folder) else None


def java_options(folder: Path) -> str:
    """What a JVM of Spark is started with, when `paths(folder)` is its extra class path."""
    found = archive(folder)
    return RUNNING if found is None else f"{RUNNING} -XX:SharedArchiveFile={found} -Xlog:disable"


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve(wanted: dict[str, dict], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        packages = ",".join(entry["package"] for entry in wanted.values())
        result = _spark(
            "SparkSession.builder.getOrCreate().stop()",
            {"spark.jars.packages": packages, "spark.jars.ivy": f"{scratch}/ivy"},
            scratch,
        )
        if result.returncode:
            raise JarError(f"Spark could not resolve {packages}:\n{result.stderr[-2000:]}")
        for name, entry in wanted.items():
            group, artifact, version = entry["package"].split(":")
            found = Path(scratch) / "ivy" / "jars" / f"{group}_{artifact}-{version}.jar"
            actual = _sha256(found)
            if actual != entry["sha256"]:
                raise JarError(f"{name} has sha256 {actual}, {LOCK.name} says {entry['sha256']}: it is not used.")
            shutil.copyfile(found, folder / name)


def _java_home_version() -> str:
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if os.environ.get("JAVA_HOME") else shutil.which("java")
    if java is None:
        raise JarError("java was not found: install Java 17 and put it on the PATH, or set JAVA_HOME.")
    return subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=True).stderr


def _archive_key(folder: Path) -> str:
    """What the archive depends on: the Java build and the class path with its times."""
    spark = spark_home() / "jars"
    stamps = [f"{path} {path.stat().st_mtime_ns}" for path in [*paths(folder), *sorted(spark.glob("*.jar"))]]
    return hashlib.sha256("\n".join([_java_home_version(), *stamps]).encode()).hexdigest()


def _recorded_key(folder: Path) -> str | None:
    marker = folder / f"{ARCHIVE}.key"
    return marker.read_text() if marker.is_file() and (folder / ARCHIVE).is_file() else None


def _record(folder: Path, key: str) -> None:
    marker = folder / f"{ARCHIVE}.key"
    marker.unlink(missing_ok=True)
    (folder / ARCHIVE).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        catalogs = {
            "spark.driver.extraClassPath": os.pathsep.join(map(str, paths(folder))),
            "spark.driver.extraJavaOptions": f"{RUNNING} -XX:ArchiveClassesAtExit={folder.resolve() / ARCHIVE}",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.files": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.files.type": "hadoop",
            "spark.sql.catalog.files.warehouse": f"{scratch}/warehouse",
            "spark.sql.catalog.glue_catalog": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.glue_catalog.warehouse": "s3://none/none/",
            "spark.sql.catalog.glue_catalog.catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog",
            "spark.sql.catalog.glue_catalog.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            # Port 9 answers nobody: the request fails after the classes that make it are loaded, which is all that is
            # wanted.
            "spark.sql.catalog.glue_catalog.glue.endpoint": "http://127.0.0.1:9",
            "spark.sql.catalog.glue_catalog.s3.endpoint": "http://127.0.0.1:9",
            "spark.sql.catalog.glue_catalog.client.region": "us-east-1",
        }
        result = _spark(_RECORDED_RUN, catalogs, scratch)
        if result.returncode or not (folder / ARCHIVE).is_file():
            raise JarError(f"the class-data archive could not be recorded:\n{result.stderr[-2000:]}")
    marker.write_text(key)


_RECORDED_RUN = """
from pyspark.sql import functions as F
spark = SparkSession.builder.getOrCreate()
rows = spark.createDataFrame([(1, "a", 1.5), (2, "b", None)], "id int, name string, value double")
spark.sql("create table files.db.t (id int, name string, value double) using iceberg partitioned by (bucket(2, id))")
rows.writeTo("files.db.t").append()
rows.createOrReplaceTempView("new")
spark.sql(
    "merge into files.db.t t using new n on t.id = n.id "
    "when matched then update set * when not matched then insert *"
)
spark.table("files.db.t").groupBy("name").agg(F.sum("value"), F.count("*")).orderBy("name").collect()
spark.sparkContext.parallelize(range(4), 2).mapPartitions(lambda part: [sum(part)]).collect()
spark.table("files.db.t").mapInPandas(lambda frames: frames, "id int, name string, value double").collect()
rows.write.parquet(__import__("os").getcwd() + "/parquet")
try:
    spark.sql("select * from glue_catalog.db.t").collect()
except Exception as error:
    print("as wanted:", type(error).__name__)
spark.stop()
"""


def _spark(code: str, conf: dict[str, str], scratch: str) -> subprocess.CompletedProcess[str]:
    properties = Path(scratch) / "spark.properties"
    common = {
        "spark.master": "local[2]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": scratch,
    }
    properties.write_text("".join(f"{name} {value}\n" for name, value in (common | conf).items()))
    env = {
        **os.environ,
        "PYSPARK_SUBMIT_ARGS": f"--properties-file {shlex.quote(str(properties))} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    env.pop("SPARK_HOME", None)
    return subprocess.run(
        [sys.executable, "-c", f"from pyspark.sql import SparkSession\n{code}"],
        cwd=scratch,
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tidemark_local.glue.jars", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--dest", type=Path, required=True, help="folder for the jars, for example .cache/jars")
    try:
        ensure(parser.parse_args().dest)
    except JarError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
