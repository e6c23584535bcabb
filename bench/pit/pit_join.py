"""Measures the point-in-time join in Spark on two cores; prints one line of JSON a row.

    python bench/pit/pit_join.py [--events N] [--spine N] [--entities N] [--runs N] [--baseline]

Ours is what the jobs run: whole entities by `map_entities`, then `point_in_time`, from Parquet with the columns of the
table `events`. A sample of rows is computed again in plain Python; a difference ends the run with code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GLUE_SCRIPTS = ROOT / "glue-scripts"
sys.path[:0] = [str(GLUE_SCRIPTS), str(Path(__file__).parent)]

from brute_force import WINDOWS, expected, hop_of  # noqa: E402
from processes import PeakMemory, cpu_seconds  # noqa: E402
from pyspark.sql import DataFrame, SparkSession, Window  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402
from shop_data import Sizes, write_events, write_spine  # noqa: E402

from tidemark_spark.engine.ir import compile_view  # noqa: E402
from tidemark_spark.spark.pit_join import point_in_time_join  # noqa: E402
from tidemark_spark.spark.session import prepare  # noqa: E402

GOAL = 1_500_000
SAMPLE = 500
QUARTERS = 4


def main() -> None:
    options = arguments()
    sizes = Sizes(options.events, options.spine, options.entities)
    with tempfile.TemporaryDirectory(prefix="tidemark-pit-") as name:
        folder = Path(name)
        say(f"writes {sizes.events:,} events and {sizes.spine:,} rows of {sizes.entities:,} entities")
        for number in range(QUARTERS):
            write_events(folder / "events" / str(number), sizes, number, QUARTERS)
        write_spine(folder / "spine", sizes)
        spark = session(folder)
        try:
            measure(spark, folder, sizes, options)
        finally:
            spark.stop()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--spine", type=int, default=500_000)
    parser.add_argument("--entities", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5, help="warm runs; the median counts")
    parser.add_argument("--baseline", action="store_true", help="measures Spark SQL's window functions beside")
    return parser.parse_args()


def measure(spark: SparkSession, folder: Path, sizes: Sizes, options: argparse.Namespace) -> None:
    """All take turns, so that a busy machine is busy for all of them."""
    plan = compile_view({"contracts": [CONTRACT]}, view())
    quarters = [str(folder / "events" / str(number)) for number in range(QUARTERS)]
    events, spine = spark.read.parquet(*quarters), spark.read.parquet(str(folder / "spine"))
    quarter = spark.read.parquet(quarters[0]), spine.where(F.col("row") % QUARTERS == 0)
    passes = {"ours": point_in_time_join(plan, events, spine), "a quarter": point_in_time_join(plan, *quarter)}
    if options.baseline:
        passes |= {name: by_window_functions(events, spine, amount) for name, amount in BASELINES.items()}
    # Before the others, whose garbage would stay in the JVM's heap.
    with PeakMemory() as peak:
        cold, _ = timed("ours, cold", lambda: run(passes["ours"]))
        run(passes["ours"])
    check(passes["ours"], folder, sizes)
    for name in list(passes)[1:]:
        timed(f"{name}, cold", lambda frame=passes[name]: run(frame))
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in passes}
    for number in range(options.runs):
        for name, frame in passes.items():
            took[name].append(timed(f"{name}, {number + 1} of {options.runs}", lambda frame=frame: run(frame)))
    seconds = {name: [s for s, _ in runs] for name, runs in took.items()}
    rows, ours = sizes.events + sizes.spine, statistics.median(seconds["ours"])
    beside = {"lowest": rows / max(seconds["ours"]), "highest": rows / min(seconds["ours"])}
    beside |= {name: rows / statistics.median(seconds[name]) for name in BASELINES if name in seconds}
    title = "point-in-time join in Spark"
    of = f"8 features, {sizes.events:,} events + {sizes.spine:,} rows"
    emit(f"{title}: {of}, warm", rows / ours, "rows/s", GOAL, beside)
    emit(f"{title}: the first run of a session", rows / cold, "rows/s", None, {})
    cpu = statistics.median(used for _, used in took["ours"])
    emit(f"{title}: CPU time of a million rows", cpu / rows * 1e6, "s", None, {})
    emit(f"{title}: peak memory", peak.total, "MiB", None, {"JVM": peak.jvm, "Python workers": peak.python})
    one = statistics.median(seconds["a quarter"])
    both = {"ms for ×1": 1000 * one, f"ms for ×{QUARTERS}": 1000 * ours}
    growth = f"{title}: time for ×{QUARTERS} the events over {QUARTERS} × the time for ×1"
    emit(growth, ours / (QUARTERS * one), "times", 1.2, both)


def check(joined: DataFrame, folder: Path, sizes: Sizes) -> None:
    """Ends the program where a row of a sample isn't what plain Python says of it, or where a row is missing."""
    every = max(1, sizes.spine // SAMPLE)
    found = [row.asDict() for row in joined.where(F.col("row") % every == 0).collect()]
    wanted = expected(folder / "events", [(row["entity_id"], row["t"]) for row in found])
    for row, values in zip(found, wanted, strict=True):
        if any(row[name] != value for name, value in values.items()):
            sys.exit(f"{row['entity_id']} at {row['t']}: found {row}, wanted {values}")
    if (count := joined.count()) != sizes.spine or len(found) < min(SAMPLE, sizes.spine):
        sys.exit(f"rows: found {count} and {len(found)} in the sample; allowed: as many as the spine has")
    some = sum(row["spend_1h"] is not None for row in found)
    say(f"{len(found)} rows are equal to those of plain Python, {some} of them with an event in the last hour")


def by_window_functions(events: DataFrame, spine: DataFrame, amount: str) -> DataFrame:
    """The same features as Spark SQL can say them: no left edge at the hop, and no knowledge cut-off."""
    happened = events.select(
        F.lit(None).cast("long").alias("row"), "entity_id", F.unix_millis("event_time").alias("t"),
        F.expr(amount).alias("amount"),
    )  # fmt: skip
    both = happened.unionByName(spine.withColumn("amount", F.lit(None).cast("long")))
    by = Window.partitionBy("entity_id").orderBy("t")
    columns = []
    for name, window in WINDOWS.items():
        over = by.rangeBetween(-window, -1)
        columns += [
            F.count("amount").over(over).alias(f"orders_{name}"),
            F.sum("amount").over(over).alias(f"spend_{name}"),
        ]
    return both.select("row", "entity_id", "t", *columns).where("row IS NOT NULL")


BASELINES = {
    "Spark SQL window functions": "CAST(get_json_object(properties, '$.amount') AS LONG)",
    "the same where the amount is a column already": "amount",
}


def view() -> dict[str, Any]:
    """Counts and sums over four windows, as the definition compiles to."""
    features = []
    for name, window in WINDOWS.items():
        base = {"kind": "aggregate", "event_type": "order", "where": [], "cap": None, "k": None, "offset_ms": 0}
        base |= {"window_ms": window, "hop_ms": hop_of(window), "value_type": "int"}
        features.append(base | {"name": f"orders_{name}", "op": "count", "field": None})
        features.append(base | {"name": f"spend_{name}", "op": "sum", "field": "amount"})
    definition = {"name": "shop", "features": features, "retractions": None}
    planned = "import { withPlan } from './core/definition/plan.ts'; import { readFileSync } from 'node:fs';"
    planned += "process.stdout.write(JSON.stringify(withPlan(JSON.parse(readFileSync(0, 'utf8')))))"
    command = ["node", "--import", "tsx", "--input-type=module", "-e", planned]
    done = subprocess.run(
        command, input=json.dumps(definition), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


_FIELDS = [{"name": "amount", "type": "decimal"}, {"name": "items", "type": "int"}, {"name": "channel", "type": "enum"}]
CONTRACT = {"event_type": "order", "fields": _FIELDS, "derived": []}


def session(folder: Path) -> SparkSession:
    """Two cores, a partition each; what the jobs set (`prepare`) and nothing for speed."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = str(GLUE_SCRIPTS)
    settings = {
        "spark.driver.memory": "4g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder / "local"),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.Builder().master("local[2]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    prepare(spark)
    return spark


def run(frame: DataFrame) -> None:
    """Every row and column is made, and thrown away."""
    frame.write.format("noop").mode("overwrite").save()


def timed(what: str, work: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the clock, and of the CPU in the JVM and the workers."""
    cpu, clock = cpu_seconds(), time.perf_counter()
    work()
    took, used = time.perf_counter() - clock, cpu_seconds() - cpu
    say(f"{what}: {took:.2f} s, {used:.2f} s of the CPU")
    return took, used


def emit(name: str, value: float, unit: str, goal: float | None, beside: dict[str, float]) -> None:
    print(json.dumps({"name": name, "value": value, "unit": unit, "goal": goal, "beside": beside}), flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
