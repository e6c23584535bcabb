"""Feature vectors by the Spark engine, for `tidemark features eval`: any number of questions in one Spark job.

Argument: the folder with the questions (what it holds: spark.ts), for Spark's own files and for `vectors`. The events
are admitted here again, by the contracts of Python, as a Glue job does it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from tidemark_local.glue import jars

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.admission.contracts import Contracts, compile_contracts
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.ir import ViewPlan, compile_view
from tidemark_spark.engine.pit import ALL_KNOWN, point_in_time
from tidemark_spark.lake.events import LANDED_SCHEMA, landed_batches, landed_rows
from tidemark_spark.spark.events import by_entity, partition_table
from tidemark_spark.spark.session import prepare

ROOT = Path(__file__).parents[3]
_QUESTION = ("question", pa.int32())
_ASKED = [("row", pa.int64()), ("t", pa.int64()), ("known_before", pa.int64())]
_BOTH = pa.schema([_QUESTION, *EVENT_SCHEMA, *_ASKED])


class ParityError(Exception):
    """An event that TypeScript's contract admits and Python's refuses."""


def main(work: Path) -> None:
    use_cases = json.loads((work / "usecases.json").read_text())
    plans = [compile_view(use_case, use_case["views"][0]) for use_case in use_cases]
    contracts = [compile_contracts(use_case["contracts"]) for use_case in use_cases]
    spark = start(work)
    try:
        print("progress: Spark answers", flush=True)
        events = admitted(spark, work / "events", contracts)
        vectors = answer(plans, events, asked(spark, work / "queries"))
    finally:
        spark.stop()
    (work / "vectors").write_text("".join(f"{question}\t{values}\n" for question, values in vectors))


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
    builder = SparkSession.Builder().master("local[*]").config("spark.driver.extraJavaOptions", java)
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    prepare(spark)
    return spark


def admitted(spark: SparkSession, path: Path, contracts: list[Contracts]) -> DataFrame:
    """Canonical events of the lines, with their question and EVENT_SCHEMA. Raises ParityError in the worker."""

    def rows(question: int, lines: Iterable[list[str]]) -> Iterator[dict[str, Any]]:
        for _, number, line in lines:
            for _, row in landed_rows(line.encode(), int(number), 0, contracts[question], 0):
                if row.get("reason"):
                    raise ParityError(f"question {question}, events, line {number}: {row['reason']}: {row['detail']}")
                yield row

    def landed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lines = (text.split("\t", 2) for batch in batches for text in batch.column(0).to_pylist())
        for number, some in groupby(lines, key=itemgetter(0)):
            question = int(number)
            for batch in landed_batches(rows(question, some)):
                column = pa.array([question] * len(batch), pa.int32())
                yield pa.record_batch([column, *batch.columns], names=["question", *batch.schema.names])

    lines = spark.read.option("lineSep", "\n").text(str(path))
    return lines.mapInArrow(landed, f"question int, {LANDED_SCHEMA}").select("question", *EVENT_SCHEMA.names)


def asked(spark: SparkSession, path: Path) -> DataFrame:
    """Queries: their question, entity_id, their place among all, t and known_before, both ms."""
    with path.open() as file:
        rows = [
            (question, entity_id, row, t, ALL_KNOWN if known is None else known)
            for row, (question, entity_id, t, known) in enumerate(map(json.loads, file))
        ]
    return spark.createDataFrame(rows, "question int, entity_id string, row long, t long, known_before long")


def answer(plans: list[ViewPlan], events: DataFrame, queries: DataFrame) -> list[tuple[int, str]]:
    """For each query, in order, its question and its values as a JSON array in the view's order."""
    both = events.unionByName(queries, allowMissingColumns=True).select(*_BOTH.names)

    def rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = partition_table(batches, _BOTH)
        if table is None:
            return
        for question in pc.unique(table["question"]).to_pylist():
            own = table.filter(pc.equal(table["question"], question))
            is_event = pc.is_null(own["row"])
            spine = own.filter(pc.invert(is_event)).select(["row", "entity_id", "t", "known_before"])
            if len(spine):
                values = point_in_time(plans[question], own.filter(is_event).select(EVENT_SCHEMA.names), spine)
                columns = zip(*(map(plain, values[name].to_pylist()) for name in values.column_names), strict=True)
                texts = [wire_json.dumps(list(row)) for row in columns]
                told = [pa.array([question] * len(texts), pa.int32()), spine["row"].combine_chunks(), pa.array(texts)]
                yield pa.record_batch(told, names=["question", "row", "values"])

    found = by_entity(both).mapInArrow(rows, "question int, row long, values string").collect()
    return [(one["question"], one["values"]) for one in sorted(found, key=itemgetter("row"))]


def plain(value: Any) -> Any:
    """A histogram's entries as [value, count], as TypeScript has them."""
    if isinstance(value, list):
        return [list(item.values()) if isinstance(item, dict) else item for item in value]
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
