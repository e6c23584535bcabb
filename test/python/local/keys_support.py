"""A customer managed key in the running local cloud, and callers who have the data's grants and some of the key's."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jobs_support import Cloud, allow, document

ACCOUNT = "000000000000"
TO_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def new_key(cloud: Cloud, *statements: dict) -> str:
    """Makes a key whose policy has the statements, or lets the account's policies decide; its ARN."""
    return cloud.kms.create_key(Policy=document(*(statements or (TO_ACCOUNT,))))["KeyMetadata"]["Arn"]


class Caller:
    """A user who may do everything with the data, and with keys what `grant` has said last."""

    def __init__(self, cloud: Cloud, name: str, service: str, *actions: str):
        self._cloud, self._name, self._service = cloud, name, service
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        self.client: Any = cloud.user(name, allow(f"{service}:*"))(
            "dynamodbstreams" if service == "dynamodb" and name.endswith("streams") else service
        )
        self.grant(*actions)

    def grant(self, *actions: str, condition: dict[str, Any] | None = None) -> None:
        """Replaces the caller's grants on keys. Without actions there is none."""
        statements = [allow(f"{self._service}:*")]
        if actions:
            statements.append({**allow(list(actions)), **({"Condition": condition} if condition else {})})
        self._cloud.iam.put_user_policy(UserName=self._name, PolicyName="grants", PolicyDocument=document(*statements))


def refused(call: Callable[[], Any]) -> dict[str, Any]:
    """Code, message and status of the refusal; fails when the call succeeds."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return {
        "code": error["Error"]["Code"],
        "message": error["Error"]["Message"],
        "status": error["ResponseMetadata"]["HTTPStatusCode"],
    }


def denials(cloud: Cloud) -> list[dict[str, str]]:
    """What the audit holds."""
    file = cloud.state / "access-denied.ndjson"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
