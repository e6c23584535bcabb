"""Glue job: Iceberg `events` → the online state of every entity of every view, with watermarks, and the view's fence.

May run again, also beside live traffic: the first run of a view version stops where that joined the stream. Arguments: --lake_bucket, --database, --ir_uri, --table_features.
"""

import json
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from tidemark_spark.backfill import backfill
from tidemark_spark.ir import compile_view, parse_use_case
from tidemark_spark.lake import read_bytes
from tidemark_spark.spark_events import prepare
from tidemark_spark.tables import Tables


def main() -> None:
    args = getResolvedOptions(sys.argv, ["lake_bucket", "database", "ir_uri", "table_features"])
    spark = SparkSession.builder.getOrCreate()
    prepare(spark)
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    for view in use_case["views"]:
        plan = compile_view(use_case, view)
        counts = backfill(spark, Tables(args["database"]), plan, args["lake_bucket"], args["table_features"])
        print(json.dumps({"job": "backfill_states"} | counts))


if __name__ == "__main__":
    main()
