"""Glue job: archive/{events,quarantine,predictions}/ → Iceberg tables of the same names. May run again.

Arguments: --aws_region, --lake_bucket, --database, --ir_uri, --entity_buckets, --table_features.
"""

import json

from pyspark.sql import SparkSession
from tidemark_spark.archive import compact
from tidemark_spark.job_arguments import resolve
from tidemark_spark.spark_events import prepare
from tidemark_spark.tables import Tables
from tidemark_spark.tombstones import read_tombstones


def main() -> None:
    args = resolve(["lake_bucket", "database", "entity_buckets", "table_features"])
    spark = SparkSession.builder.getOrCreate()
    prepare(spark, args["aws_region"])
    erased = frozenset(read_tombstones(args["table_features"]))
    counts = compact(spark, Tables(args["database"]), args["lake_bucket"], int(args["entity_buckets"]), erased)
    print(json.dumps({"job": "compact_archive"} | counts))


if __name__ == "__main__":
    main()
