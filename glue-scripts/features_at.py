"""Glue job: time-travel/<request>/question.json → answer.json beside it: values of an entity at an instant, and why.

The question names the entity, so that neither an argument nor a log does.
Arguments: `featuresAt` in names/jobs.ts.
"""

import base64
import json

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.engine.admission import wire_json
from tidemark_spark.engine.event_log import EVENT_SCHEMA
from tidemark_spark.engine.features_at import features_at
from tidemark_spark.engine.ir import online_view, parse_use_case
from tidemark_spark.job_arguments import arguments_of
from tidemark_spark.lake.objects import read_bytes, write_bytes
from tidemark_spark.lake.tables import Tables, snapshot_id
from tidemark_spark.names import object_key
from tidemark_spark.spark.events import engine_events
from tidemark_spark.spark.session import session


def main() -> None:
    args = arguments_of("features_at")
    spark = session(args["aws_region"])
    request, tables = args["request"], Tables(args["database"])
    question = json.loads(read_bytes(f"s3://{args['lake_bucket']}/{object_key('question', request=request)}"))
    use_case = parse_use_case(read_bytes(args["ir_uri"]))
    view = online_view(use_case)
    entity, t = question["entity_id"], question["t"]
    known_before = {"asof": t, "latest": None}.get(question["knowledge"], question["knowledge"])
    snapshot = snapshot_id(spark, tables.name("events"))
    if snapshot is None:
        raise RuntimeError("events: the table is empty. Land the history first.")
    events = tables.at(spark, "events", snapshot)
    found = features_at(use_case, view, events_of(events, entity), entity, t, known_before)
    about = {"entity_id": entity, "t": t, "known_before": known_before, "snapshot_id": str(snapshot)}
    about |= {"view": view["version"], "refused": refused(spark, tables, entity)}
    answer = wire_json.dumps(about | found)
    write_bytes(args["lake_bucket"], object_key("answer", request=request), answer.encode())
    counts = {"features": len(found["features"]), "events": len(found["events"])}
    print(json.dumps({"job": "features_at"} | counts))


def events_of(events: DataFrame, entity: str) -> pa.Table:
    """The entity's events as one Arrow table; one entity fits the driver."""
    rows = engine_events(events.where(F.col("entity_id") == entity)).collect()
    return pa.Table.from_pylist([row.asDict() for row in rows], EVENT_SCHEMA)


def refused(spark: SparkSession, tables: Tables, entity: str) -> list[dict[str, object]]:
    """Refused records under the entity's key, duplicates among them, by arrival."""
    if not tables.exists(spark, "quarantine"):
        return []
    rows = spark.table(tables.name("quarantine")).where(F.col("partition_key") == entity)
    wanted = rows.select("reason", F.unix_millis("arrival").alias("arrival"), "raw_base64").orderBy("arrival").collect()
    return [{"reason": r["reason"], "arrival": r["arrival"], "event_id": _id_of(r["raw_base64"])} for r in wanted]


def _id_of(raw: str | None) -> str | None:
    try:
        found = wire_json.parse(base64.b64decode(raw or "").decode()).get("event_id")
    except (ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


if __name__ == "__main__":
    main()
