"""One run of an import: from where the mark is, through the map, to the stream or the history, and the mark on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from tidemark_spark.engine.intake.changes import TableRows
from tidemark_spark.job_metrics import publish
from tidemark_spark.job_runs import run_to_end
from tidemark_spark.lake.imports.databases import Database, new_rows
from tidemark_spark.lake.imports.increments import Mark, plan_increment, read_increment
from tidemark_spark.lake.imports.kept import keep_gap
from tidemark_spark.lake.imports.parquet import MARK as FILES
from tidemark_spark.lake.imports.parquet import files_of, read_files
from tidemark_spark.lake.tables import CATALOG, Tables
from tidemark_spark.online.import_marks import ImportMark
from tidemark_spark.online.tombstones import read_tombstones
from tidemark_spark.spark.imports import Taken, Way, take

Args = dict[str, str]
NOT_YET = "there is no mark yet: `npx tidemark source run {}` brings in what is there, as history"
_EMPTY = "empty"
_NOTHING = Taken(0, 0, 0, 0, 0, None)


def source_of(use_case: dict[str, Any], name: str, carriage: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A source of the document, and the options of one of its ways. Raises ValueError where it has none such."""
    for source in use_case.get("sources", []):
        for way in source["via"]:
            if (source["name"], way["kind"]) == (name, carriage):
                return source, way["options"]
    raise ValueError(f"sources.{name}: the document has no such source by {carriage}. Deploy from one commit.")


def import_table(
    spark: SparkSession,
    args: Args,
    use_case: dict[str, Any],
    now_ms: int,
    land: Callable[[], None] | None = None,
    folder_of: Callable[[str, str], str | None] = files_of,
) -> dict[str, Any]:
    """One run over a table of the Glue catalog. `now_ms`: of this run, UTC. `land`: lands the history. @default - by
    the job of the argument `land_job`. `folder_of`: where the files of a table without history lie

    Returns and prints what was done. Raises what keeps a row from landing: the mark stays where it was.
    """
    source, options = source_of(use_case, args["source"], "table")
    mark = ImportMark(args["table_features"], source["name"], "table")
    known = mark.read()
    if known is None and "first" not in args:
        return _told(args, {"waiting": NOT_YET.format(source["name"])}, _NOTHING)
    # Of a table that was empty there is no snapshot: all that it has is new, and no history.
    theirs, name = Tables(args["source_database"], CATALOG), args["source_table"]
    arrived, overlap_ms = options.get("arrived"), options["overlapSeconds"] * 1000
    if folder := folder_of(args["source_database"], name):
        since_ms = None if known is None or "again" in args else known[1]
        found = read_files(spark, folder, since_ms, arrived, overlap_ms)
        taken = _NOTHING
        if found:
            rows, written_ms = found
            way = _way(use_case, source, "table", options, (args["source_database"], name), now_ms)
            taken = take(spark, Tables(args["database"]), rows, way, **_where(args, known is None, land))
            mark.move(FILES, written_ms)
        elif known is None:
            mark.move(FILES, None)
        return _told(args, {"mode": "files", "gaps": 0}, taken)
    since = None if known is None or known[0] in (_EMPTY, FILES) else Mark(int(known[0]), known[1])
    plan = plan_increment(spark, theirs, name, None if "again" in args else since)
    if plan.gap:
        gap = {"kind": "SNAPSHOT_GONE", "detail": plan.gap}
        keep_gap(args["lake_bucket"], source["name"], "table", gap, now_ms)
    taken = _NOTHING
    if plan.mode != "nothing":
        rows = read_increment(
            spark,
            theirs,
            name,
            plan,
            key=options["key"],
            arrived=arrived,
            overlap_ms=overlap_ms,
        )
        way = _way(use_case, source, "table", options, (args["source_database"], name), now_ms)
        taken = take(spark, Tables(args["database"]), rows, way, **_where(args, known is None, land))
    newest = _greatest(taken.arrived_ms, since and since.arrived_ms)
    mark.move(_EMPTY if plan.until is None else str(plan.until), newest)
    return _told(args, {"mode": plan.mode, "gaps": 1 if plan.gap else 0}, taken)


def import_jdbc(
    spark: SparkSession,
    args: Args,
    use_case: dict[str, Any],
    database: Database,
    now_ms: int,
    land: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """As `import_table`, over a table of a database."""
    source, options = source_of(use_case, args["source"], "jdbc")
    mark = ImportMark(args["table_features"], source["name"], "jdbc")
    known = mark.read()
    if known is None and "first" not in args:
        return _told(args, {"waiting": NOT_YET.format(source["name"])}, _NOTHING)
    since = known[1] if known else None
    from_ms = None if "again" in args else since
    table, version = args["source_table"], options["version"]
    rows = new_rows(spark, database, table, version, from_ms, options["overlapSeconds"])
    schema, _, name = table.rpartition(".")
    way = _way(use_case, source, "jdbc", options, (schema or None, name), now_ms)
    taken = take(spark, Tables(args["database"]), rows, way, **_where(args, known is None, land))
    arrived = _greatest(taken.arrived_ms, since)
    mark.move(_EMPTY if arrived is None else str(arrived), arrived)
    return _told(args, {}, taken)


def _greatest(*instants: int | None) -> int | None:
    """Of those that are there."""
    return max((at for at in instants if at is not None), default=None)


def _way(
    use_case: dict[str, Any],
    source: dict[str, Any],
    carriage: str,
    options: dict[str, Any],
    table: tuple[str | None, str],
    now_ms: int,
) -> Way:
    columns = TableRows(source["name"], *table, options["key"], options["version"], options.get("deleted"))
    return Way(source, carriage, use_case["contracts"], columns, now_ms)


def _where(args: Args, is_history: bool, land: Callable[[], None] | None) -> dict[str, Any]:
    return {
        "bucket": args["lake_bucket"],
        "stream": None if is_history else args["stream_name"],
        "land": land or partial(run_to_end, args["land_job"], "the landing of history"),
        "erased": frozenset(read_tombstones(args["table_features"])),
    }


def _told(args: Args, done: dict[str, Any], taken: Taken) -> dict[str, Any]:
    counts = {name: count for name, count in asdict(taken).items() if name not in ("known", "arrived_ms")}
    publish(args["metrics"], counts | {"gaps": done.get("gaps", 0)})
    report = {"source": args["source"]} | done | asdict(taken)
    print(json.dumps({"job": "import"} | report))
    return report
