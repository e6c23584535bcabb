"""What the SageMaker plug-in knows: its resources, their ARNs, tags and pages of lists."""

import base64
import threading
import time
from collections.abc import Callable, Iterable

from ..host.context import LocalContext
from ..host.role_session import trusts
from .errors import validation

_OF_RUNS: dict[int, "SageMakerState"] = {}


class SageMakerState:
    """All resources of one account and region. Take `lock` for every read-and-change; records are plain dicts.

    `context` is the launcher's LocalContext.
    """

    def __init__(self, context: LocalContext):
        self.context = context
        self.lock = threading.RLock()
        self.training_jobs: dict[str, dict] = {}
        self.models: dict[str, dict] = {}
        self.endpoint_configs: dict[str, dict] = {}
        self.endpoints: dict[str, dict] = {}
        self.package_groups: dict[str, dict] = {}
        self.packages: dict[str, dict] = {}  # by ARN
        self.scalable_targets: dict[str, dict] = {}  # by resource id, of Application Auto Scaling
        self.mlflow_apps: dict[str, dict] = {}  # by ARN
        self.tags: dict[str, dict[str, str]] = {}  # by ARN

    @classmethod
    def of(cls, context: LocalContext) -> "SageMakerState":
        """The one of this run."""
        return _OF_RUNS.setdefault(id(context), cls(context))

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource; SageMaker writes names in ARNs in lower case."""
        return f"arn:aws:sagemaker:{self.context.region}:{self.context.account}:{kind}/{name.lower()}"

    def check_role(self, role_arn: str) -> None:
        """Raises ValidationException when SageMaker could not assume the role: it must exist and trust the service."""
        if not trusts(role_arn, "sagemaker.amazonaws.com"):
            raise validation(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role."
            )

    def tag(self, arn: str, tags: Iterable[dict] | None) -> None:
        for item in tags or ():
            self.tags.setdefault(arn, {})[item["Key"]] = item["Value"]


def now() -> float:
    """Seconds since the epoch, as AWS JSON 1.1 writes times."""
    return round(time.time(), 3)


def page(
    records: Iterable[dict],
    data: dict,
    *,
    key: str,
    keep: Callable[[dict], bool] = lambda record: True,
    name: str = "",
    sort: dict[str, str] | None = None,
) -> dict:
    """One page of a List operation: filters NameContains and CreationTime*, sorts, and cuts at MaxResults.

    `name` is the member NameContains looks at; `sort` maps SortBy values to members (default: CreationTime, newest
    first).
    """
    found = [record for record in records if keep(record)]
    if data.get("NameContains"):
        found = [record for record in found if data["NameContains"].lower() in record.get(name, "").lower()]
    if data.get("CreationTimeAfter") is not None:
        found = [record for record in found if record["CreationTime"] > data["CreationTimeAfter"]]
    if data.get("CreationTimeBefore") is not None:
        found = [record for record in found if record["CreationTime"] < data["CreationTimeBefore"]]
    member = (sort or {}).get(data.get("SortBy", ""), "CreationTime")
    # The sort is stable over insertion order, so equal times keep the order in which the records were made.
    found.sort(key=lambda record: record.get(member) or 0)
    if data.get("SortOrder", "Descending") == "Descending":
        found.reverse()
    start = _offset(data.get("NextToken"))
    size = data.get("MaxResults") or 10
    answer: dict = {key: found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
    return answer


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise validation("The NextToken is invalid: pass the token of the previous answer unchanged.") from None


def selected(record: dict, *members: str) -> dict:
    """The named members that the record has, for summaries."""
    return {member: record[member] for member in members if record.get(member) is not None}
