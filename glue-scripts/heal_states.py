"""Glue job: online states against `events`, those at odds written anew → reports/healing/dt=<day>/<run>.json.

May run again, also beside live traffic.
Arguments: `healStates` in names/jobs.ts.
"""

import json
import uuid
from datetime import UTC, datetime

from tidemark_spark.engine.ir import compile_view, parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.job_metrics import publish
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.names import object_key
from tidemark_spark.spark.healing import Night, heal
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("heal_states")
    if args["repair"] not in ("no", "yes", "all"):
        raise ValueError("--repair: found another word; allowed: no, yes, all")
    spark = session(args["aws_region"])
    now = datetime.now(UTC)
    night = Night(
        table=args["table_features"],
        bucket=args["lake_bucket"],
        repair=args["repair"],
        now_ms=int(now.timestamp() * 1000),
        stale_after_ms=int(args["stale_after_seconds"]) * 1000,
        replay=args["clock"] == "replay",
        parts=int(args["parts"]),
    )
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    tables = Tables(args["database"])
    views = [heal(spark, tables, compile_view(use_case, view), night) for view in use_case["views"]]
    run = args.get("run") or f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    report = {"run": run, "repair": night.repair, "views": views}
    key = object_key("healingReport", day=f"{now:%Y-%m-%d}", run=run)
    write_bytes(args["lake_bucket"], key, json.dumps(report, indent=2).encode())
    print(json.dumps({"job": "heal_states"} | report))
    diverged = sum(view["findings"].get("diverged", 0) for view in views)
    repaired = sum(view.get("repaired", 0) for view in views)
    publish(args["metrics"], {"diverged": diverged, "repaired": repaired})


if __name__ == "__main__":
    main()
