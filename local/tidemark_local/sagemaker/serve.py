"""The process of one production variant: serves a model's script on /ping and /invocations.

Follows "Use Your Own Inference Code with Hosting Services"
(https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html) and the functions of the framework
containers: model_fn(model_dir), input_fn(body, content_type), predict_fn(data, model), output_fn(prediction, accept),
or transform_fn(model, body, content_type, accept) in place of the last three. As in the XGBoost framework container
input_fn gets text for application/json and text/csv, and bytes for everything else.

Run as `python serve.py <folder of the sources> <file of the script> <folder of the model> <port>`; it needs the
standard library only.
"""

import importlib.util
import json
import socket
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TEXT_TYPES = ("application/json", "text/csv")
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class UnsupportedContentTypeError(ValueError):
    """The default input_fn or output_fn knows only JSON."""


class Service:
    """The loaded model with its functions."""

    def __init__(self, code: Path, program: str, model_dir: str):
        sys.path.insert(0, str(code))
        spec = importlib.util.spec_from_file_location(Path(program).stem, code / program)
        if spec is None or spec.loader is None:
            raise ImportError(f"{program} cannot be imported: a Python file is expected")
        module = importlib.util.module_from_spec(spec)
        sys.modules[Path(program).stem] = module
        spec.loader.exec_module(module)
        if not hasattr(module, "model_fn"):
            raise AttributeError(f"{program} has no model_fn: define model_fn(model_dir)")
        self._model = module.model_fn(model_dir)
        self._transform = getattr(module, "transform_fn", None)
        self._input = getattr(module, "input_fn", _default_input)
        self._predict = getattr(module, "predict_fn", _default_predict)
        self._output = getattr(module, "output_fn", _default_output)

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The answer's body and content type."""
        content = body.decode() if content_type.split(";")[0].strip().lower() in TEXT_TYPES else body
        if self._transform:
            answer = self._transform(self._model, content, content_type, accept)
        else:
            answer = self._output(self._predict(self._input(content, content_type), self._model), accept)
        answer, kind = answer if isinstance(answer, tuple) else (answer, accept)
        return answer.encode() if isinstance(answer, str) else bytes(answer), kind


def _default_input(body: str | bytes, content_type: str) -> object:
    if not content_type.startswith("application/json"):
        raise UnsupportedContentTypeError(f"content type {content_type} is not supported: send application/json")
    return json.loads(body)


def _default_predict(data: object, model: object) -> object:
    return model.predict(data)


def _default_output(prediction: object, accept: str) -> tuple[str, str]:
    if accept not in ("application/json", "*/*"):
        raise UnsupportedContentTypeError(f"accept {accept} is not supported: ask for application/json")
    return json.dumps(prediction), "application/json"


class Handler(BaseHTTPRequestHandler):
    """One connection; it is kept open between requests, and small answers are sent at once."""

    protocol_version = "HTTP/1.1"
    service: Service

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"\n", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/invocations":
            self._answer(404, b"not found\n", "text/plain")
            return
        content_type = self.headers.get("Content-Type") or "application/octet-stream"
        accept = self.headers.get("Accept") or "application/json"
        if accept == "*/*":
            accept = "application/json"
        try:
            answer, kind = self.service.invoke(body, content_type, accept)
        except UnsupportedContentTypeError as error:
            self._answer(415, str(error).encode(), "text/plain")
        except Exception as error:
            traceback.print_exc()
            # A script names the status of a refused request by the `status_code` of its exception, else it is a fault.
            status = getattr(error, "status_code", 500)
            self._answer(status, (str(error) or type(error).__name__).encode(), "text/plain")
        else:
            self._answer(200, answer, kind)

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.headers.get(CUSTOM_ATTRIBUTES):
            self.send_header(CUSTOM_ATTRIBUTES, self.headers[CUSTOM_ATTRIBUTES])
        self._headers_buffer.append(b"\r\n")
        self.wfile.write(b"".join(self._headers_buffer) + body)
        self._headers_buffer = []

    def log_message(self, format: str, *args: object) -> None:
        """Requests are counted by the endpoint's metrics; a line for each would drown the script's own log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    code, program, model_dir, port = sys.argv[1:5]
    Handler.service = Service(Path(code), program, model_dir)
    server = Server(("127.0.0.1", int(port)), Handler)
    print(f"serving {program}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
