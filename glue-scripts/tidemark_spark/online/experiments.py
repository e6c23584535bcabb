"""Records of experiments: items of the table of scores (names/keys.ts), which the command line writes."""

from __future__ import annotations

import json
from typing import Any

from tidemark_spark.names import ITEM
from tidemark_spark.online.table import partition


def read_experiments(table: str) -> list[dict[str, Any]]:
    """All there ever were, as names/experiments.ts has them; the one that runs too."""
    return [json.loads(item["record"]["S"]) for item in partition(table, ITEM["experiment"])]
