"""Glue job: rows of a database's table → events of a source; what comes new, since its mark. May run again.

Without a mark it does nothing, unless it is told that this is the `first` run: what is there then is history.
Arguments: `importJdbc` in names/jobs.ts.
"""

import json
import time

from tidemark_spark import aws
from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.imports.databases import Database
from tidemark_spark.lake.objects import read_bytes
from tidemark_spark.spark.import_runs import import_jdbc
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("import_jdbc")
    spark = session(args["aws_region"])
    secret = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=args["login_arn"])["SecretString"])
    database = Database(args["url"], secret["username"], secret["password"])
    import_jdbc(spark, args, parse_use_case(read_bytes(args["ir_uri"])), database, int(time.time() * 1000))


if __name__ == "__main__":
    main()
