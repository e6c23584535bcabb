"""The loader against the real parquet files: counts, sums to the cent, cuts, and the same bytes twice."""

import gzip
import json
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "usecases" / "churn"))

import load_events  # noqa: E402

CUT = "2017-12-01T00:00:00Z"
UNTIL = "2017-12-08T00:00:00Z"


@pytest.fixture(scope="module")
def all_files(tmp_path_factory):
    out = tmp_path_factory.mktemp("all")
    load_events.main(["--out", str(out), "--cut", CUT])
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def read(content: bytes) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


@pytest.fixture(scope="module")
def events(all_files):
    return [event for content in all_files.values() for event in read(content)]


@pytest.fixture(scope="module")
def lines():
    return load_events.table("transactions").to_pandas()


def of(events, event_type):
    return [event for event in events if event["event_type"] == event_type]


def test_every_basket_redemption_mailing_and_answer_is_one_event(events):
    counts = {
        kind: len(of(events, kind)) for kind in ("basket", "coupon_redemption", "campaign_mailing", "demographics")
    }
    assert counts == {"basket": 155_848, "coupon_redemption": 2_102, "campaign_mailing": 6_589, "demographics": 801}
    assert len({event["event_id"] for event in events}) == len(events) == sum(counts.values())
    assert len({event["entity_id"] for event in of(events, "basket")}) == 2_469


def test_money_is_exact_to_the_cent(events, lines):
    naive = {
        name: sum(Decimal(repr(round(value, 6))) for value in lines[column].tolist())
        for name, column in (
            ("amount", "sales_value"),
            ("retail_discount", "retail_disc"),
            ("coupon_discount", "coupon_disc"),
            ("coupon_match_discount", "coupon_match_disc"),
        )
    }
    for name, value in naive.items():
        assert sum(Decimal(event["properties"][name]) for event in of(events, "basket")) == value, name


def test_single_baskets_agree_with_their_lines(events, lines):
    products = load_events.table("products").to_pandas().set_index("product_id")
    baskets = {event["event_id"]: event for event in of(events, "basket")}
    numbers = lines["basket_id"].drop_duplicates().iloc[::1500]
    assert len(numbers) > 100
    for number in numbers:
        part = lines[lines["basket_id"] == number]
        event = baskets[f"basket-{number}"]
        joined = part.join(products, on="product_id")
        spent: dict[str, Decimal] = {}
        for department, price in zip(joined["department"], joined["sales_value"], strict=True):
            name = department if isinstance(department, str) else ""
            spent[name] = spent.get(name, Decimal(0)) + Decimal(repr(price))
        top = min(spent, key=lambda name: (-spent[name], name))
        properties = event["properties"]
        assert event["entity_id"] == str(part["household_id"].iloc[0])
        assert event["event_time"] == part["transaction_timestamp"].iloc[0].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert Decimal(properties["amount"]) == sum(Decimal(repr(price)) for price in part["sales_value"])
        assert properties["items"] == len(part)
        assert properties["departments"] == len(spent)
        assert properties.get("top_department", "") == top
        private = joined[joined["brand"] == "Private"]["sales_value"]
        assert Decimal(properties["private_brand_amount"]) == sum((Decimal(repr(p)) for p in private), Decimal(0))


def test_redemptions_come_after_the_baskets_of_their_day(events):
    bought: dict[str, list[pd.Timestamp]] = {}
    for event in of(events, "basket"):
        bought.setdefault(event["entity_id"], []).append(pd.to_datetime(event["event_time"]))
    redemptions = of(events, "coupon_redemption")
    day = pd.Timedelta(days=1)
    matched = [
        any(pd.Timestamp(event["event_time"]) - day < when <= pd.Timestamp(event["event_time"]) for when in whens)
        for event in redemptions
        if (whens := bought.get(event["entity_id"]))
    ]
    assert sum(matched) / len(redemptions) > 0.998


def test_history_ends_where_live_begins(all_files):
    history = [event for name, content in all_files.items() if name.startswith("history-") for event in read(content)]
    live = read(all_files["live.ndjson.gz"])
    # What happened in the last second before the cut became known at the cut.
    assert max(event["event_time"] for event in history) < "2017-11-30T23:59:59Z"
    assert min(event["event_time"] for event in live) >= "2017-11-30T23:59:59Z"
    for part in (history, live):
        order = [(event["event_time"], event["event_id"]) for event in part]
        assert order == sorted(order)


def test_until_and_entities_take_a_part(tmp_path, events):
    load_events.main(["--out", str(tmp_path), "--cut", CUT, "--until", UNTIL, "--entities", "40"])
    found = [event for path in sorted(tmp_path.iterdir()) for event in read(path.read_bytes())]
    households = sorted({int(event["entity_id"]) for event in of(events, "basket")})[:40]
    expected = [
        event
        for event in events
        if int(event["entity_id"]) in households and event["event_time"] < "2017-12-07T23:59:59Z"
    ]
    assert found == expected
    assert len(expected) > 1000


def test_same_bytes_twice_and_no_leftovers(tmp_path):
    (tmp_path / "history-1999-01.ndjson.gz").write_bytes(b"old")
    load_events.main(["--out", str(tmp_path), "--cut", CUT, "--entities", "20"])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    load_events.main(["--out", str(tmp_path), "--cut", CUT, "--entities", "20"])
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert "history-1999-01.ndjson.gz" not in first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cut", "2017-12-01"], "without a zone"),
        (["--cut", "soon"], "found no time"),
        (["--cut", CUT, "--entities", "0"], "found no positive number"),
    ],
)
def test_refuses_what_it_cannot_read(tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        load_events.main(["--out", str(tmp_path), *arguments])
    assert message in capsys.readouterr().err


def test_prices_with_parts_of_a_cent_are_refused():
    import pyarrow as pa

    with pytest.raises(ValueError, match="parts of a cent"):
        load_events.cents(pa.table({"sales_value": [1.005]}), "sales_value")
