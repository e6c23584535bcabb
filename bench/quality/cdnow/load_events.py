"""The purchases of CDNOW as wire events: 23,570 customers who first bought in the first quarter of 1997, to June 1998.

The data are CDNOW_master.txt and CDNOW_sample.txt (every tenth customer) of the wheel lifetimes 0.11.3; they come from
Fader and Hardie. A line is a purchase: customer, day, number of CDs, dollars. Days have no time: each begins at
midnight UTC. A customer may buy several times a day; the place of a line in its file tells these apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from packages import read_packaged


def all_events() -> Iterable[str]:
    """Every purchase of the master file as a line of JSON."""
    rows = (line.split() for line in read_packaged("lifetimes", "CDNOW_master.txt").decode().splitlines()[1:])
    return _events((who, day, cds, dollars) for who, day, cds, dollars in rows)


def sample_events() -> Iterable[str]:
    """Every purchase of the tenth of the customers, by their number in the sample."""
    rows = (line.split() for line in read_packaged("lifetimes", "CDNOW_sample.txt").decode().splitlines())
    return _events((who, day, cds, dollars) for _, who, day, cds, dollars in rows)


def _events(rows: Iterable[tuple[str, str, str, str]]) -> Iterable[str]:
    for number, (who, digits, cds, dollars) in enumerate(rows, 1):
        day = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
        yield json.dumps(
            {
                "event_id": f"purchase-{number}",
                "entity_id": who,
                "event_type": "purchase",
                "event_time": f"{day}T00:00:00Z",
                "source": "cdnow",
                "schema_version": 1,
                "properties": {"day": day, "cds": int(cds), "amount": dollars},
            }
        )
