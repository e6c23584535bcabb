"""Tombstones beside the tables: who was erased is left out of them, and is written down in the lake."""

from __future__ import annotations

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.tombstones import SALT, Tombstones
from tidemark_spark.lake.objects import list_objects, write_bytes
from tidemark_spark.names import PREFIX, object_key


def keep_in_lake(bucket: str, cleared: dict[str, int]) -> int:
    """Writes down what the lake lacks of the tombstones, as cli/commands/erase/tombstones.ts does; returns how many.

    No restore of the table takes those back.
    """
    kept = {found.key for found in list_objects(bucket, PREFIX["tombstones"], "")}
    missing = {object_key("tombstone", hash=tombstone): at for tombstone, at in cleared.items()}
    missing = {key: at for key, at in missing.items() if key not in kept}
    for key, at in missing.items():
        write_bytes(bucket, key, json.dumps({"cleared_at": at}).encode())
    return len(missing)


def tombstone_column(column: str) -> Column:
    return F.sha2(F.concat(F.lit(SALT), F.col(column)), 256)


def without_erased(frame: DataFrame, erased: Tombstones, column: str = "entity_id") -> DataFrame:
    """The rows that are about nobody who was erased; costs nothing while nobody was."""
    if not erased:
        return frame
    gone = frame.sparkSession.createDataFrame([(h,) for h in sorted(erased)], "_tombstone string")
    return frame.join(F.broadcast(gone), tombstone_column(column) == F.col("_tombstone"), "left_anti")
