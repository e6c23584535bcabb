"""AWS's limits, from one table with their sources (`limits.json`): the plug-ins and the tests take their values there.

`held_by` says who refuses what is beyond: the API's model, MiniStack, or the plug-in of that name. Sizes are in bytes,
times in ms where the id says so.
"""

import functools
import json
from pathlib import Path


@functools.cache
def table() -> dict[str, dict]:
    """Every row, by its id."""
    return {row["id"]: row for row in json.loads(Path(__file__).with_name("limits.json").read_text())}


def limit(name: str) -> int:
    """The value of a row. Raises KeyError for an unknown id."""
    return table()[name]["value"]
