"""SageMaker runtime: InvokeEndpoint.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and, for the choice of the
variant, https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html: "Amazon SageMaker AI distributes the
traffic between production variants based on the weights"; TargetVariant "overrides the default behavior".
"""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from . import fleets
from .errors import SageMakerError
from .state import SageMakerState
from .variants import Variant

MAX_BODY_BYTES = 6_291_456  # InvokeEndpoint, Body: "Length Constraints: Maximum length of 6291456"
# Copies that are under way at once.
_MOST_COPIES = 16
_COPIES = threading.BoundedSemaphore(_MOST_COPIES)
_COPIERS = ThreadPoolExecutor(_MOST_COPIES, thread_name_prefix="shadow")
_FORWARDED = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id")


def invoke(state: SageMakerState, name: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Sends a request to one variant. `headers` have lower-case names; the answer names the variant that gave it."""
    if len(body) > MAX_BODY_BYTES:
        raise SageMakerError(
            "ValidationError", f"The body has {len(body)} bytes: at most {MAX_BODY_BYTES} are allowed."
        )
    variant, shadow = _choose(state, name, headers.get("x-amzn-sagemaker-target-variant"))
    if shadow is not None:
        _copy(state, name, shadow, headers, body)
    try:
        return _send(state, name, variant, headers, body)
    finally:
        variant.give_back()


def _copy(state: SageMakerState, name: str, shadow: Variant, headers: dict[str, str], body: bytes) -> None:
    """Sends the same request to a shadow, beside it: "Only the responses of the production variant are returned to the
    calling application" (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html). A shadow that is busy gets
    no copy."""
    if not _COPIES.acquire(blocking=False):
        shadow.give_back()
        return

    def send() -> None:
        try:
            _send(state, name, shadow, headers, body)
        except SageMakerError:
            pass  # it is measured, and nobody waits for it
        finally:
            shadow.give_back()
            _COPIES.release()

    _COPIERS.submit(send)


def _send(
    state: SageMakerState, name: str, variant: Variant, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    started = time.perf_counter()
    try:
        status, answered, answer = variant.invoke(body, {key: headers[key] for key in _FORWARDED if headers.get(key)})
    except TimeoutError:
        _measure(state, name, variant, started, 504)
        message = (
            "Invocation timed out while waiting for a response from container primary. Review the latency metrics "
            "for each "
            "container in Amazon CloudWatch, resolve the issue, and try again."
        )
        raise _model_error(state, variant, 0, "", message) from None
    except (OSError, http.client.HTTPException) as error:
        _measure(state, name, variant, started, 502)
        raise _model_error(state, variant, 502, f"{type(error).__name__}: {error}") from error
    _measure(state, name, variant, started, status)
    if variant.capture:
        content_type = answered.get("content-type", "application/octet-stream")
        variant.capture.keep(
            (headers.get("content-type", "application/octet-stream"), body),
            (content_type, answer) if 200 <= status < 300 else None,
            headers.get("x-amzn-sagemaker-inference-id"),
        )
    if not 200 <= status < 300:
        raise _model_error(state, variant, status, answer.decode(errors="replace"))
    found = {
        # In lower case: MiniStack puts the control plane's type in place of an "application/json" it finds as
        # Content-Type.
        "content-type": answered.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant.name,
    }
    custom = answered.get("x-amzn-sagemaker-custom-attributes")
    if custom:
        found["X-Amzn-SageMaker-Custom-Attributes"] = custom
    return 200, found, answer


def _choose(state: SageMakerState, name: str, target: str | None) -> tuple[Variant, Variant | None]:
    """A variant and the shadow that gets a copy, with this request counted in: an update under the same lock cannot end
    them in between."""
    with state.lock:
        endpoint = state.endpoints.get(name)
        if not endpoint or not (endpoint["_variants"] or endpoint["_green_share"]):
            raise SageMakerError("ValidationError", f"Endpoint {name} of account {state.context.account} not found.")
        try:
            variant, shadow = fleets.pick(endpoint, target)
        except SageMakerError as error:
            raise SageMakerError("ValidationError", error.message) from None
        if variant is None:
            raise SageMakerError(
                "ValidationError",
                f"Variant {target} was not found for endpoint {name} of account {state.context.account}.",
            )
        for one in (variant, shadow):
            if one is not None:
                one.take()
        return variant, shadow


def _model_error(
    state: SageMakerState, variant: Variant, status: int, original: str, message: str | None = None
) -> SageMakerError:
    word = "server" if status >= 500 else "client"
    group = variant.log_group
    return SageMakerError(
        "ModelError",
        message
        or f'Received {word} error ({status}) from primary with message "{original}". See the log group {group} in '
        f"account "
        f"{state.context.account} for more information.",
        424,
        OriginalStatusCode=status,
        OriginalMessage=original,
        LogStreamArn=f"arn:aws:logs:{state.context.region}:{state.context.account}:log-group:{group}",
    )


def _measure(state: SageMakerState, name: str, variant: Variant, started: float, status: int) -> None:
    """The endpoint's metrics in AWS/SageMaker (https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html)."""
    dimensions = {"EndpointName": name, "VariantName": variant.name}
    microseconds = (time.perf_counter() - started) * 1e6
    for metric, value, unit in (
        ("Invocations", 1, "Count"),
        ("Invocation4XXErrors", int(400 <= status < 500), "Count"),
        ("Invocation5XXErrors", int(status >= 500), "Count"),
        ("ModelLatency", microseconds, "Microseconds"),
        # "1/numberOfInstances is sent as the value on each request".
        *([("InvocationsPerInstance", 1 / variant.instances, "None")] if variant.instances else []),
    ):
        state.context.put_metric("AWS/SageMaker", metric, dimensions, value, unit)
        if variant.config_name:
            # "CloudWatch publishes the metrics with the dimension EndpointConfigName:{New-Ep-Config} after the new
            # fleet starts receiving traffic, and these metrics last even after the deployment is complete."
            by_fleet = {**dimensions, "EndpointConfigName": variant.config_name}
            state.context.put_metric("AWS/SageMaker", metric, by_fleet, value, unit)


def error_body(error: SageMakerError) -> tuple[int, dict[str, str], bytes]:
    """An error in the REST-JSON form of the runtime."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"Message": error.message, **error.extra}).encode()
