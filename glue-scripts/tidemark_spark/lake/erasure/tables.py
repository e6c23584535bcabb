"""Erasing entities from the Iceberg tables, so that no snapshot, tag or delete file yields them.

Entities are named by tombstones only: neither SQL, plans nor logs hold an id.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission.tombstones import Tombstones, any_erased, subjects_of
from tidemark_spark.lake.maintenance import call, expire
from tidemark_spark.lake.tables import QUARANTINE_COLUMNS, Tables
from tidemark_spark.lake.tombstones import tombstone_column

TABLES = ("events", "quarantine", "predictions", "exposures", "alerts", "outcomes", "training_sets")
_GONE = "tidemark_erased"
_WHERE = f"sha2(concat('tidemark-erased\\n', entity_id), 256) IN (SELECT hash FROM {_GONE})"
_BRANCH = "erasure"
_PLACE = "shard_id string, sequence_number string, sub_sequence int"
_SAME_RECORD = "o.shard_id = n.shard_id AND o.sequence_number = n.sequence_number"


def erase_tables(spark: SparkSession, tables: Tables, erased: Tombstones) -> dict[str, int]:
    """Deletes the entities' rows from all tables, their snapshots and tags; returns rows by table.

    Tags are moved to a copy of their snapshot without the entities, so that training sets can still be rebuilt. Older
    snapshots are expired: time travel by snapshot ends here. Safe to run again.
    """
    spark.createDataFrame([(h,) for h in sorted(erased)], "hash string").createOrReplaceTempView(_GONE)
    counts = {}
    for table in TABLES:
        if not tables.exists(spark, table):
            continue
        name = tables.name(table)
        if table == "quarantine":
            tables.create(spark, table, QUARANTINE_COLUMNS, "dt")
        counts[table] = _erase_quarantine(spark, name, erased) if table == "quarantine" else _delete(spark, name)
        if table == "events":
            counts["moved_tags"] = move_refs(spark, name)
        _expire(spark, tables, table)
    return counts


def left_in_tables(spark: SparkSession, tables: Tables, erased: Tombstones) -> dict[str, int]:
    """Rows of the entities that are still in a table or in a snapshot that a tag or branch keeps."""
    spark.createDataFrame([(h,) for h in sorted(erased)], "hash string").createOrReplaceTempView(_GONE)
    left = {}
    for table in TABLES:
        if not tables.exists(spark, table):
            continue
        name = tables.name(table)
        if table == "quarantine":
            tables.create(spark, table, QUARANTINE_COLUMNS, "dt")
            left[table] = _about(spark.table(name), erased).count()
        else:
            kept = [row[0] for row in spark.sql(f"SELECT snapshot_id FROM {name}.snapshots").collect()]
            left[table] = sum(_count(spark, f"{name} VERSION AS OF {snapshot}") for snapshot in kept)
    return left


def _count(spark: SparkSession, source: str) -> int:
    return spark.sql(f"SELECT count(*) FROM {source} WHERE {_WHERE}").collect()[0][0]


def _delete(spark: SparkSession, source: str) -> int:
    found = _count(spark, source)
    if found:
        spark.sql(f"DELETE FROM {source} WHERE {_WHERE}")
    return found


def _about(rows: DataFrame, erased: Tombstones) -> DataFrame:
    """Positions of refused records that name an erased entity, in their key or anywhere in their text."""

    def about(batches: Any) -> Any:
        for batch in batches:
            hit = [
                any_erased(erased, subjects_of(key, base64.b64decode(raw or "")))
                for key, raw in zip(batch["partition_key"].to_pylist(), batch["raw_base64"].to_pylist(), strict=True)
            ]
            yield batch.filter(pa.array(hit, pa.bool_())).select(["shard_id", "sequence_number", "sub_sequence"])

    # One record may hold events of several entities: of others' nothing is deleted.
    place = F.coalesce("sub_sequence", F.lit(0)).alias("sub_sequence")
    wanted = rows.select("shard_id", "sequence_number", place, "partition_key", "raw_base64")
    return wanted.mapInArrow(about, _PLACE)


def _erase_quarantine(spark: SparkSession, name: str, erased: Tombstones) -> int:
    positions = [tuple(row) for row in _about(spark.table(name), erased).distinct().collect()]
    if positions:
        spark.createDataFrame(positions, _PLACE).createOrReplaceTempView("tidemark_positions")
        on = f"{_SAME_RECORD} AND coalesce(o.sub_sequence, 0) = n.sub_sequence"
        spark.sql(f"MERGE INTO {name} o USING tidemark_positions n ON {on} WHEN MATCHED THEN DELETE")
    return len(positions)


def move_refs(spark: SparkSession, name: str) -> int:
    """Points every tag and branch that keeps the entities at a copy of its snapshot without them; returns how many."""
    refs = spark.sql(f"SELECT name, type, snapshot_id FROM {name}.refs WHERE name <> 'main'").collect()
    moved = 0
    for snapshot in sorted({row["snapshot_id"] for row in refs}):
        if not _count(spark, f"{name} VERSION AS OF {snapshot}"):
            continue
        spark.sql(f"ALTER TABLE {name} CREATE OR REPLACE BRANCH {_BRANCH} AS OF VERSION {snapshot}")
        spark.sql(f"DELETE FROM {name}.branch_{_BRANCH} WHERE {_WHERE}")
        (clean,) = spark.sql(f"SELECT snapshot_id FROM {name}.refs WHERE name = '{_BRANCH}'").collect()[0]
        for ref in refs:
            if ref["snapshot_id"] == snapshot and ref["name"] != _BRANCH:
                spark.sql(f"ALTER TABLE {name} CREATE OR REPLACE {ref['type']} `{ref['name']}` AS OF VERSION {clean}")
                moved += 1
        spark.sql(f"ALTER TABLE {name} DROP BRANCH {_BRANCH}")
    return moved


def _expire(spark: SparkSession, tables: Tables, table: str) -> None:
    """Removes all that only old snapshots reach: data files, delete files, manifests with their column bounds."""
    if spark.sql(f"SELECT 1 FROM {tables.name(table)}.delete_files LIMIT 1").collect():
        options = "map('delete-file-threshold', '1', 'rewrite-all', 'true', 'remove-dangling-deletes', 'true')"
        call(spark, tables, table, "rewrite_data_files", f"options => {options}")
    expire(spark, tables, table, datetime.now(UTC) + timedelta(seconds=1))


def erased_predictions(spark: SparkSession, tables: Tables, erased: Tombstones) -> frozenset[str]:
    """Ids of the entities' predictions: checks name them as examples."""
    if not tables.exists(spark, "predictions"):
        return frozenset()
    rows = spark.table(tables.name("predictions")).where(tombstone_column("entity_id").isin(sorted(erased)))
    return frozenset(row[0] for row in rows.select(F.col("prediction_id")).collect())
