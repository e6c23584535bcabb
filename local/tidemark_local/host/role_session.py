"""What a job, an endpoint or a state machine may do: AWS clients and a process environment with its role's
credentials.
"""

import json
import os
from typing import Any

import boto3.session
from botocore.config import Config

from .context import LocalContext
from .relies_on import ReliesOn

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "JAVA_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE")


def trusts(role_arn: str, service: str) -> bool:
    """Whether the role exists and its trust policy lets the service principal assume it."""
    from ministack.services import iam

    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    document = (role or {}).get("AssumeRolePolicyDocument") or {}
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and service in ([services] if isinstance(services, str) else services):
            return True
    return False


class RoleSession:
    """One role's view of the local cloud."""

    def __init__(self, context: LocalContext, role_arn: str):
        self._context = context
        self.role_arn = role_arn
        self._clients: dict[str, Any] = {}

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client with the role's credentials. Signature and IAM are checked by the emulator, as on AWS."""
        if service not in self._clients:
            credentials = self._context.role_credentials(self.role_arn)
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name=self._context.region,
                endpoint_url=self._context.endpoint,
                aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
                config=Config(
                    s3={"addressing_style": "path"},
                    retries={"max_attempts": 1, "mode": "standard"},
                    parameter_validation=False,
                    **config,
                ),
            )
        return self._clients[service]

    def environment(self) -> dict[str, str]:
        """The environment of a process that runs as this role: nothing of the launcher's own AWS settings is
        inherited.
        """
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        env.update(self._context.role_credentials(self.role_arn))
        env.update(
            AWS_REGION=self._context.region,
            AWS_DEFAULT_REGION=self._context.region,
            AWS_ENDPOINT_URL=self._context.endpoint,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_CONFIG_FILE=os.devnull,
            PYTHONUNBUFFERED="1",
        )
        return env


RELIES_ON = [ReliesOn("services.iam", values=["_roles"])]
