"""Glue job: online states against `events`, those at odds written anew → reports/healing/dt=<day>/<run>.json.

May run again, also beside live traffic.
Arguments: --aws_region, --lake_bucket, --database, --ir_uri, --table_features, --repair (no, yes, all), --parts,
--stale_after_seconds, --clock (wall, replay), --metrics (names of diverged and repaired), and optionally --run (name
of the report).
"""

import json
import uuid
from datetime import UTC, datetime

from tidemark_spark.engine.ir import compile_view, parse_use_case
from tidemark_spark.job_arguments import resolve
from tidemark_spark.job_metrics import publish
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.healing import Night, heal
from tidemark_spark.spark.session import session

PREFIX = "reports/healing/"
ARGUMENTS = ["lake_bucket", "database", "ir_uri", "table_features"]
ARGUMENTS += ["repair", "parts", "stale_after_seconds", "clock", "metrics"]


def main() -> None:
    args = resolve(ARGUMENTS, ["run"])
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
    write_bytes(args["lake_bucket"], f"{PREFIX}dt={now:%Y-%m-%d}/{run}.json", json.dumps(report, indent=2).encode())
    print(json.dumps({"job": "heal_states"} | report))
    diverged = sum(view["findings"].get("diverged", 0) for view in views)
    repaired = sum(view.get("repaired", 0) for view in views)
    publish(args["metrics"], {"diverged": diverged, "repaired": repaired})


if __name__ == "__main__":
    main()
