"""Constraints of API models that the services themselves do not enforce as written, each with the reason.

Key: (botocore's service, shape, what). `what` is `pattern`, `min`, `max`, `enum`, or the name of a required member.
"""

from typing import Any

NOT_ENFORCED: dict[tuple[str, str, str], str] = {}


def enforced(service: str, shape: Any, what: str) -> bool:
    """Whether AWS enforces this constraint of the shape."""
    return (service, shape.name, what) not in NOT_ENFORCED
