"""Rows of a database's table that are new since a mark, read in one statement: one snapshot, by the database's clock.

A transaction may commit long after the time that its rows say, so what is younger than the longest transaction is left
to a later run, and as much before the mark is read again: ids make that harmless. What airbyte#85918, #80152 and
kafka-connect-jdbc#172 lost was read by a clock of its own, or by `>`. A row that is deleted is never seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from tidemark_spark.lake.imports.increments import ARRIVED, OP, ORDINAL, instant_ms

_FETCHED_AT_A_TIME = "10000"
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class _Dialect:
    driver: str
    quote: str
    in_utc: str
    until: str
    since: str
    options: dict[str, str]
    encrypted: tuple[str, str]


_DIALECTS = {
    "postgresql": _Dialect(
        driver="org.postgresql.Driver",
        quote='"',
        in_utc="SET TIME ZONE 'UTC'",
        until="now() - interval '{} seconds'",
        since="to_timestamp({} / 1000.0)",
        options={},
        encrypted=("sslmode", "require"),
    ),
    "mysql": _Dialect(
        driver="com.mysql.cj.jdbc.Driver",
        quote="`",
        in_utc="SET time_zone = '+00:00'",
        until="now(6) - interval {} second",
        since="from_unixtime({} / 1000.0)",
        # Else the driver holds the whole table in memory.
        options={"useCursorFetch": "true"},
        encrypted=("sslMode", "REQUIRED"),
    ),
}


@dataclass(frozen=True)
class Database:
    """`url`: jdbc:postgresql://<host>:<port>/<database>, or jdbc:mysql://…"""

    url: str
    user: str
    password: str


def new_rows_sql(url: str, table: str, version: str, since_ms: int | None, overlap_s: int) -> str:
    """The one statement. `since_ms`: the greatest version that was read, ms UTC; None reads from the beginning.

    Raises KeyError for another database than PostgreSQL and MySQL.
    """
    dialect = _DIALECTS[_kind(url)]

    def named(name: str) -> str:
        return f"{dialect.quote}{name.replace(dialect.quote, dialect.quote * 2)}{dialect.quote}"

    column = named(version)
    until = f"{column} < {dialect.until.format(int(overlap_s))}"
    bounds = [until]
    if since_ms is not None:
        bounds.append(f"{column} >= {dialect.since.format(int(since_ms) - overlap_s * 1000)}")
    return f"SELECT * FROM {'.'.join(map(named, table.split('.')))} WHERE {' AND '.join(bounds)}"


def new_rows(
    spark: SparkSession, database: Database, table: str, version: str, since_ms: int | None, overlap_s: int
) -> DataFrame:
    """The rows with OP (`r`), ORDINAL and ARRIVED (their version, ms UTC), as they stand when they are first asked for.

    One connection reads them: two would have two snapshots. A row without a version is never read. Times without a zone
    are taken for UTC, the zone of Glue's machines.
    """
    dialect = _DIALECTS[_kind(database.url)]
    options = {
        "url": database.url,
        "driver": dialect.driver,
        "user": database.user,
        "password": database.password,
        "query": new_rows_sql(database.url, table, version, since_ms, overlap_s),
        "sessionInitStatement": dialect.in_utc,
        "fetchsize": _FETCHED_AT_A_TIME,
    } | dialect.options
    if urlsplit(database.url.removeprefix("jdbc:")).hostname not in _LOOPBACK:
        options |= dict([dialect.encrypted])
    rows = spark.read.format("jdbc").options(**options).load()
    told = rows.withColumn(OP, F.lit("r")).withColumn(ORDINAL, F.lit(0))
    return told.withColumn(ARRIVED, instant_ms(rows, version))


def _kind(url: str) -> str:
    return url.removeprefix("jdbc:").partition(":")[0]
