"""The parts of the Glue plug-in that need no running cloud: arguments, Spark's settings, messages, time limit, jars."""

import hashlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import jobs_support
import pytest
from tidemark_local.glue import executors, jars, job_run
from tidemark_local.glue.arguments import parse_conf, resolve
from tidemark_local.host.context import LocalContext


def test_conf_holds_several_settings():
    assert parse_conf("a.b=1 --conf c.d=x=y  --conf e=-Dp=q -Dr=s") == {"a.b": "1", "c.d": "x=y", "e": "-Dp=q -Dr=s"}
    assert parse_conf("") == {}


def test_unknown_data_lake_formats_are_named():
    found = resolve({"--datalake-formats": "iceberg,hudi"}, {}, {}, "job", "run")
    assert found.iceberg and found.ignored == ["--datalake-formats hudi"]


def test_flags_without_value_reach_the_script_as_flags():
    assert resolve({}, {"--verbose": None}, {}, "job", "run").script[-1:] == ["--verbose"]


def context_of(folder: Path) -> LocalContext:
    return LocalContext("http://127.0.0.1:4999", 4999, folder, Path(sys.executable), folder)


def settings(tmp_path, **arguments):
    return job_run.spark_settings(context_of(tmp_path), resolve(arguments, {}, {}, "job", "run"), tmp_path)


def test_every_glue_catalog_gets_the_local_endpoints(tmp_path):
    conf = "spark.sql.catalog.lake.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog --conf spark.driver.memory=3g"
    found = settings(tmp_path, **{"--conf": conf})
    for name in ("glue_catalog", "lake"):
        assert found[f"spark.sql.catalog.{name}.glue.endpoint"] == "http://127.0.0.1:4999"
        assert found[f"spark.sql.catalog.{name}.s3.endpoint"] == "http://127.0.0.1:4999"
        assert found[f"spark.sql.catalog.{name}.s3.path-style-access"] == "true"
    assert found["spark.driver.memory"] == "3g", "the job's own settings win"
    assert "spark.driver.extraClassPath" not in found, "no Iceberg unless --datalake-formats asks for it"


def test_missing_jars_name_the_command(tmp_path):
    with pytest.raises(jars.JarError, match=r"run python -m tidemark_local\.glue\.jars --dest"):
        settings(tmp_path, **{"--datalake-formats": "iceberg"})


def test_failure_message_is_the_last_exception():
    lines = [
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in <module>',
        "ValueError: first",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        '  File "a.py", line 3, in <module>',
        "py4j.protocol.Py4JJavaError: An error occurred while calling o1.sql.",
        ": org.apache.iceberg.exceptions.NoSuchTableException: no",
        "26/11/24 07:54:15 WARN Stopping",
    ]
    assert job_run.failure_message(lines, 1) == lines[6]
    assert job_run.failure_message(["nothing"], 137) == "Command failed with exit code 137"


def test_a_run_past_its_timeout_is_stopped(tmp_path, monkeypatch):
    # Timeout: "the maximum time that a job run can consume resources before it is terminated and enters TIMEOUT
    # status."
    script = tmp_path / "wait.py"
    script.write_text("import time\ntime.sleep(60)\n")
    run = job_run.GlueRun.__new__(job_run.GlueRun)
    run._context = context_of(tmp_path)
    run._arguments = resolve({}, {}, {}, "job", "run")
    run._record, run._limit, run._stop = {"Timeout": 1}, 0.5, __import__("threading").Event()
    assert run._watch(script, {}, tmp_path) == ("TIMEOUT", "Job run exceeded its timeout of 1 minutes")


def test_a_jar_with_another_hash_is_not_used(tmp_path, monkeypatch):
    lock = tmp_path / "lock.json"
    good = {"package": "g:a:1", "sha256": hashlib.sha256(b"good").hexdigest()}
    lock.write_text(json.dumps({"jars": {"a-1.jar": good}}))
    monkeypatch.setattr(jars, "LOCK", lock)

    def resolved(code, conf, scratch):
        from pathlib import Path

        folder = Path(scratch) / "ivy" / "jars"
        folder.mkdir(parents=True)
        (folder / "g_a-1.jar").write_bytes(b"evil")
        return subprocess.CompletedProcess([], 0, stderr="")

    monkeypatch.setattr(jars, "_spark", resolved)
    with pytest.raises(jars.JarError, match=r"a-1\.jar has sha256 .* it is not used"):
        jars.ensure(tmp_path / "jars", say=lambda text: None)
    assert not (tmp_path / "jars" / "a-1.jar").exists()


def test_the_shipped_jars_match_the_lock_file():
    folder = jobs_support.ROOT / ".cache" / "jars"
    for path in jars.paths(folder):
        assert jars._sha256(path) == jars.locked()[path.name]["sha256"]


def test_a_script_runs_as_main_with_names_of_its_own(tmp_path):
    script = tmp_path / "names.py"
    script.write_text(
        "import sys\nprint(__name__, sorted(n for n in globals() if n[0] != '_'), sys.argv, sys.path[0])\n"
    )
    command = [sys.executable, job_run._DRIVER, script, "--a", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == f"__main__ ['sys'] {[str(script), '--a', '1']} {tmp_path}\n"


def test_credentials_are_for_who_has_the_token():
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
    endpoint = executors.CredentialsEndpoint(keys)

    def ask(token):
        return urllib.request.urlopen(
            urllib.request.Request(endpoint.uri, headers={"Authorization": token}), timeout=60
        )

    try:
        assert endpoint.uri.startswith("http://127.0.0.1:")
        answer = json.loads(ask(endpoint.token).read())
        assert (answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"]) == ("id", "secret", "session")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            ask("another")
    finally:
        endpoint.close()
    with pytest.raises(urllib.error.URLError):
        ask(endpoint.token)


def test_a_variable_needs_the_prefix_and_quotes_hold_commas():
    found = resolve({"--customer-executor-env-vars": 'CUSTOMER_A="x,KEY=y",KEY=z,CUSTOMER_B=1'}, {}, {}, "job", "run")
    assert found.executor_environment == {"CUSTOMER_A": "x,KEY=y", "CUSTOMER_B": "1"}


def test_one_module_makes_the_clients_of_the_jobs():
    # Elsewhere a client would be made without the region that jobs are told.
    scripts = sorted((jobs_support.ROOT / "glue-scripts").rglob("*.py"))
    assert len(scripts) > 40
    makers = [path.name for path in scripts if "import boto3" in path.read_text()]
    assert makers == ["aws.py"]
