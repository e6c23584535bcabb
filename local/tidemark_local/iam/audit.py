"""Writes down every refusal of IAM enforcement, so that a run can prove that there was none.

What is refused follows "Policy evaluation logic"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html), as the emulator evaluates
it. Each line of `access-denied.ndjson` in the state folder holds time, principal, action, resource and decision
(ImplicitDeny when nothing allows the action, Deny when a statement forbids it). Requests with unknown credentials are
not refusals of a policy, and are not written.
"""

import json
import os
import threading
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

FILE = "access-denied.ndjson"
_lock = threading.Lock()


def register(context: LocalContext) -> None:
    """Records refusals from now on. Call it once, before requests are served."""
    enforce = iam_evaluator.enforce
    (context.state_dir / FILE).unlink(missing_ok=True)

    def enforce_and_record(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ):
        result = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        if isinstance(result, iam_evaluator.EvalResult):
            record(context, result.principal_arn, iam_action, resource_arn, result.decision)
        return result

    iam_evaluator.enforce = enforce_and_record


def record(context: LocalContext, principal: str, action: str, resource: str, decision: str) -> None:
    """Writes one refusal down. `principal` is an ARN or a service principal."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "principal": principal,
        "action": action,
        "resource": resource,
        "decision": decision,
    }
    descriptor = os.open(context.state_dir / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with _lock, os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


PLUGIN = Plugin(
    name="iam.audit",
    service="IAM",
    words=__doc__,
    alone="Answers a refusal, and remembers none.",
    register=register,
    relies_on=[
        ReliesOn("app", has={"_dispatch_service_request": ["enforce"], "_enforce_data_plane": ["enforce"]}),
        ReliesOn(
            "core.iam_evaluator",
            functions={"enforce": "(access_key_id, iam_action, service, region, resource_arn, service_context)"},
        ),
    ],
)
