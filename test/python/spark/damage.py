"""Wire events with damage of every kind that the contracts decide on."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from typescript import ROOT

SHARED = json.loads((ROOT / "test/conformance/contracts.json").read_text())
LONDON = next(c["time_zone"] for c in SHARED["contracts"] if "time_zone" in c)
CONTRACTS: list[dict[str, Any]] = [
    {
        "event_type": "purchase",
        "schema_version": 2,
        "event_time_format": "iso8601",
        "max_future_ms": 300_000,
        "fields": [
            {"name": "amount", "from": "Total", "type": "decimal", "scale": 2, "required": True, "min": -100_000},
            {"name": "rate", "type": "decimal", "scale": 6, "required": False},
            {"name": "items", "type": "int", "required": False, "default": 1, "min": 0, "max": 500},
            {"name": "store", "type": "string", "trim": True, "case": "upper", "max_length": 5, "required": False},
            {
                "name": "channel",
                "type": "enum",
                "trim": True,
                "case": "lower",
                "values": ["web", "shop"],
                "required": False,
            },
            {"name": "loyal", "type": "bool", "required": False},
            {"name": "due", "type": "timestamp", "format": "epoch_s", "required": False},
        ],
        "derived": [
            {
                "name": "net",
                "expr": {
                    "op": "sub",
                    "left": {"op": "ref", "name": "amount"},
                    "right": {
                        "op": "mul",
                        "left": {"op": "ref", "name": "items"},
                        "right": {"op": "const", "value": 3},
                    },
                },
                "min": -50_000,
                "max": 1_000_000,
            }
        ],
    },
    {
        "event_type": "visit",
        "schema_version": 1,
        "event_time_format": "epoch_ms",
        "max_future_ms": 0,
        "fields": [],
        "derived": [],
    },
    {
        "event_type": "sale",
        "schema_version": 1,
        "event_time_format": "iso8601",
        "max_future_ms": 0,
        "min_event_time": 1_000_000_000_000,
        "time_zone": LONDON,
        "fields": [
            {"name": "due", "type": "timestamp", "format": "iso8601", "required": False},
            {"name": "paid", "type": "timestamp", "format": "epoch_ms", "required": False},
        ],
        "derived": [],
    },
]
GOOD = {
    "event_id": "e1",
    "entity_id": "h1",
    "event_type": "purchase",
    "event_time": "2017-03-01T10:00:00Z",
    "source": "shop",
    "schema_version": 2,
    "properties": {"Total": "12.34", "items": 3, "store": " a7 ", "channel": "WEB"},
}
TEXTS = ["", " ", "x", "A" * 129, "#x", "é", "\ud800", "𝒳𝒳𝒳𝒳𝒳", "\u00a0web\t", "\u2028", "web ", "İ", "12", "-0", "1e3"]
DECIMALS = [
    "1.005",
    "1.015",
    "2.675",
    "-0.005",
    "0.125",
    "1e400",
    "9007199254740991",
    "90071992547409.915",
    "0x1",
    "+1",
]
DECIMALS += ["1e-3", "00012.50", ".5", "5.", "1_000", "١", "1e9999", "0e9999", "-0.00", "90071992547409.92", "12.345\n"]
TIMES = [
    "2017-03-01T10:00Z",
    "2017-03-01 10:00:00+0530",
    "2017-02-29T00:00:00Z",
    "2017-03-01T10:00:00",
    "1969-12-31T23:59:59Z",
]
TIMES += [
    "2017-03-01T24:00:00Z",
    "2017-03-01T10:00:60Z",
    "2017-03-01T10:00:00.123456789z",
    "2017-03-01T10:00:00-23:59",
    "0000-01-01T00:00Z",
]
TIMES += ["9999-12-31T23:59:59.9999Z", "2017-03-01T10:00:00+24:00", "2017-03-01T10:00:00Z\n"]
TIMES += [
    "2017-03-01 10:00:00+00",
    "2017-03-01T05:00:00-05",
    "2017-03-01t10:00:00,5 UTC",
    "2017-03-26 01:30:00",
    "2016-10-30 01:59:59.9999",
    "1488362400.123456",
    "1488362400123.999",
    "-0.5",
]
NUMBERS = [
    0,
    -0.0,
    1,
    1.5,
    -3,
    2**53 - 1,
    2**53,
    1e21,
    1e-7,
    123456789.12,
    1234567890123.456,
    0.1 + 0.2,
    501,
    1488362400000,
    1488362400.123456,
    1488362400123.999,
    -0.5,
]
OTHER = [
    None,
    True,
    False,
    [],
    {},
    [1, [2]],
    {"b": 1, "1": 2, "0": {"x": None}},
    {"__proto__": 1},
    {"constructor": [1e21]},
    {"b": [{}] * 40, "a": {"deep": [[[[["]"]]]]]}},
    json.loads("[" * 70 + "]" * 70),
    "a\0b",
    "a\r\nb",
    "\u2028",
    "\uffff",
    "😀" * 129,
    202603011200,
    -(2**31) - 1,
]
DAMAGE = [*TEXTS, *DECIMALS, *TIMES, *NUMBERS, *OTHER]
BYTES = [
    b"",
    b"null",
    b"[1]",
    b'"x"',
    b"{",
    b"\xff{}",
    b"\xef\xbb\xbf{}",
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b"{'a':1}",
    b'{"a":1,}',
    b'{"a":"\t"}',
    b'{"a":01}',
    b'{"a":1}x',
    b"{}" + b" " * 5000,
    b'{"event_id":"a","event_id":"b"}',
    b'{"entity_id":"h","x":1e400}',
    b'{"a":"\\u005f_proto__"}',
    b'{"\\u005f_proto__":1}',
    b"[" * 100_000,
    b'{"a":"' + b"[" * 3000,
    b'{"a":' + b'"\\"' * 1000,
    b'{"a":"\\',
]


def damaged(random: Random) -> bytes:
    """A good event with one to three values replaced, removed or added."""
    event = json.loads(json.dumps(GOOD))
    for _ in range(random.randint(1, 3)):
        inside = random.random() < 0.6
        target = event["properties"] if inside and isinstance(event.get("properties"), dict) else event
        names = [*target, "available_at", "rate", "due", "loyal", "amount", "other", "event_time"]
        name = random.choice(names)
        if random.random() < 0.15:
            target.pop(name, None)
        else:
            target[name] = random.choice(DAMAGE)
    if random.random() < 0.1:
        event |= {"event_type": "visit", "schema_version": 1, "event_time": random.choice(NUMBERS)}
    if random.random() < 0.2:
        event |= {"event_type": "sale", "schema_version": 1, "event_time": random.choice([*TIMES, *TIMES, *NUMBERS])}
        event["properties"] = {name: random.choice([*TIMES, *NUMBERS]) for name in random.sample(["due", "paid"], 1)}
    return json.dumps(event).replace("Infinity", "1e999").encode("utf-8", "surrogatepass")
