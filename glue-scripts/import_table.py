"""Glue job: rows of a table of the Glue catalog → events of a source; what comes new, since its mark. May run again.

Without a mark it does nothing, unless it is told that this is the `first` run: what is there then is history.
Arguments: `importTable` in names/jobs.ts.
"""

import time

from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.objects import read_bytes
from tidemark_spark.spark.import_runs import import_table
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("import_table")
    spark = session(args["aws_region"])
    import_table(spark, args, parse_use_case(read_bytes(args["ir_uri"])), int(time.time() * 1000))


if __name__ == "__main__":
    main()
