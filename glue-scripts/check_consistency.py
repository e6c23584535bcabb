"""Glue job: served predictions against their offline replay by watermark → checks/<run>.json, and two metrics.

Arguments: `checkConsistency` in names/jobs.ts.
"""

import json
import uuid
from datetime import UTC, datetime

from tidemark_spark.engine.ir import compile_view, online_view, parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.job_metrics import publish
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.names import object_key
from tidemark_spark.spark.consistency import check
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("check_consistency")
    spark = session(args["aws_region"])
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    plan = compile_view(use_case, online_view(use_case))
    result = check(spark, Tables(args["database"]), plan)
    run = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    write_bytes(args["lake_bucket"], object_key("consistencyReport", run=run), json.dumps(result, indent=2).encode())
    print(json.dumps({"job": "check_consistency"} | result))
    publish(args["metrics"], {key: result[key] for key in ("checked", "mismatches")})


if __name__ == "__main__":
    main()
