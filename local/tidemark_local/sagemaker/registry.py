"""The model registry: model package groups and their numbered versions.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html; each change of a version's approval is announced on
EventBridge as "SageMaker Model Package State Change", as is every other change of it
(https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html).
"""

from ..eventbridge import state_events
from .errors import conflict, validation
from .model_card import check_model_card
from .state import SageMakerState, now, page, selected

_PACKAGE_MEMBERS = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)


def create_group(state: SageMakerState, data: dict) -> dict:
    name, arn = data["ModelPackageGroupName"], state.arn("model-package-group", data["ModelPackageGroupName"])
    with state.lock:
        if name in state.package_groups:
            raise validation(f"Model Package Group already exists: {arn}")
        state.package_groups[name] = {
            **selected(data, "ModelPackageGroupName", "ModelPackageGroupDescription"),
            "ModelPackageGroupArn": arn,
            "CreationTime": now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
            "_versions": 0,
        }
        state.tag(arn, data.get("Tags"))
    return {"ModelPackageGroupArn": arn}


def find_group(state: SageMakerState, name: str) -> dict:
    short = name.rsplit("/", 1)[-1] if name.startswith("arn:") else name
    for known, record in state.package_groups.items():
        if known.lower() == short.lower():
            return record
    raise validation(f"ModelPackageGroup {state.arn('model-package-group', short)} does not exist.")


def describe_group(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        record = find_group(state, data["ModelPackageGroupName"])
        return {key: value for key, value in record.items() if not key.startswith("_")}


def delete_group(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        record = find_group(state, data["ModelPackageGroupName"])
        name = record["ModelPackageGroupName"]
        if any(package["ModelPackageGroupName"] == name for package in state.packages.values()):
            raise conflict(
                f"Model Package Group {record['ModelPackageGroupArn']} cannot be deleted: it contains model packages."
            )
        state.package_groups.pop(name)
        state.tags.pop(record["ModelPackageGroupArn"], None)
    return {}


def list_groups(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        answer = page(
            list(state.package_groups.values()),
            data,
            key="ModelPackageGroupSummaryList",
            name="ModelPackageGroupName",
            sort={"Name": "ModelPackageGroupName"},
        )
    answer["ModelPackageGroupSummaryList"] = [
        selected(
            record,
            "ModelPackageGroupName",
            "ModelPackageGroupArn",
            "ModelPackageGroupDescription",
            "CreationTime",
            "ModelPackageGroupStatus",
        )
        for record in answer["ModelPackageGroupSummaryList"]
    ]
    return answer


def create_package(state: SageMakerState, data: dict) -> dict:
    """CreateModelPackage: a new version of a group, numbered from 1; numbers of deleted versions are not used again."""
    if data.get("ModelPackageName") and data.get("ModelPackageGroupName"):
        raise validation(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which "
            "one to use."
        )
    if not data.get("ModelPackageGroupName"):
        raise validation("Missing ARN. The local cloud keeps versioned packages: name a ModelPackageGroupName.")
    if data.get("Tags"):
        # CreateModelPackage, Tags: "If you supply ModelPackageGroupName, your model package belongs to the model
        # group you specify and uses the tags associated with the model group. In this case, you cannot supply a tag
        # argument."
        raise validation("Tags cannot be supplied for a versioned model package: tag its model package group.")
    check_model_card(data.get("ModelCard", {}))
    with state.lock:
        group = find_group(state, data["ModelPackageGroupName"])
        group["_versions"] += 1
        version, name = group["_versions"], group["ModelPackageGroupName"]
        arn = state.arn("model-package", f"{name}/{version}")
        created = now()
        state.packages[arn] = {
            **selected(data, *_PACKAGE_MEMBERS),
            "ModelPackageName": f"{name}/{version}",
            "ModelPackageGroupName": name,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "CreationTime": created,
            "LastModifiedTime": created,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": data.get("CertifyForMarketplace", False),
            # ModelApprovalStatus: "This parameter is optional for versioned models"; it starts as
            # PendingManualApproval.
            "ModelApprovalStatus": data.get("ModelApprovalStatus", "PendingManualApproval"),
        }
        announce(state, state.packages[arn])
    return {"ModelPackageArn": arn}


def find_package(state: SageMakerState, name: str) -> dict:
    arn = name if name.startswith("arn:") else state.arn("model-package", name)
    if arn not in state.packages:
        raise validation(f"ModelPackage {arn} does not exist.")
    return state.packages[arn]


def describe_package(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        return dict(find_package(state, data["ModelPackageName"]))


def update_package(state: SageMakerState, data: dict) -> dict:
    """UpdateModelPackage: approval, its description, customer metadata, the card and the inference specification."""
    check_model_card(data.get("ModelCard", {}))
    with state.lock:
        record = find_package(state, data["ModelPackageArn"])
        if "ModelCard" in data:
            # ModelCardStatus: "If you try to update the model card content, you will receive the message Model Card is
            # in Archived state."
            if record.get("ModelCard", {}).get("ModelCardStatus") == "Archived":
                raise validation("Model Card is in Archived state.")
            record["ModelCard"] = {**record.get("ModelCard", {}), **data["ModelCard"]}
        metadata = {**record.get("CustomerMetadataProperties", {}), **data.get("CustomerMetadataProperties", {})}
        for key in data.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if metadata:
            record["CustomerMetadataProperties"] = metadata
        else:
            record.pop("CustomerMetadataProperties", None)
        members = (
            "ModelApprovalStatus",
            "ApprovalDescription",
            "InferenceSpecification",
            "SourceUri",
            "ModelLifeCycle",
        )
        record.update(selected(data, *members))
        record["LastModifiedTime"] = now()
        # Each update is told, whatever it changed; the event names the members that it gave.
        announce(state, record, [name for name in data if name != "ModelPackageArn"])
    return {"ModelPackageArn": record["ModelPackageArn"]}


def delete_package(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        state.packages.pop(find_package(state, data["ModelPackageName"])["ModelPackageArn"])
    return {}


def list_packages(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        group = data.get("ModelPackageGroupName")
        group_name = find_group(state, group)["ModelPackageGroupName"] if group else None

        def keep(record: dict) -> bool:
            return group_name in (None, record["ModelPackageGroupName"]) and data.get("ModelApprovalStatus") in (
                None,
                record["ModelApprovalStatus"],
            )

        answer = page(
            list(state.packages.values()),
            data,
            key="ModelPackageSummaryList",
            keep=keep,
            name="ModelPackageName",
            sort={"Name": "ModelPackageName"},
        )
    answer["ModelPackageSummaryList"] = [
        selected(
            record,
            "ModelPackageGroupName",
            "ModelPackageVersion",
            "ModelPackageArn",
            "ModelPackageDescription",
            "CreationTime",
            "ModelPackageStatus",
            "ModelApprovalStatus",
            "ModelPackageRegistrationType",
        )
        for record in answer["ModelPackageSummaryList"]
    ]
    return answer


def announce(state: SageMakerState, record: dict, updated: list[str] | None = None) -> None:
    """Puts a version's state on the event bus. `updated` are the members that an update gave."""
    detail = selected(
        record,
        "ModelPackageGroupName",
        "ModelPackageName",
        "ModelPackageArn",
        "ModelPackageVersion",
        "ModelPackageStatus",
        "InferenceSpecification",
        "ModelApprovalStatus",
        "CustomerMetadataProperties",
    )
    if updated is not None:
        detail["UpdatedModelPackageFields"] = updated
    for name in ("CreationTime", "LastModifiedTime"):
        detail[name] = int(record[name] * 1000)
    kind = "SageMaker Model Package State Change"
    state_events.announce(state.context, "aws.sagemaker", kind, detail, [record["ModelPackageArn"]])


OPERATIONS = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "DeleteModelPackageGroup": delete_group,
    "ListModelPackageGroups": list_groups,
    "CreateModelPackage": create_package,
    "DescribeModelPackage": describe_package,
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": delete_package,
    "ListModelPackages": list_packages,
}
