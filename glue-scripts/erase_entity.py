"""Glue job: takes every entity with a tombstone out of the lake, looks again, counts → checks/erasure-<run>.json.

Who is meant stands in the tombstones, so no argument and no log names anybody. May run again, and does every week: what
Lambda writes down of a batch that it gives up may come a day after the erasure.
Arguments: `eraseEntity` in names/jobs.ts.
"""

import json
import time

from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.erasure.objects import (
    answered,
    archived,
    checks,
    erase_objects,
    given_up,
    history,
    parquet,
    purge_old_versions,
    quarantined,
)
from tidemark_spark.lake.erasure.tables import erase_tables, erased_predictions, left_in_tables
from tidemark_spark.lake.erasure.training_sets import erase_training_sets
from tidemark_spark.lake.objects import write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.lake.tombstones import keep_in_lake
from tidemark_spark.lake.training_files import TAG
from tidemark_spark.names import PREFIX, WEEKLY, object_key
from tidemark_spark.online.tombstones import read_tombstones
from tidemark_spark.spark.session import session

RULES = {
    PREFIX["history"]: history,
    PREFIX["events"]: archived,
    PREFIX["quarantine"]: quarantined,
    PREFIX["predictions"]: archived,
    PREFIX["exposures"]: archived,
    PREFIX["alerts"]: archived,
    PREFIX["outcomes"]: archived,
    PREFIX["failedBatches"]: given_up,
    PREFIX["timeTravel"]: answered,
}
WAREHOUSE, CHECKS, TRAINING = PREFIX["warehouse"], PREFIX["checks"], PREFIX["trainingSets"]


def main() -> None:
    args = arguments_of("erase_entity")
    spark = session(args["aws_region"])
    bucket, tables = args["lake_bucket"], Tables(args["database"])
    cleared = read_tombstones(args["table_features"])
    # Those of before tombstones were kept in the lake too.
    keep_in_lake(bucket, cleared)
    erased = frozenset(cleared)
    if not erased and args["run"] == WEEKLY:
        print(json.dumps({"job": "erase_entity", "tombstones": 0}))
        return
    taken = erase_objects(spark, bucket, {CHECKS: checks(erased_predictions(spark, tables, erased))}, erased)
    taken |= erase_tables(spark, tables, erased)
    tags = {}
    if tables.exists(spark, "events"):
        rows = spark.sql(f"SELECT name, snapshot_id FROM {tables.name('events')}.refs WHERE type = 'TAG'").collect()
        tags = {row["name"].removeprefix(TAG): str(row["snapshot_id"]) for row in rows}
    taken[TRAINING] = erase_training_sets(bucket, erased, tags)
    # A function that began before the online stores were cleared may still write: no call outlasts its time limit.
    time.sleep(max(0.0, max(cleared.values(), default=0) / 1000 + float(args["settle_seconds"]) - time.time()))
    taken |= erase_objects(spark, bucket, RULES, erased)
    purge_old_versions(bucket, WAREHOUSE)
    purge_old_versions(bucket, TRAINING)

    left = erase_objects(spark, bucket, RULES, erased, look_only=True) | left_in_tables(spark, tables, erased)
    files = {WAREHOUSE: only_parquet, TRAINING: only_parquet}
    left |= erase_objects(spark, bucket, files, erased, look_only=True)
    report = {"tombstones": len(erased), "taken": taken, "left": left}
    write_bytes(bucket, object_key("erasureReport", run=args["run"]), json.dumps(report, indent=2).encode())
    print(json.dumps({"job": "erase_entity"} | report))
    if args["run"] == WEEKLY and any(left.values()):
        stores = ", ".join(store for store, records in left.items() if records)
        raise RuntimeError(f"{stores}: something is left of erased entities. Runbook: docs/runbook.md#erasure")


def only_parquet(body: bytes, erased: frozenset[str]) -> tuple[bytes | None, int]:
    return parquet(body, erased) if body[:4] == b"PAR1" else (body, 0)


if __name__ == "__main__":
    main()
