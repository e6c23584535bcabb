"""MLflow Apps: made, changed, listed and deleted, by the API and by CloudFormation. No MLflow runs behind them.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMlflowApp.html;
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-mlflowapp.html
"""

import secrets
from collections.abc import Callable

from ..requests import gate
from .errors import SageMakerError, validation
from .state import SageMakerState, now, page, selected

_VERSION = "3.17.2"
_ID_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_SETTINGS = ("ArtifactStoreUri", "ModelRegistrationMode", "WeeklyMaintenanceWindowStart", "AccountDefaultStatus")


def create(state: SageMakerState, data: dict) -> dict:
    """Its name is no part of its ARN, so two may have the same."""
    state.check_role(data["RoleArn"])
    app = "app-" + "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    arn = f"arn:aws:sagemaker:{state.context.region}:{state.context.account}:mlflow-app/{app}"
    with state.lock:
        created = now()
        state.mlflow_apps[arn] = {
            "ModelRegistrationMode": "AutoModelRegistrationDisabled",
            **selected(data, "Name", "RoleArn", "KmsKeyId", "DefaultDomainIdList", *_SETTINGS),
            "Arn": arn,
            "MlflowVersion": _VERSION,
            "Status": "Created",
            "CreationTime": created,
            "LastModifiedTime": created,
        }
        state.tag(arn, data.get("Tags"))
    return {"Arn": arn}


def find(state: SageMakerState, arn: str) -> dict:
    if arn not in state.mlflow_apps:
        raise SageMakerError("ResourceNotFound", f"MlflowApp {arn} does not exist.")
    return state.mlflow_apps[arn]


def describe(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        return dict(find(state, data["Arn"]))


def update(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        record = find(state, data["Arn"])
        changed = selected(data, "Name", "DefaultDomainIdList", *_SETTINGS)
        record.update(changed, Status="Updated", LastModifiedTime=now())
    return {"Arn": record["Arn"]}


def delete(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        state.mlflow_apps.pop(find(state, data["Arn"])["Arn"])
        state.tags.pop(data["Arn"], None)
    return {"Arn": data["Arn"]}


def list_apps(state: SageMakerState, data: dict) -> dict:
    members = ("Arn", "Name", "Status", "CreationTime", "LastModifiedTime", "MlflowVersion")

    def keep(record: dict) -> bool:
        asked = ("Status", "MlflowVersion", "AccountDefaultStatus")
        return all(data.get(member) in (None, record.get(member)) for member in asked)

    with state.lock:
        found = list(state.mlflow_apps.values())
        answer = page(found, data, key="Summaries", keep=keep, name="Name", sort={"Name": "Name", "Status": "Status"})
    answer["Summaries"] = [selected(record, *members) for record in answer["Summaries"]]
    return answer


def template_handler(state: SageMakerState, typed: Callable[[str, dict], dict]) -> dict[str, Callable]:
    """What MiniStack calls for the type; `typed(operation, properties)` gives values the types of the API."""

    def attributes(arn: str) -> dict:
        record = state.mlflow_apps[arn]
        return {**selected(record, "Arn", "MlflowVersion", "Status"), "MlflowAppId": arn.rsplit("/", 1)[-1]}

    def make(logical_id: str, props: dict, stack_name: str) -> tuple[str, dict]:
        data = typed("CreateMlflowApp", props)
        found = gate.findings("sagemaker", "CreateMlflowApp", data)
        if found.violations:
            raise validation(found.text())
        arn = create(state, data)["Arn"]
        return arn, attributes(arn)

    def change(physical_id: str, old: dict, new: dict, stack_name: str) -> tuple[str, dict]:
        update(state, {"Arn": physical_id, **typed("CreateMlflowApp", new)})
        return physical_id, attributes(physical_id)

    def remove(physical_id: str, props: dict) -> None:
        state.mlflow_apps.pop(physical_id, None)

    return {"create": make, "update": change, "delete": remove}


OPERATIONS = {
    "CreateMlflowApp": create,
    "DescribeMlflowApp": describe,
    "UpdateMlflowApp": update,
    "DeleteMlflowApp": delete,
    "ListMlflowApps": list_apps,
}
