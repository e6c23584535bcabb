"""The executors of a Glue run: processes of their own, which share nothing with the driver's environment.

"Using job parameters in AWS Glue jobs"
(https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html) lets a job set variables "on
the operating system respectively for each worker (driver or executor)": there they are different machines, so what
the driver has in its environment, a region or credentials, executors do not have. Spark's `local-cluster` starts
executors as children of the driver's JVM, with all of its environment; so Spark is given a `java` of ours, which
starts them with their own. AWS promises no region there, and none is set.

The role's credentials come the way containers get them, from an endpoint
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html), not by variables that hold them.
`AWS_ENDPOINT_URL` exists locally alone: it leads to the local cloud.
"""

import hmac
import json
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

MASTER = "local-cluster[2,1,1024]"
"""Two executors with a core and 1,024 MiB each, as a job of two workers has two machines."""
_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
_HOURS = 12

# Java's class-data archive knows the jars by the paths that the driver has: executors name them so, too.
_JAVA = """#!/bin/sh
case " $* " in
  *" org.apache.spark.launcher.Main "*) exec {java} "$@" ;;
  *" org.apache.spark.executor."*)
    for word do shift; set -- "$@" "$(printf %s "$word" | sed {rename})"; done
    exec env -i /bin/sh {executor} "$@" ;;
  *) SPARK_HOME={home} exec {java} "$@" ;;
esac
"""
# In a file of their own, as arguments can be read by every user of the machine.
_EXECUTOR = """{exports}
exec {java} "$@"
"""


def spark_settings() -> dict[str, str]:
    """Spark's properties for MASTER."""
    return {"spark.master": MASTER}


def java_home(root: Path, spark: Path, java: Path, environment: Mapping[str, str]) -> Path:
    """Makes, in a run's folder, the JAVA_HOME that its driver gets.

    `spark` is Spark's home and `java` the real program. Executors write to `root`/spark-home/work: two runs that
    begin in one second have the same name there, so each has a home of its own, which links to the real one.
    """
    home = root / "spark-home"
    home.mkdir()
    for item in spark.iterdir():
        (home / item.name).symlink_to(item)
    program = root / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    variables = {**environment, "SPARK_HOME": str(spark), "JAVA_HOME": str(java.parents[1])}
    executor = root / "java" / "executor.sh"
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    _write(executor, 0o600, _EXECUTOR.format(exports=exports, java=shlex.quote(str(java))))
    rename = shlex.quote(f"s#{home}/#{spark}/#g")
    words = {"java": java, "home": home, "executor": executor}
    _write(
        program, 0o700, _JAVA.format(rename=rename, **{name: shlex.quote(str(path)) for name, path in words.items()})
    )
    return root / "java"


def _write(file: Path, mode: int, text: str) -> None:
    file.touch(mode)
    file.write_text(text)


def output_of(root: Path) -> Iterator[tuple[str, str, list[str]]]:
    """What the executors of a run that has ended said: an executor's number, stdout or stderr, its lines."""
    for file in sorted((root / "spark-home" / "work").glob("*/*/std*")):
        lines = file.read_text(errors="replace").splitlines()
        if lines and lines[0].startswith("Spark Executor Command:"):
            lines = lines[2:]
        yield file.parent.name, file.name, lines


def executor_environment(endpoint: str, credentials: "CredentialsEndpoint", own: Mapping[str, str]) -> dict[str, str]:
    """What an executor finds in its environment; `own` are the job's `--customer-executor-env-vars`."""
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "TZ": "UTC",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials.uri,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": credentials.token,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
        **own,
    }


class CredentialsEndpoint:
    """Gives a role's credentials to who has the token, on loopback, until `close`."""

    def __init__(self, credentials: Mapping[str, str]):
        self.token = secrets.token_urlsafe(32)
        answer = {
            "AccessKeyId": credentials["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
            "Token": credentials["AWS_SESSION_TOKEN"],
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.token, answer))
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}/credentials"
        Thread(target=self._server.serve_forever, name="executor-credentials", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(token: str, answer: Mapping[str, str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = hmac.compare_digest(self.headers.get("Authorization", "").encode(), token.encode())
            ends = (datetime.now(UTC) + timedelta(hours=_HOURS)).strftime("%Y-%m-%dT%H:%M:%SZ")
            body = json.dumps({**answer, "Expiration": ends} if known else {"message": "a wrong token"}).encode()
            self.send_response(200 if known else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the local cloud's log would repeat each executor's start."""

    return Handler
