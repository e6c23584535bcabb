"""Glue job: exposures and what became of their entities → a report and a plot an experiment. May run again.

Without a name: the experiment that runs, and those that ended with outcomes not known yet.
Arguments: `analyseExperiment` in names/jobs.ts.
"""

import json
import time
from typing import Any

from tidemark_spark.engine.ir import parse_use_case
from tidemark_spark.experiments.plot import plot
from tidemark_spark.experiments.report import report
from tidemark_spark.experiments.srm import THRESHOLD
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.job_metrics import publish
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables
from tidemark_spark.names import object_key
from tidemark_spark.online.experiments import read_experiments
from tidemark_spark.spark.experiment_metric import metric_of
from tidemark_spark.spark.experiment_outcomes import find
from tidemark_spark.spark.session import session

_COMPACTED_MS = 86_400_000
"""How long after the last outcome events may still be on their way to the tables."""


def main() -> None:
    args = arguments_of("analyse_experiment")
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    records = wanted(use_case, read_experiments(args["table_scores"]), args.get("experiment"), int(time.time() * 1000))
    mismatches = 0
    if records:
        spark = session(args["aws_region"])
        tables = Tables(args["database"])
        for record in records:
            made = report(record, find(spark, tables, use_case, record["experiment"]))
            mismatches += made["sample_ratio"]["sequential_p"] < THRESHOLD
            name, bucket = made["experiment"], args["lake_bucket"]
            write_bytes(bucket, object_key("experimentPlot", experiment=name), plot(made).encode())
            write_bytes(bucket, object_key("experimentReport", experiment=name), json.dumps(made, indent=2).encode())
            print(json.dumps({"job": "analyse_experiment", "experiment": name} | made["recommendation"]))
    publish(args["metrics"], {"mismatches": mismatches})


def wanted(
    use_case: dict[str, Any], records: list[dict[str, Any]], name: str | None, now_ms: int
) -> list[dict[str, Any]]:
    """The records to look at. Raises ValueError for a name that never started."""
    if name:
        found = [record for record in records if record["experiment"]["name"] == name]
        if not found:
            raise ValueError(f"experiment: {name} never started; start it with `tidemark experiment start`")
        return found

    def waits(record: dict[str, Any]) -> bool:
        last = metric_of(use_case, record["experiment"]["metric"]).wait_ms + _COMPACTED_MS
        return record["ended_at"] is None or record["ended_at"] + last > now_ms

    return [record for record in records if waits(record)]


if __name__ == "__main__":
    main()
