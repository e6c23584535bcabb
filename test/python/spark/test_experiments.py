"""Exposures through the compaction into a report: each entity once, by what was known when its outcome was."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from analyse_experiment import wanted
from streams import DAY, START
from test_archive_and_check import put
from test_training import use_case
from typescript import unreadable

from tidemark_spark.experiments.report import report
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.tables import Tables
from tidemark_spark.online.experiments import read_experiments
from tidemark_spark.spark.experiment_outcomes import find

LABEL = {"kind": "label"}
MEAN = {"kind": "feature", "feature": "n", "after_ms": 2 * DAY, "as": "mean"}
LAST_DAY = 12


def experiment(metric: dict[str, Any], name: str = "deeper") -> dict[str, Any]:
    variants = [{"name": "champion", "weight": 0.5}, {"name": "challenger", "weight": 0.5}]
    sizes = {"minimum_sample": 2, "planned_sample": 10, "alpha": 0.05, "stop": "any_time", "hold_out": 0}
    return {"name": name, "metric": metric, "direction": "decrease", "variants": variants} | sizes


def bought(entity: str, day: float, n: int) -> dict[str, Any]:
    time = int(START + day * DAY)
    base = {"event_id": f"{entity}{n}", "entity_id": entity, "event_type": "purchase", "event_time": time}
    base |= {"source_time": None, "source": "", "schema_version": 1, "available_at": time, "shard_id": "s1"}
    return base | {"sequence_number": str(1000 + n), "properties": {"amount": 1, "channel": "web", "loyal": True}}


def exposure(entity: str, variant: str, day: float, name: str = "deeper") -> dict[str, Any]:
    base = {"experiment": name, "entity_id": entity, "variant": variant, "t": int(START + day * DAY)}
    return base | {"model_version": "m", "definition_hash": "h", "exposed_at": int(START + day * DAY) + 5}


@pytest.fixture(scope="module")
def tables(spark: Any, aws: str) -> Tables:
    """Champions are silent in the 3 days after their exposure on day 5, but one; challengers buy on day 6."""
    boto3.client("s3").create_bucket(Bucket="exp", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.exp")
    people = [("champion", f"a{i}") for i in range(4)] + [("challenger", f"b{i}") for i in range(4)]
    events = [bought(entity, 4, n) for n, (_, entity) in enumerate(people)]
    events += [bought(entity, 6, 10 + n) for n, (variant, entity) in enumerate(people) if variant == "challenger"]
    events += [bought("a3", 6.5, 30), bought("late", 1, 31), bought("late", LAST_DAY, 32), bought("twice", 2, 33)]
    put("exp", "events/dt=2023-11-14/s1/1000-1099", events)
    seen = [exposure(entity, variant, 5) for variant, entity in people]
    seen += [exposure("late", "champion", 10), exposure("twice", "champion", 5), exposure("twice", "challenger", 6)]
    put(
        "exp",
        "exposures/dt=2023-11-20/x",
        [*seen, exposure("a0", "champion", 8), exposure("b0", "champion", 5, "other")],
    )
    found = Tables("exp")
    compact(spark, found, "exp", 1)
    # A line comes again, with a later score, and once with an earlier one.
    put("exp", "exposures/dt=2023-11-21/y", [exposure("a1", "champion", 9), exposure("b1", "challenger", 5.5)])
    put("exp", "exposures/dt=2023-11-21/z", [exposure("a2", "champion", 4.9)])
    compact(spark, found, "exp", 1)
    return found


def test_each_is_exposed_once_by_the_earliest_line(spark: Any, tables: Tables) -> None:
    rows = spark.sql("SELECT entity_id, unix_millis(t) FROM glue_catalog.exp.exposures WHERE experiment = 'deeper'")
    first = {row[0]: (row[1] - START) / DAY for row in rows.collect() if row[0] != "twice"}
    assert first == {"a0": 5, "a1": 5, "a2": 4.9, "a3": 5, "b0": 5, "b1": 5, "b2": 5, "b3": 5, "late": 10}


def test_outcomes_by_the_label(spark: Any, tables: Tables) -> None:
    found = find(spark, tables, use_case(), experiment(LABEL))
    assert (found.multiple, found.closed_until, found.binary) == (1, START + LAST_DAY * DAY, True)
    made = report({"experiment": experiment(LABEL), "status": "running"}, found)
    assert unreadable("analyseExperiment", made) == []
    champion, challenger = made["arms"]
    # Of five champions one bought within three days, and one's three days are not over.
    assert (champion["exposed"], champion["known"], champion["waiting"], champion["mean"]) == (5, 4, 1, 0.75)
    assert (challenger["exposed"], challenger["known"], challenger["mean"]) == (4, 4, 0)
    assert made["recommendation"] == {
        "decision": "invalid",
        "reason": "10.0% of the entities were exposed to both variants.",
    }
    assert "a0" not in json.dumps(made)


def test_outcomes_by_a_feature_some_time_later(spark: Any, tables: Tables) -> None:
    found = find(spark, tables, use_case(), experiment(MEAN))
    made = report({"experiment": experiment(MEAN), "status": "running"}, found)
    champion, challenger = made["arms"]
    # Purchases of a week, two days later: one, and two for whoever bought since. a3 did; late had none, but of day 12.
    assert (champion["known"], champion["mean"]) == (5, (1 + 1 + 1 + 2 + 0) / 5)
    assert (challenger["known"], challenger["mean"]) == (4, 2)
    share = find(spark, tables, use_case(), experiment(MEAN | {"as": "proportion"}))
    assert sum(one.total for one in share.outcomes if one.variant == "champion") == 4


def test_an_experiment_of_nobody(spark: Any, tables: Tables) -> None:
    assert find(spark, tables, use_case(), experiment(LABEL, "nothing")).exposed == {}
    assert find(spark, Tables("nothing"), use_case(), experiment(LABEL)).outcomes == []


def test_records_are_read_and_chosen(aws: str) -> None:
    dynamo = boto3.client("dynamodb")
    dynamo.create_table(
        TableName="exp-scores",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "entity_id", "KeyType": "HASH"}, {"AttributeName": "kind", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "entity_id", "AttributeType": "S"},
            {"AttributeName": "kind", "AttributeType": "S"},
        ],
    )
    made = {"#running": None, "ended": START, "forgotten": START - 30 * DAY}
    for kind, ended_at in made.items():
        record = {"experiment": experiment(LABEL, kind.strip("#")), "ended_at": ended_at}
        item = {"entity_id": {"S": "#experiment"}, "kind": {"S": kind}, "record": {"S": json.dumps(record)}}
        dynamo.put_item(TableName="exp-scores", Item=item)
    records = read_experiments("exp-scores")
    names = [record["experiment"]["name"] for record in wanted(use_case(), records, None, START + 3 * DAY)]
    assert names == ["running", "ended"]
    assert [one["experiment"]["name"] for one in wanted(use_case(), records, "forgotten", START)] == ["forgotten"]
    with pytest.raises(ValueError, match="experiment: other never started"):
        wanted(use_case(), records, "other", START)
