"""Glue job: wire events of raw/history/ → Iceberg `events`, bad lines → `quarantine`. May run again.

Arguments: `landHistory` in names/jobs.ts.
"""

import json

from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.history_objects import list_history
from tidemark_spark.lake.objects import read_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.tombstones import read_tombstones
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("land_history")
    spark = session(args["aws_region"])
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    files = list_history(args["lake_bucket"])
    slices = count_lines(spark, args["lake_bucket"], files)
    erased, buckets = frozenset(read_tombstones(args["table_features"])), int(args["entity_buckets"])
    counts = land(spark, Tables(args["database"]), use_case, args["lake_bucket"], slices, buckets, erased)
    print(json.dumps({"job": "land_history", "files": len(files)} | counts))


if __name__ == "__main__":
    main()
