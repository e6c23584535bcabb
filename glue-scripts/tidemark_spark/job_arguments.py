"""Arguments of Glue jobs: awsglue's own reader refuses a name that was not given."""

import sys
from collections.abc import Sequence

from awsglue.utils import getResolvedOptions

from tidemark_spark.names import ARGUMENTS


def arguments_of(job: str) -> dict[str, str]:
    """What this run of a job was told, by the names that names/jobs.ts declares.

    `job`: its script, without `.py`.
    """
    return resolve(**ARGUMENTS[job])


def resolve(required: list[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """The values of --name value; of `optional` only those that were given."""
    return getResolvedOptions(sys.argv, [*required, *(name for name in optional if _given(name))])


def _given(name: str) -> bool:
    return any(a == f"--{name}" or a.startswith(f"--{name}=") for a in sys.argv)
