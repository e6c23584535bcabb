"""AddTags, ListTags and DeleteTags (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html)."""

from .state import SageMakerState


def add(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        state.tag(data["ResourceArn"], data["Tags"])
        return {"Tags": _tags(state, data["ResourceArn"])}


def list_tags(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        return {"Tags": _tags(state, data["ResourceArn"])}


def delete(state: SageMakerState, data: dict) -> dict:
    with state.lock:
        for key in data["TagKeys"]:
            state.tags.get(data["ResourceArn"], {}).pop(key, None)
    return {}


def _tags(state: SageMakerState, arn: str) -> list[dict]:
    return [{"Key": key, "Value": value} for key, value in state.tags.get(arn, {}).items()]


OPERATIONS = {"AddTags": add, "ListTags": list_tags, "DeleteTags": delete}
