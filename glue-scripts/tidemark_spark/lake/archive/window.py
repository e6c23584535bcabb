"""Which days of the archive a job lists: what is new, and what may still come late, never all that ever was.

An object's day (`dt=`) is that of its first record's arrival. It may be written as long as Lambda tries: no longer than
the stream keeps its records. Later comes only what was given up and put back; those days are known (gaps.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tidemark_spark.names import LIMIT

KEEP_DAYS = LIMIT["archive_days"]
"""Merged objects are remembered for so long, counted back from the newest: longer than a stream's batch that was given
up is kept (30 days) and could be put back after the longest wait (7 days). Nothing older is ever listed."""
_DAY = "dt="


def day_of(key: str) -> str:
    """`dt=yyyy-mm-dd` of archive/<kind>/dt=…/…"""
    return key.split("/")[2]


def day_column(key: str = "key") -> Column:
    return F.split(F.col(key), "/")[2]


def newest_day(remembered: DataFrame, today: date | None = None) -> str | None:
    """The newest day among merged objects' keys, at most today; None where none is remembered."""
    days = remembered.where(day_column().rlike(r"^dt=\d{4}-\d\d-\d\d$"))
    newest: str | None = days.agg(F.max(day_column())).collect()[0][0]
    return None if newest is None else min(newest, f"{_DAY}{today or datetime.now(UTC).date():%Y-%m-%d}")


def back(day: str, days: int) -> str:
    """The day so many days before."""
    return f"{_DAY}{date.fromisoformat(day.removeprefix(_DAY)) - timedelta(days=days):%Y-%m-%d}"


def first_day(newest: str | None, days: int, gaps: Iterable[str]) -> str | None:
    """The first day to list: so many days before the newest, or that of the oldest gap. None: from the beginning."""
    if newest is None:
        return None
    return min([back(newest, min(days, KEEP_DAYS)), *gaps])
