"""Glue job: archive/{events,quarantine,predictions}/ → Iceberg tables of the same names. May run again.

Arguments: --lake_bucket, --database, --ir_uri, --entity_buckets.
"""

import json
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
from tidemark_spark.archive import compact
from tidemark_spark.spark_events import prepare
from tidemark_spark.tables import Tables


def main() -> None:
    args = getResolvedOptions(sys.argv, ["lake_bucket", "database", "entity_buckets"])
    spark = SparkSession.builder.getOrCreate()
    prepare(spark)
    counts = compact(spark, Tables(args["database"]), args["lake_bucket"], int(args["entity_buckets"]))
    print(json.dumps({"job": "compact_archive"} | counts))


if __name__ == "__main__":
    main()
