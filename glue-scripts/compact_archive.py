"""Glue job: archive/{events,quarantine,predictions,alerts,outcomes}/ → Iceberg tables of the same names. May run again.

Arguments: `compactArchive` in names/jobs.ts.
"""

import json

from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.job_metrics import publish
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.tombstones import read_tombstones
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("compact_archive")
    spark = session(args["aws_region"])
    erased = frozenset(read_tombstones(args["table_features"]))
    tables, buckets = Tables(args["database"]), int(args["entity_buckets"])
    counts = compact(spark, tables, args["lake_bucket"], buckets, erased, int(args["late_days"]))
    print(json.dumps({"job": "compact_archive"} | counts))
    publish(args["metrics"], {"open_gaps": counts.get("open_gaps", 0)})


if __name__ == "__main__":
    main()
