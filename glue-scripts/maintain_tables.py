"""Glue job: weekly care of the Iceberg tables (tidemark_spark/lake/maintenance.py). May run again.

Arguments: `maintainTables` in names/jobs.ts.
"""

import json
from datetime import UTC, datetime

from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.maintenance import maintain
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("maintain_tables")
    spark = session(args["aws_region"])
    counts = maintain(spark, Tables(args["database"]), datetime.now(UTC))
    print(json.dumps({"job": "maintain_tables", "tables": counts}))


if __name__ == "__main__":
    main()
