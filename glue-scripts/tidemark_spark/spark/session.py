"""The Spark session of a job, with what the transforms rely on."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from tidemark_spark import aws

BATCH_ROWS = 1_000_000
"""Rows an Arrow batch: a partition is handled whole, so small batches only cost."""

_WORKER_MEMORY = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
"""A worker keeps up to 1 GiB that it freed. Else every column is given back to the system and asked for again: a third
of the workers' CPU time (2.1 of 6.2 s for 5 M events) went into page faults."""


def session(region: str) -> SparkSession:
    """The session that Glue has begun, or a new one, prepared."""
    # What `SparkSession.builder` gives; that is a property of the class, which no type checker knows.
    spark = SparkSession.Builder().getOrCreate()
    prepare(spark, region)
    return spark


def prepare(spark: SparkSession, region: str | None = None) -> None:
    """Session settings that the transforms rely on. Workers that run already keep their environment.

    `region`: of the clients that the driver and executors make (aws.py); None where none is made.
    """
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(BATCH_ROWS))
    spark.sparkContext.environment.update(_WORKER_MEMORY)
    if region:
        aws.use_region(region)
        spark.sparkContext.environment.update(aws.region_environment(region))
    # "--extra-py-files: … adds to the Python path on the driver node": executors get the package by Spark.
    archive = Path(aws.__file__).parents[1]
    if archive.suffix == ".zip":
        spark.sparkContext.addPyFile(str(archive))
