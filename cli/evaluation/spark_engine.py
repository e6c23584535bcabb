"""Feature vectors by the Spark engine, for `tidemark features eval`: folders with a question, `vectors` put beside it.

Arguments: a folder for Spark's own files, then the folders (what they hold: spark.ts). The events are admitted here
again, by the contracts of Python, as a Glue job does it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from tidemark_local import jars
from tidemark_spark import wire_json
from tidemark_spark.contracts import Contracts, compile_contracts
from tidemark_spark.event_log import EVENT_SCHEMA
from tidemark_spark.events import LANDED_SCHEMA, landed_batches, landed_row
from tidemark_spark.ir import ViewPlan, compile_view
from tidemark_spark.pit import ALL_KNOWN, point_in_time
from tidemark_spark.spark_events import by_entity, partition_table, prepare

ROOT = Path(__file__).parents[2]
AT_ONCE = 4
_ASKED = [("row", pa.int64()), ("t", pa.int64()), ("known_before", pa.int64())]
_BOTH = pa.schema([*EVENT_SCHEMA, *_ASKED])


class ParityError(Exception):
    """An event that TypeScript's contract admits and Python's refuses."""


def main(work: Path, folders: list[Path]) -> None:
    spark = start(work)
    try:
        # A small question keeps Spark waiting more than working, so some are asked at once.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number, _ in enumerate(pool.map(lambda folder: evaluate(spark, folder), folders), 1):
                print(f"progress: {number} of {len(folders)} done", flush=True)
    finally:
        spark.stop()


def evaluate(spark: SparkSession, folder: Path) -> None:
    """Writes `vectors` beside the question."""
    use_case = json.loads((folder / "usecase.json").read_text())
    plan = compile_view(use_case, use_case["views"][0])
    events = admitted(spark, folder / "events", compile_contracts(use_case["contracts"]))
    vectors = answer(plan, events, asked(spark, folder / "queries"))
    (folder / "vectors").write_text("".join(f"{values}\n" for values in vectors))


def start(work: Path) -> SparkSession:
    """Spark on this machine alone; in half the time where the local cloud's class-data archive is there."""
    print("progress: Spark starts", flush=True)
    java = f"{jars.RUNNING} -Duser.timezone=UTC"
    settings = {
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(work / "spark"),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    folder = ROOT / ".cache" / "jars"
    if (folder / jars.ARCHIVE).exists() and (archive := jars.archive(folder)):
        settings["spark.driver.extraClassPath"] = ":".join(map(str, jars.paths(folder)))
        java += f" -XX:SharedArchiveFile={archive} -Xlog:disable"
    builder = SparkSession.builder.master("local[*]").config("spark.driver.extraJavaOptions", java)
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    prepare(spark)
    return spark


def admitted(spark: SparkSession, path: Path, contracts: Contracts) -> DataFrame:
    """Canonical events of the lines, with the columns of EVENT_SCHEMA. Raises ParityError in the worker."""

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
        for batch in batches:
            for text in batch.column(0).to_pylist():
                number, _, line = text.partition("\t")
                row = landed_row(line.encode(), int(number), 0, contracts, 0)
                if row.get("reason"):
                    raise ParityError(f"events, line {number}: {row['reason']}: {row['detail']}")
                yield row

    lines = spark.read.option("lineSep", "\n").text(str(path))
    landed = lines.mapInArrow(lambda batches: landed_batches(rows(batches)), LANDED_SCHEMA)
    return landed.select(EVENT_SCHEMA.names)


def asked(spark: SparkSession, path: Path) -> DataFrame:
    """Queries: entity_id, their place, t and known_before, both ms."""
    with path.open() as file:
        rows = [
            (entity_id, row, t, ALL_KNOWN if known is None else known)
            for row, (entity_id, t, known) in enumerate(map(json.loads, file))
        ]
    return spark.createDataFrame(rows, "entity_id string, row long, t long, known_before long")


def answer(plan: ViewPlan, events: DataFrame, queries: DataFrame) -> list[str]:
    """For each query, in order, its values as a JSON array in the view's order."""
    both = events.unionByName(queries, allowMissingColumns=True).select(*_BOTH.names)

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = partition_table(batches, _BOTH)
        if table is not None:
            is_event = pc.is_null(table["row"])
            spine = table.filter(pc.invert(is_event)).select(["row", "entity_id", "t", "known_before"])
            if len(spine):
                values = point_in_time(plan, table.filter(is_event).select(EVENT_SCHEMA.names), spine)
                columns = zip(*(map(plain, values[name].to_pylist()) for name in values.column_names), strict=True)
                texts = [wire_json.dumps(list(row)) for row in columns]
                yield pa.record_batch([spine["row"].combine_chunks(), pa.array(texts)], names=["row", "values"])

    found = by_entity(both).mapInArrow(rows, "row long, values string").collect()
    return [one["values"] for one in sorted(found, key=lambda one: one["row"])]


def plain(value: Any) -> Any:
    """A histogram's entries as [value, count], as TypeScript has them."""
    if isinstance(value, list):
        return [list(item.values()) if isinstance(item, dict) else item for item in value]
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
