"""Service quotas: what an account may have at most, and the Service Quotas API that tells it.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html and
API_GetServiceQuota.html, for the quotas that the product meets: instances of SageMaker endpoints and training jobs
(https://docs.aws.amazon.com/general/latest/gr/sagemaker.html) and concurrent executions of Lambda
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).

`established` is an account whose quotas were raised; `new-account` one as it is opened: no endpoint instance of
ml.m5.large, and ten concurrent executions.
"""

import json
from dataclasses import dataclass
from typing import Any

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn

PROFILES = ("established", "new-account")
_LAMBDA = "Concurrent executions"


@dataclass(frozen=True)
class Quota:
    """One quota: its value in each profile, in the order of PROFILES."""

    service: str
    code: str
    name: str
    values: tuple[float, float]
    default: float
    """AWS's default value."""


# The codes of SageMaker's quotas are not in a document that could be read: look these quotas up by their names. Only
# Lambda's is AWS's own.
QUOTAS = (
    Quota("lambda", "L-B99A9384", _LAMBDA, (1000, 10), 1000),
    *(
        Quota("sagemaker", f"L-LOCAL{number:03}", name, values, values[1])
        for number, (name, values) in enumerate(
            {
                "ml.m5.large for endpoint usage": (100, 0),
                "ml.m5.xlarge for endpoint usage": (100, 0),
                "ml.t2.medium for endpoint usage": (100, 2),
                "ml.m5.large for training job usage": (100, 0),
                "ml.m5.xlarge for training job usage": (100, 0),
            }.items(),
            1,
        )
    ),
)


def value(profile: str, name: str) -> float | None:
    """The quota of this name; None where this profile has none, 0 for unlisted ones of a new account's SageMaker."""
    for quota in QUOTAS:
        if quota.name == name:
            return quota.values[PROFILES.index(profile)]
    return 0 if profile == "new-account" and name.startswith("ml.") else None


def refusal(profile: str, name: str, used: int, asked: int) -> str | None:
    """ResourceLimitExceeded's message when `asked` instances beside `used` ones are more than the quota, else None."""
    limit = value(profile, name)
    return None if limit is None or used + asked <= limit else message(name, limit, used, asked)


def message(name: str, limit: float, used: int, asked: int) -> str:
    """AWS's words, as people quote them: github.com/aws-samples/sagemaker-custom-project-templates/issues/51."""
    return (
        f"The account-level service limit '{name}' is {limit:g} Instances, with current utilization of {used} "
        f"Instances and a request delta of {asked} Instances. Please use AWS Service Quotas to request an increase "
        "for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this "
        "quota."
    )


def register(context: LocalContext) -> None:
    """Adds the Service Quotas API to MiniStack, and gives its Lambda the account's concurrency. Call it once."""
    from ministack import app
    from ministack.core import iam_actions, router
    from ministack.services import lambda_svc

    if context.quotas != "established":
        lambda_svc._ACCOUNT_CONCURRENCY_CAP = int(value(context.quotas, _LAMBDA) or 0)

    async def handle(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple[int, dict, bytes]:
        status, data = answer(context, headers.get("x-amz-target", ""), body)
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(data).encode()

    router.SERVICE_PATTERNS["servicequotas"] = {
        "target_prefixes": ["ServiceQuotasV20190624."],
        "credential_scope": "servicequotas",
    }
    app.SERVICE_HANDLERS["servicequotas"] = handle
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"
    iam_actions._BOTOCORE_SERVICE_MAP["servicequotas"] = ["service-quotas"]


def answer(context: LocalContext, target: str, body: bytes) -> tuple[int, dict]:
    """Status and document of one request."""
    operation = target.rsplit(".", 1)[-1]
    data: dict[str, Any] = json.loads(body or b"{}")
    of_service = [quota for quota in QUOTAS if quota.service == data.get("ServiceCode")]
    if operation in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        if not of_service:
            return _missing("The request failed because the specified service does not exist.")
        default = operation == "ListAWSDefaultServiceQuotas"
        return 200, {"Quotas": [_quota(context, quota, default=default) for quota in of_service]}
    if operation in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        found = next((quota for quota in of_service if quota.code == data.get("QuotaCode")), None)
        if found is None:
            return _missing("The request failed because the specified service quota does not exist.")
        return 200, {"Quota": _quota(context, found, default=operation == "GetAWSDefaultServiceQuota")}
    return 400, {"__type": "UnknownOperationException", "message": f"The local cloud does not know {operation}."}


def _missing(text: str) -> tuple[int, dict]:
    return 400, {"__type": "NoSuchResourceException", "Message": text}


def _quota(context: LocalContext, quota: Quota, *, default: bool) -> dict:
    return {
        "ServiceCode": quota.service,
        "ServiceName": {"lambda": "AWS Lambda", "sagemaker": "Amazon SageMaker"}[quota.service],
        "QuotaArn": f"arn:aws:servicequotas:{context.region}:{context.account}:{quota.service}/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": quota.default if default else quota.values[PROFILES.index(context.quotas)],
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


PLUGIN = Plugin(
    name="service_quotas.quotas",
    service="Service Quotas",
    words=__doc__,
    alone="Does not have it.",
    register=register,
    operations=["service-quotas:ListServiceQuotas", "service-quotas:GetServiceQuota"],
    relies_on=[
        ReliesOn("app", values=["SERVICE_HANDLERS"]),
        ReliesOn("core.iam_actions", values=["SERVICE_TO_IAM_NAMESPACE", "_BOTOCORE_SERVICE_MAP"]),
        ReliesOn("core.router", values=["SERVICE_PATTERNS"]),
        ReliesOn(
            "services.lambda_svc",
            values=["_ACCOUNT_CONCURRENCY_CAP"],
            has={
                "_acquire_execution_slot": ["_ACCOUNT_CONCURRENCY_CAP"],
                "_get_account_settings": ["_ACCOUNT_CONCURRENCY_CAP"],
            },
        ),
    ],
)
