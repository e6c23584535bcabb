"""Glue job: wire events of raw/history/*.ndjson.gz → Iceberg `events`, bad lines → `quarantine`. May run again.

Arguments: --lake_bucket, --database, --ir_uri, --entity_buckets.
"""

import json
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from tidemark_spark.history import count_lines, land
from tidemark_spark.ir import parse_use_case
from tidemark_spark.lake import list_objects, read_bytes
from tidemark_spark.spark_events import prepare
from tidemark_spark.tables import Tables

PREFIX = "raw/history/"


def main() -> None:
    args = getResolvedOptions(sys.argv, ["lake_bucket", "database", "ir_uri", "entity_buckets"])
    spark = SparkSession.builder.getOrCreate()
    prepare(spark)
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    files = list_objects(args["lake_bucket"], PREFIX, ".ndjson.gz")
    slices = count_lines(spark, args["lake_bucket"], files)
    counts = land(spark, Tables(args["database"]), use_case, args["lake_bucket"], slices, int(args["entity_buckets"]))
    print(json.dumps({"job": "land_history", "files": len(files)} | counts))


if __name__ == "__main__":
    main()
