"""Data capture: requests and answers of an endpoint as objects in S3.

"Capture data from real-time endpoint"
(https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html): JSON lines below
`<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/`, each with `captureData`, `eventMetadata` and `eventVersion`; what
has a content type that CaptureContentTypeHeader does not name is in base64. It never holds an answer up.
"""

import base64
import json
import logging
import queue
import random
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ..host.context import LocalContext
from ..host.objects import split_uri
from ..host.role_session import RoleSession

logger = logging.getLogger("tidemark.sagemaker.capture")
# How often what was captured is written (s, before scaling); AWS names no time.
_FLUSH_SECONDS = 60
_SHORTEST_SECONDS = 0.5


class Capture:
    """What one variant is asked and answers. `stop` writes what is left."""

    def __init__(self, context: LocalContext, session: RoleSession, config: dict, endpoint: str, variant: str):
        self._session, self._config = session, config
        self._bucket, prefix = split_uri(config["DestinationS3Uri"])
        self._prefix = "/".join(part for part in (prefix.strip("/"), endpoint, variant) if part)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._pause = max(_SHORTEST_SECONDS, _FLUSH_SECONDS * context.time_scale)
        self._writer = threading.Thread(target=self._write, name=f"capture-{variant}", daemon=True)
        self._writer.start()

    def keep(self, asked: tuple[str, bytes], answered: tuple[str, bytes] | None, inference_id: str | None) -> None:
        """One request and its answer, each as content type and body; a share of them, as the configuration says."""
        if random.random() * 100 >= self._config["InitialSamplingPercentage"]:
            return
        modes = {option["CaptureMode"] for option in self._config["CaptureOptions"]}
        data = {}
        if modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = self._side("INPUT", *asked)
        if answered is not None and modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = self._side("OUTPUT", *answered)
        event = {
            "eventId": str(uuid.uuid4()),
            **({"inferenceId": inference_id} if inference_id else {}),
            "inferenceTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self._lines.put(json.dumps({"captureData": data, "eventMetadata": event, "eventVersion": "0"}))

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        headers = self._config.get("CaptureContentTypeHeader") or {}
        plain = content_type.split(";")[0].strip().lower()
        for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
            if plain in headers.get(member, []):
                return _seen(mode, content_type, body.decode(errors="replace"), encoding)
        return _seen(mode, content_type, base64.b64encode(body).decode(), "BASE64")

    def _write(self) -> None:
        while not self._stopped.wait(self._pause):
            self._flush()

    def _flush(self) -> None:
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get_nowait())
        if not lines:
            return
        now = datetime.now(UTC)
        key = f"{self._prefix}/{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        body = "".join(f"{line}\n" for line in lines).encode()
        encryption: dict[str, Any] = {}
        if self._config.get("KmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._config["KmsKeyId"]}
        try:
            self._session.client("s3").put_object(Bucket=self._bucket, Key=key, Body=body, **encryption)
        except (ClientError, BotoCoreError) as error:
            logger.warning("%d captured requests could not be written: %s", len(lines), error)

    def stop(self) -> None:
        self._stopped.set()
        self._writer.join(5)
        self._flush()


def _seen(mode: str, content_type: str, data: str, encoding: str) -> dict[str, str]:
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
