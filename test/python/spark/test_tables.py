"""Merging into a table that another job writes too."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from tidemark_spark import tables
from tidemark_spark.tables import Tables, merge


def test_of_two_first_writers_one_gets_in(spark, monkeypatch):
    table = Tables("first").create(spark, "facts", "key STRING, source STRING")
    merge(spark, table, spark.createDataFrame([("a", "one")], "key string, source string"), ["key"])
    with monkeypatch.context() as late, pytest.raises((PySparkException, Py4JJavaError), match="conflicting"):
        # What the other one saw before the first had written.
        late.setattr(tables, "snapshot_id", lambda *_: None)
        merge(spark, table, spark.createDataFrame([("a", "two")], "key string, source string"), ["key"])
    # Run again, it sees what is there.
    merge(spark, table, spark.createDataFrame([("a", "two"), ("b", "two")], "key string, source string"), ["key"])
    assert sorted(map(tuple, spark.table(table).collect())) == [("a", "one"), ("b", "two")]
