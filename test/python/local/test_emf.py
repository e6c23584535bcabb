"""The embedded metric format, against its specification."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "local"))
from tidemark_local.cloudwatch.emf import Datum, EmfError, metrics_of


def document(dimensions=(("service", "stage"),), metrics=({"Name": "Seen", "Unit": "Count"},), **members) -> str:
    directive = {
        "Namespace": "Tidemark",
        "Dimensions": [list(names) for names in dimensions],
        "Metrics": list(metrics),
    }
    root = {
        "_aws": {"Timestamp": 1_500_000, "CloudWatchMetrics": [directive]},
        "service": "processor",
        "stage": "local",
    }
    return json.dumps({**root, "Seen": 3, **members})


def test_a_value_with_its_dimensions_unit_and_time_in_seconds():
    dimensions = {"service": "processor", "stage": "local"}
    assert list(metrics_of(document())) == [Datum("Tidemark", "Seen", dimensions, 3, "Count", 1500.0)]


def test_each_value_of_an_array_counts():
    assert [datum.value for datum in metrics_of(document(Seen=[1, 2.5, 2.5]))] == [1, 2.5, 2.5]


def test_each_dimension_set_is_a_metric_of_its_own():
    found = list(metrics_of(document(dimensions=(("service",), ("service", "stage"), ()))))
    assert [sorted(datum.dimensions) for datum in found] == [["service"], ["service", "stage"], []]


def test_a_unit_left_out_is_none_and_a_target_left_out_is_no_metric():
    found = list(metrics_of(document(metrics=({"Name": "Seen"}, {"Name": "Absent", "Unit": "Count"}))))
    assert [(datum.name, datum.unit) for datum in found] == [("Seen", "None")]


@pytest.mark.parametrize(
    "message",
    [
        "START RequestId: 1",
        "",
        "{broken",
        '{"level":"INFO"}',
        '["CloudWatchMetrics"]',
        '{"text":"\\"CloudWatchMetrics\\""}',
    ],
)
def test_other_lines_announce_nothing(message):
    assert list(metrics_of(message)) == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (document(Seen="many"), "metric Seen has a str: numbers are needed"),
        (document(Seen=True), "metric Seen has a bool"),
        (document(Seen=list(range(101))), "metric Seen has 101 values: at most 100"),
        (document(stage=7), "dimension stage is int: a text member of the root is needed"),
        (document(dimensions=([f"d{n}" for n in range(31)],)), "31 names: at most 30"),
        (document().replace("1500000", '"now"'), "_aws.Timestamp is str"),
        (document().replace('"Tidemark"', '""'), "Namespace is missing"),
        (document().replace('"Metrics": [{"Name": "Seen", "Unit": "Count"}]', '"Metrics": {}'), "Metrics is dict"),
    ],
)
def test_a_broken_announcement_names_the_member_and_not_its_value(message, reason):
    with pytest.raises(EmfError) as error:
        list(metrics_of(message))
    assert reason in str(error.value) and "many" not in str(error.value) and "processor" not in str(error.value)
