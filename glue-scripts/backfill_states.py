"""Glue job: Iceberg `events` → the online state of every entity of every view, with watermarks, and the view's fence.

May run again, also beside live traffic: the first run of a view version goes up to where that cut over.
Arguments: `backfillStates` in names/jobs.ts.
"""

import json
from functools import partial

from tidemark_spark.engine.ir import compile_view, parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.job_runs import run_to_end
from tidemark_spark.lake.objects import read_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.backfill import backfill
from tidemark_spark.spark.cutovers import Online
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("backfill_states")
    spark = session(args["aws_region"])
    cutover_after_ms = int(args["cutover_after_seconds"]) * 1000
    online = Online(args["table_features"], args["stream_name"], args["lake_bucket"], cutover_after_ms)
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    for view in use_case["views"]:
        plan = compile_view(use_case, view)
        compact = partial(run_to_end, args["compact_job"], "the compaction")
        counts = backfill(spark, Tables(args["database"]), plan, online, compact)
        print(json.dumps({"job": "backfill_states"} | counts))


if __name__ == "__main__":
    main()
