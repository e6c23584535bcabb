"""Glue job: rows that are older than the stage keeps them go from the Iceberg tables, nightly.

What is online and the objects of the lake go by rules of their own: docs/retention.md.
Arguments: `applyRetention` in names/jobs.ts.
"""

import json
import time

from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.retention import Ages, apply_retention
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("apply_retention")
    spark = session(args["aws_region"])
    ages = Ages(
        events_days=int(args["events_days"]) if "events_days" in args else None,
        quarantine_days=int(args["quarantine_days"]),
        predictions_days=int(args["predictions_days"]),
        scores_days=int(args["scores_days"]),
        training_days=int(args["training_days"]),
    )
    now_ms = int(time.time() * 1000)
    counts = apply_retention(spark, Tables(args["database"]), args["lake_bucket"], ages, now_ms)
    print(json.dumps({"job": "apply_retention"} | counts))


if __name__ == "__main__":
    main()
