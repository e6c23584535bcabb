"""The container of one production variant: SageMaker's XGBoost framework container in script mode.

Follows the sources of what serves there, in the images 3.0-5 and 3.2-0 alike: `serving.py` of
aws/sagemaker-xgboost-container, and `_server.py`, `_modules.py`, `_transformer.py`, `_functions.py` and `_worker.py` of
sagemaker-containers 2.8.6.post2, on the same Flask. So:

- At each start the sources of SAGEMAKER_SUBMIT_DIRECTORY (s3://… or a folder) become /opt/ml/code, are made into a
  package, and are imported once: what fails here ends the container.
- The model is loaded by the first request, be it a /ping; what fails then is a 500, and the next request tries again.
- **Every** exception of the script's functions is a 500 with Flask's page, whatever the exception carries. A script
  that wants another status returns a Flask response, which passes through.
- SAGEMAKER_MODEL_SERVER_WORKERS processes of gunicorn are one process with threads here.

Run as `python serve.py <port>`; SAGEMAKER_BASE_DIR stands for /opt/ml, as the container has it too.
"""

import importlib
import json
import os
import shutil
import socket
import sys
import tarfile
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, cast
from urllib.parse import urlparse

import flask
from werkzeug.serving import WSGIRequestHandler, make_server

JSON = "application/json"
TEXT_TYPES = (JSON, "text/csv")
SETUP = """from setuptools import setup

setup(name="{name}", version="1.0.0", packages=[""], include_package_data=True)
"""
_CRASH = b"<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n</html>\n"


class ClientError(Exception):
    """`error_wrapper`: what every exception of the script becomes, werkzeug's own with a status too."""


class Response(flask.Response):
    """`worker.Response`: JSON unless it says otherwise."""

    default_mimetype = JSON


class Request(flask.Request):
    """`worker.Request`: the header ContentType before Content-Type, JSON where both are missing."""

    @property
    def content_type(self) -> str:
        return self.headers.get("ContentType") or self.headers.get("Content-Type") or JSON

    @property
    def accept(self) -> str:
        """No Accept, or exactly */*, is the container's default."""
        given = self.headers.get("Accept")
        return given if given and given != "*/*" else os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", JSON)

    @property
    def content(self) -> str | bytes:
        """Text for exactly these two types (no charset beside them), with U+FFFD for what is no UTF-8."""
        return self.get_data(as_text=self.content_type in TEXT_TYPES)


def fetch_sources(submitted: str, code: Path, base: Path) -> None:
    """`files.download_and_extract`: a new container has an empty /opt/ml/code."""
    if submitted.startswith("s3://"):
        import boto3

        url, region = urlparse(submitted), os.environ.get("AWS_REGION", os.environ.get("SAGEMAKER_REGION"))
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "tar_file"
            boto3.client("s3", region_name=region).download_file(url.netloc, url.path.lstrip("/"), str(archive))
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(code, filter="data")
        return
    source = Path(submitted)
    if source.is_relative_to("/opt/ml"):
        source = base / source.relative_to("/opt/ml")
    if source == code:
        return
    if not source.is_dir():
        raise FileNotFoundError(f"SAGEMAKER_SUBMIT_DIRECTORY: found no folder {submitted}; allowed: s3://… or a folder")
    shutil.copytree(source, code, dirs_exist_ok=True)


def prepare(code: Path, name: str, say: Callable[[str], None] = print) -> None:
    """`modules.prepare`: the sources become a package. The local cloud installs nothing: it imports from the folder."""
    if not (code / "setup.py").exists():
        (code / "setup.py").write_text(SETUP.format(name=name))
        (code / "setup.cfg").write_text("[wheel]\nuniversal = 1\n")
        (code / "MANIFEST.in").write_text("recursive-include . *\n")
    if (code / "requirements.txt").exists():
        say("requirements.txt is not installed by the local cloud: its packages come from the lock file.")


def transformer(module: ModuleType, model: Any) -> Callable[[], Any]:
    """`Transformer.transform` of the script's functions. Raises ValueError for a script that has both kinds."""
    transform = getattr(module, "transform_fn", None)
    steps = [getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")]
    if transform and any(steps):
        raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
    read, predict, write = (own or default for own, default in zip(steps, _DEFAULTS, strict=True))

    def answer() -> Any:
        request = cast(Request, flask.request)  # the request_class of the app
        content, kind, accept = request.content, request.content_type, request.accept
        try:
            result = (
                transform(model, content, kind, accept)
                if transform
                else write(predict(read(content, kind), model), accept)
            )
        except Exception as error:
            raise ClientError(error) from error
        return Response(result[0], mimetype=result[1]) if isinstance(result, tuple) else result

    return answer


def _default_input(body: str | bytes, content_type: str) -> object:
    if content_type != JSON:
        raise ValueError(f"content type {content_type}: without an input_fn the local cloud reads {JSON} only")
    return json.loads(body)


def _default_predict(data: object, model: Any) -> object:
    return model.predict(data, validate_features=False)


def _default_output(prediction: object, accept: str) -> Response:
    if accept != JSON:
        raise ValueError(f"accept {accept}: without an output_fn the local cloud writes {JSON} only")
    return Response(json.dumps(prediction), mimetype=accept)


_DEFAULTS: tuple[Callable[..., Any], ...] = (_default_input, _default_predict, _default_output)


class Worker:
    """The WSGI application; `app` is None until the first request has loaded the model."""

    def __init__(self, name: str, model_dir: Path):
        self._name, self._model_dir, self._lock = name, model_dir, threading.Lock()
        self._app: flask.Flask | None = None

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        try:
            app = self._loaded()
        except Exception:
            traceback.print_exc()
            headers = [("Content-Type", "text/html"), ("Content-Length", str(len(_CRASH)))]
            start_response("500 Internal Server Error", headers)
            return [_CRASH]
        return app(environ, start_response)

    def _loaded(self) -> flask.Flask:
        with self._lock:
            if self._app is None:
                module = importlib.import_module(self._name)
                if not hasattr(module, "model_fn"):
                    raise NotImplementedError("Please provide a model_fn implementation.")
                invocations = transformer(module, module.model_fn(str(self._model_dir)))
                app = flask.Flask(self._name)
                app.request_class = Request
                app.add_url_rule("/invocations", "invocations", invocations, methods=["POST"])
                app.add_url_rule("/ping", "ping", lambda: Response(status=200))
                self._app = app
            return self._app


class Handler(WSGIRequestHandler):
    """Connections are kept open between requests, and small answers are sent at once."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are counted by the endpoint's metrics; a line for each would drown the script's own log."""


def main() -> None:
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    code, program = base / "code", os.environ["SAGEMAKER_PROGRAM"]
    name = program.removesuffix(".py")
    code.mkdir(parents=True, exist_ok=True)
    fetch_sources(os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", str(code)), code, base)
    prepare(code, name)
    sys.path.insert(0, str(code))
    importlib.import_module(name)
    server = make_server("127.0.0.1", int(sys.argv[1]), Worker(name, base / "model"), True, request_handler=Handler)
    print(f"serving {program}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
