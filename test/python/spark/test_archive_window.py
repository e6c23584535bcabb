"""What a compaction lists, remembers and forgets: late objects are found, none is merged twice, gaps are no archive."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from online import resource

from tidemark_spark.lake.archive import compaction as archive
from tidemark_spark.lake.archive import reach as archive_reach
from tidemark_spark.lake.archive.compaction import compact
from tidemark_spark.lake.archive.files import remember
from tidemark_spark.lake.archive.gaps import read_gaps
from tidemark_spark.lake.archive.reach import read_reach
from tidemark_spark.lake.archive.window import KEEP_DAYS, back, first_day
from tidemark_spark.lake.objects import list_objects
from tidemark_spark.lake.tables import FILE_COLUMNS, Tables

TABLES = Tables("window")
BUCKET = "window"
FIRST_DAY = date(2023, 1, 1)
LATE_DAYS = 8


@pytest.fixture
def lake(spark: Any, aws: str) -> Iterator[Any]:
    spark.sql("CREATE NAMESPACE IF NOT EXISTS glue_catalog.window")
    bucket = resource("s3").Bucket(BUCKET)
    bucket.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield bucket
    for table in ("events", "quarantine", "predictions", "archive_files"):
        spark.sql(f"DROP TABLE IF EXISTS {TABLES.name(table)} PURGE")
    bucket.objects.all().delete()
    bucket.delete()


def day(n: int) -> str:
    return f"dt={FIRST_DAY + timedelta(days=n):%Y-%m-%d}"


def archived(lake: Any, n: int, first: int, last: int, shard: str = "s") -> str:
    """An object of the archiver, as it writes one where all of a batch was refused."""
    key = f"archive/events/{day(n)}/{shard}/{first:056d}-{last:056d}.ndjson.gz"
    lake.put_object(Key=key, Body=gzip.compress(b""))
    return key


def given_up(lake: Any, n: int, first: int, last: int, shard: str = "s", source: str = "Kinesis", pad: int = 0) -> str:
    """An object of Lambda's. `pad`: bytes before what says which batch it is."""
    info = {"shardId": shard, "startSequenceNumber": str(first), "endSequenceNumber": str(last), "batchSize": 1}
    info["approximateArrivalOfFirstRecord"] = f"{day(n).removeprefix('dt=')}T23:59:59.500Z"
    document = {"requestContext": {"functionArn": "f" + "x" * pad}, f"{source}BatchInfo": info, "payload": "{}"}
    key = f"aws/lambda/m/{shard}/2023/01/01/{source}-{first}"
    lake.put_object(Key=key, Body=json.dumps(document).encode())
    return key


def run(spark: Any, late_days: int = LATE_DAYS) -> int:
    return compact(spark, TABLES, BUCKET, 1, late_days=late_days)["events_objects"]


def test_late_objects_are_found_and_forgotten_ones_are_not_merged_again(spark: Any, lake: Any) -> None:
    archived(lake, 0, 1, 9, shard="retired")
    archived(lake, 0, 1, 9)
    archived(lake, 60, 100, 109)
    assert run(spark) == 3
    late = archived(lake, 60 - LATE_DAYS, 50, 59)
    assert run(spark) == 1
    # Later than any batch can be, and yet within what is remembered: the weekly run looks there.
    very_late = archived(lake, 60 - KEEP_DAYS, 20, 29)
    assert (run(spark), run(spark, KEEP_DAYS)) == (0, 1)
    kept = {row["key"] for row in spark.table(TABLES.name("archive_files")).collect()}
    assert {late, very_late} < kept
    # Of day 0 only the end of the shard that ended is remembered, and nothing of it is merged again.
    assert sorted(key.split("/")[3] for key in kept if f"/{day(0)}/" in key) == ["retired"]
    assert (run(spark), run(spark, KEEP_DAYS)) == (0, 0)
    reach = read_reach(spark, TABLES)
    assert {shard: int(end) for shard, end in reach.ends.items()} == {"retired": 9, "s": 109}
    assert reach.unmerged(BUCKET, {"retired": "10", "s": "110"}) is None


def test_a_day_in_the_future_hides_nothing(spark: Any, lake: Any) -> None:
    today = date.today() - FIRST_DAY
    archived(lake, today.days + 5000, 1, 9)
    assert run(spark) == 1
    archived(lake, today.days, 10, 19)
    assert run(spark) == 1


def test_what_the_archiver_gave_up_is_not_reached_until_it_is_put_back(spark: Any, lake: Any) -> None:
    archived(lake, 0, 1, 9)
    archived(lake, 0, 20, 29)
    batch = given_up(lake, 0, 10, 19)
    given_up(lake, 0, 2, 25, shard="s", source="DDBStream")
    # What the processor gave up is archived.
    given_up(lake, 0, 3, 8)
    lake.put_object(Key="aws/lambda/m/s/2023/01/01/odd", Body=b"{")
    assert compact(spark, TABLES, BUCKET, 1)["open_gaps"] == 1
    reach = read_reach(spark, TABLES)
    assert reach.complete(BUCKET) == {"s": "9"}
    assert (reach.gap(BUCKET, {"s": "10"}), reach.gap(BUCKET, {"s": "11"}), reach.gap(BUCKET, {"t": "11"})) == (
        None,
        "s",
        None,
    )
    # Lambda's object is kept for a month only; the gap is known after it.
    lake.Object(batch).delete()
    assert compact(spark, TABLES, BUCKET, 1)["open_gaps"] == 1
    assert read_reach(spark, TABLES).complete(BUCKET) == {"s": "9"}
    archived(lake, 0, 10, 19)
    assert "open_gaps" not in compact(spark, TABLES, BUCKET, 1)
    assert {shard: int(end) for shard, end in read_reach(spark, TABLES).complete(BUCKET).items()} == {"s": 29}


def test_a_gap_is_known_before_what_lies_behind_it_counts_as_merged(
    spark: Any, lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another job may look while a compaction is under way."""
    archived(lake, 0, 1, 9)
    archived(lake, 0, 20, 29)
    given_up(lake, 0, 10, 19)
    lake.put_object(Key=f"archive/quarantine/{day(0)}/s/1-1.ndjson.gz", Body=gzip.compress(b""))
    seen: list[dict[str, str]] = []

    def look(*_: Any) -> None:
        seen.append({shard: str(int(end)) for shard, end in read_reach(spark, TABLES).complete(BUCKET).items()})

    monkeypatch.setitem(archive._MERGE, "quarantine", look)
    run(spark)
    assert seen == [{"s": "9"}]


def test_a_gap_keeps_its_day_in_sight_however_late_it_is_filled(spark: Any, lake: Any) -> None:
    archived(lake, 0, 1, 9)
    given_up(lake, 1, 10, 19, pad=40_000)
    archived(lake, 2, 20, 29)
    assert compact(spark, TABLES, BUCKET, 1, late_days=LATE_DAYS)["open_gaps"] == 1
    archived(lake, 200, 100, 109)
    assert (run(spark), run(spark, KEEP_DAYS)) == (1, 0)
    archived(lake, 1, 10, 19)
    assert (run(spark), run(spark)) == (1, 0)
    assert read_gaps(BUCKET) == []


def test_a_part_of_a_gap_is_no_cover(spark: Any, lake: Any) -> None:
    archived(lake, 0, 1, 9)
    given_up(lake, 0, 10, 19)
    for first, last in ((10, 12), (14, 18)):
        archived(lake, 0, first, last)
        assert compact(spark, TABLES, BUCKET, 1)["open_gaps"] == 1
    archived(lake, 0, 19, 19)
    assert "open_gaps" not in compact(spark, TABLES, BUCKET, 1)


def test_a_year_later_a_run_lists_and_remembers_as_much_as_after_two_months(
    spark: Any, lake: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[int] = []

    def counting(*args: Any, **more: Any) -> list[Any]:
        found = list_objects(*args, **more)
        listed.append(len(found))
        return found

    monkeypatch.setattr(archive, "list_objects", counting)
    monkeypatch.setattr(archive_reach, "list_objects", counting)
    files = TABLES.create(spark, "archive_files", FILE_COLUMNS, "kind")
    per_day = 4
    cost: dict[int, tuple[int, int, int]] = {}
    begun = 0
    for days in (60, 365):
        new = [
            archived(lake, n, n * 100 + i * 10, n * 100 + i * 10 + 9)
            for n in range(begun, days)
            for i in range(per_day)
        ]
        begun = days
        remember(spark, files, new, "events")
        run(spark, KEEP_DAYS)
        listed.clear()
        assert run(spark) == 0
        hourly = sum(listed)
        listed.clear()
        read_reach(spark, TABLES).complete(BUCKET)
        cost[days] = (hourly, sum(listed), spark.table(files).count())
    assert cost[365] == cost[60]
    assert cost[365][0] == (LATE_DAYS + 1) * per_day
    assert cost[365][2] == (KEEP_DAYS + 1) * per_day


@pytest.mark.parametrize(
    ("newest", "days", "gaps", "first"),
    [
        (None, 8, [], None),
        (None, 8, ["dt=2023-01-01"], None),
        ("dt=2023-03-01", 8, [], "dt=2023-02-21"),
        ("dt=2023-03-01", 1000, [], back("dt=2023-03-01", KEEP_DAYS)),
        ("dt=2024-03-01", 1, ["dt=2023-12-31", "dt=2024-02-01"], "dt=2023-12-31"),
        ("dt=2024-03-01", 1, ["dt=2024-03-02"], "dt=2024-02-29"),
    ],
)
def test_the_first_day(newest: str | None, days: int, gaps: list[str], first: str | None) -> None:
    assert first_day(newest, days, gaps) == first
