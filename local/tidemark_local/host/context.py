"""What every plug-in of the local cloud is given."""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .relies_on import ReliesOn

logger = logging.getLogger("tidemark.local")


@dataclass
class LocalContext:
    """The running local cloud, as `register(context)` of each plug-in module sees it.

    `state_dir` is private to this user (mode 0700) and to this run. `python` is the interpreter that runs jobs and
    endpoints.
    """

    endpoint: str
    port: int
    state_dir: Path
    python: Path
    repo_root: Path
    region: str = "us-east-1"
    account: str = "000000000000"
    time_scale: float = 1.0
    """Seconds here for a second that AWS waits: of deployments' bakes, alarms' periods, Wait states."""
    quotas: str = "established"
    """The account's quotas: a profile of service_quotas/quotas.py."""
    access_key_id: str = field(default_factory=lambda: f"AKIA{secrets.token_hex(8).upper()}")
    """The account's root in this run, with a secret that is nowhere but here and with whoever started the cloud."""
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)
    _stop_hooks: list[Callable[[], None]] = field(default_factory=list)
    _run_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def on_stop(self, hook: Callable[[], None]) -> None:
        """Calls `hook` when the cloud stops, the last registered first. It must return within a few seconds."""
        self._stop_hooks.append(hook)

    def run_stop_hooks(self) -> None:
        """Runs each hook once. One that fails is logged, so that the others still end their processes."""
        while self._stop_hooks:
            hook = self._stop_hooks.pop()
            try:
                hook()
            except Exception:
                logger.exception("a stop hook failed")

    def role_credentials(self, role_arn: str, session_name: str = "tidemark-local") -> dict[str, str]:
        """Temporary credentials of an IAM role, as environment variables; the emulator enforces the role's policies
        on them.

        The same role and session name give the same credentials for the whole run, so nothing piles up. They are
        unguessable, and do not expire. Raises ValueError when no such role exists.
        """
        from ministack.core import iam_evaluator
        from ministack.core.responses import request_scope
        from ministack.services import sts

        with request_scope(self.account, self.region):
            problem = iam_evaluator.validate_role_arn(role_arn)
        if problem:
            raise ValueError(f"role {role_arn} cannot be used: {problem}")
        role_name = role_arn.rsplit("/", 1)[-1]
        digest = hashlib.blake2b(f"{role_arn}\n{session_name}".encode(), key=self._run_key).hexdigest()
        credentials = {
            "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
            "AWS_SECRET_ACCESS_KEY": digest[16:56],
            "AWS_SESSION_TOKEN": digest[56:],
        }
        sts.register_session(
            credentials["AWS_ACCESS_KEY_ID"],
            {
                "Arn": f"arn:aws:sts::{self.account}:assumed-role/{role_name}/{session_name[:64]}",
                "UserId": f"{role_name}:{session_name[:64]}",
                "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
                "SessionToken": credentials["AWS_SESSION_TOKEN"],
            },
        )
        return credentials

    def put_metric(
        self,
        namespace: str,
        name: str,
        dimensions: dict[str, str],
        value: float,
        unit: str = "None",
        timestamp: float | None = None,
    ) -> None:
        """One data point for CloudWatch. `timestamp` is in seconds since the epoch; None means now."""
        from ministack.core.responses import request_scope
        from ministack.services import cloudwatch

        with request_scope(self.account, self.region):
            key = (namespace, name, cloudwatch._dims_key(dimensions))
            cloudwatch._metric_bucket(key).append(
                {
                    "Timestamp": time.time() if timestamp is None else timestamp,
                    "Value": float(value),
                    "Unit": unit,
                    "Dimensions": dict(dimensions),
                }
            )


RELIES_ON = [
    ReliesOn("core.iam_evaluator", functions={"validate_role_arn": "(role_arn)"}),
    ReliesOn("core.responses", functions={"request_scope": "(account_id, region)"}),
    ReliesOn("services.cloudwatch", functions={"_dims_key": "(dims)", "_metric_bucket": "(key)"}),
    ReliesOn("services.sts", functions={"register_session": "(access_key, session)"}),
]
