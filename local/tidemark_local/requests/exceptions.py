"""Constraints of API models that the services themselves do not enforce as written, each with the reason.

Key: (botocore's service, shape, what). `what` is `pattern`, `min`, `max`, `enum`, or the name of a required member.
"""

from typing import Any

_OWN_WORDS = (
    "DynamoDB refuses it in words of its own, as the emulator does; recorded by the public conformance suite "
    "(github.com/nubo-db/dynamodb-conformance, tests/tier3)"
)

NOT_ENFORCED: dict[tuple[str, str, str], str] = {
    ("dynamodb", "CreateTableInput", "TableName"): _OWN_WORDS,
    ("dynamodb", "KeyList", "max"): _OWN_WORDS,
    ("dynamodb", "KeySchema", "min"): _OWN_WORDS,
    ("dynamodb", "PositiveIntegerObject", "min"): _OWN_WORDS,
    ("dynamodb", "ScalarAttributeType", "enum"): _OWN_WORDS,
    ("dynamodb", "Select", "enum"): _OWN_WORDS,
}


def enforced(service: str, shape: Any, what: str) -> bool:
    """Whether AWS enforces this constraint of the shape."""
    return (service, shape.name, what) not in NOT_ENFORCED
