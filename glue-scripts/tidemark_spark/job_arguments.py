"""Arguments of Glue jobs: awsglue's own reader refuses a name that was not given."""

import sys
from collections.abc import Sequence

from awsglue.utils import getResolvedOptions


def resolve(required: list[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """The values of --name value, with `aws_region` always; of `optional` only those that were given."""
    return getResolvedOptions(sys.argv, ["aws_region", *required, *(name for name in optional if _given(name))])


def _given(name: str) -> bool:
    return any(a == f"--{name}" or a.startswith(f"--{name}=") for a in sys.argv)
