"""Glue job: Iceberg `events` → a training set (Iceberg, Parquet and manifest below training/<id>/). May run again.

Arguments: `buildTrainingSet` in names/jobs.ts.
"""

import json

from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.engine.values.decimals import parse_timestamp
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.objects import read_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.session import session
from tidemark_spark.spark.training_set import build, rebuild


def main() -> None:
    args = arguments_of("build_training_set")
    given = args.get("as_of") or ""
    as_of = parse_timestamp(given, "epoch_ms" if given.isdigit() else "iso8601") if given else None
    spark = session(args["aws_region"])
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    tables, bucket = Tables(args["database"]), args["lake_bucket"]
    if "rebuild" in args:
        report = rebuild(spark, tables, use_case, bucket, args["rebuild"])
        print(json.dumps({"job": "rebuild_training_set"} | report))
        return
    manifest = build(spark, tables, use_case, bucket, args["training_set_id"], as_of)
    shown = ("training_set_id", "rows", "base_rates", "dropped", "snapshot_id")
    print(json.dumps({"job": "build_training_set"} | {key: manifest[key] for key in shown}))


if __name__ == "__main__":
    main()
