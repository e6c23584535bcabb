"""The weekly care of the tables: less files, the same rows, and snapshots in use."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tidemark_spark.lake.maintenance import SNAPSHOT_DAYS, expire, maintain
from tidemark_spark.lake.tables import FILE_COLUMNS, Tables

TABLES = Tables("care")
_WRITES = 14


def test_files_are_joined_old_snapshots_go_and_tags_stay(spark: Any) -> None:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.care")
    name = TABLES.create(spark, "archive_files", FILE_COLUMNS, "kind")
    for n in range(_WRITES):
        spark.createDataFrame([(f"k{n}", "events")], FILE_COLUMNS).coalesce(1).writeTo(name).append()
        if n == 3:
            spark.sql(f"ALTER TABLE {name} CREATE TAG `training-x`")
    rows = spark.table(name).orderBy("key").collect()
    tagged = spark.sql(f"SELECT * FROM {name} VERSION AS OF 'training-x' ORDER BY key").collect()
    assert len(tagged) == 4
    young, old = (_folder(spark, name) / f"{age}.parquet" for age in ("young", "old"))
    for orphan in (young, old):
        orphan.write_bytes(b"a writer died")
    now = datetime.now(UTC)
    week_ago = (now - timedelta(days=SNAPSHOT_DAYS, hours=1)).timestamp()
    os.utime(old, (week_ago, week_ago))
    done = maintain(spark, TABLES, now)["archive_files"]
    # Whoever began to read or write within the week may go on.
    assert (done["rewritten_files"], done["files"], done["expired_files"]) == (_WRITES, 1, 0)
    assert (young.exists(), old.exists(), done["orphan_files"]) == (True, False, 1)
    assert done["snapshots"] > _WRITES
    # The newest and the tag's stay: of the files from before they were joined those of the tag.
    assert expire(spark, TABLES, "archive_files", now + timedelta(minutes=10)) == _WRITES - len(tagged)
    assert spark.sql(f"SELECT count(*) FROM {name}.snapshots").first()[0] == 2
    assert spark.table(name).orderBy("key").collect() == rows
    assert spark.sql(f"SELECT * FROM {name} VERSION AS OF 'training-x' ORDER BY key").collect() == tagged


def test_a_lake_without_tables_needs_no_care(spark: Any) -> None:
    assert maintain(spark, Tables("nothing"), datetime.now(UTC)) == {}


def _folder(spark: Any, name: str) -> Path:
    file = spark.sql(f"SELECT file_path FROM {name}.files LIMIT 1").first()[0]
    return Path(file.removeprefix("file:")).parent
