"""What became of those who were asked for: labels at instants, from the table of events."""

from __future__ import annotations

from typing import Any

from pyspark.sql import functions as F
from streams import DAY, START
from test_backfill import events_frame
from test_training import use_case

from tidemark_spark.lake.events import merge_events
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.labels_at import find_labels


def event(entity: str, day: float, kind: str = "purchase") -> tuple[str, str, int, str, str]:
    return f"{entity}{day}#{kind}", entity, START + int(day * DAY), "history", str(int(day * 10) + 1)


def test_each_has_the_label_of_its_instant_and_who_waits_is_counted(spark: Any) -> None:
    tables = Tables("labels_at")
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.labels_at")
    document = use_case()
    assert find_labels(spark, tables, document, ["A"], [START]) == {
        "closed_until": None,
        "labels": [None],
        "waiting": 1,
    }
    tables.create_events(spark, 1)
    events = [event("A", 0), event("A", 4), event("B", 1), event("B", 2, "visit"), event("C", 10)]
    kind = F.element_at(F.split("event_id", "#"), 2)
    merge_events(spark, tables, events_frame(spark, events).withColumn("event_type", kind))
    # Label: no purchase in the three days from t; known up to the newest event, day 10.
    asked = [("A", 0), ("A", 1), ("A", 1.5), ("A", 4.1), ("B", 0.5), ("B", 1.5), ("nobody", 5), ("C", 7), ("C", 7.1)]
    expected = [0, 1, 0, 1, 0, 1, 1, 1, None]
    found = find_labels(spark, tables, document, [who for who, _ in asked], [START + int(t * DAY) for _, t in asked])
    assert found == {"closed_until": START + 10 * DAY, "labels": expected, "waiting": 1}
    # A label that waits for late facts is known later; one that is cut off never.
    late = use_case(maturity_ms=2 * DAY, censor={"event_type": "visit"})
    found = find_labels(spark, tables, late, ["A", "B", "C"], [START + DAY, START + int(1.5 * DAY), START + 6 * DAY])
    assert (found["labels"], found["waiting"]) == ([1, None, None], 1)
    assert find_labels(spark, tables, document, [], []) == {"closed_until": None, "labels": [], "waiting": 0}
