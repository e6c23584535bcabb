"""What an import needs around it: stores and a lake of the local cloud, and a use case with a source of orders."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from online import online_stage

from tidemark_spark.lake.history import count_lines, land
from tidemark_spark.lake.history_objects import list_history
from tidemark_spark.lake.tables import Tables
from tidemark_spark.spark.cutovers import Online

CONTRACT = {
    "event_type": "order",
    "schema_version": 1,
    "event_time_format": "epoch_ms",
    "max_future_ms": 300_000,
    "derived": [],
    "fields": [
        {"name": "total", "type": "decimal", "scale": 2, "required": False},
        {"name": "gone", "type": "bool", "required": False},
        {"name": "tier", "type": "string", "trim": True, "max_length": 20, "required": False},
    ],
}
NOW = 1_800_000_000_000


def use_case(carriage: str, **options: Any) -> dict[str, Any]:
    """With a source `shop` whose orders come by `carriage`; a deleted one is an event, too."""
    place = [{"at": "/after/customer"}, {"at": "/before/customer"}]
    times = [{"at": "/after/updated"}, {"at": "/before/updated"}]
    common = {
        "event_type": "order",
        "schema_version": 1,
        "entity": place,
        "time": {"from": times, "format": "iso8601"},
    }
    total = {"name": "total", "from": [{"at": "/after/total"}, {"at": "/before/total"}]}
    gone = {"name": "gone", "from": [{"const": True}]}
    tier = {"name": "tier", "from": [{"at": "/after/tier"}]}
    rules = [
        common | {"when": [{"at": "/op", "op": "eq", "value": "d"}], "properties": [total, gone]},
        common | {"when": [{"at": "/after/state", "op": "ne", "value": "draft"}], "properties": [total, tier]},
    ]
    via = [{"kind": carriage, "options": {"overlapSeconds": 5, "key": ["id"]} | options}]
    source = {"name": "shop", "envelope": "rows", "options": {}, "via": via, "map": rules, "erase": []}
    return {"contracts": [CONTRACT], "replay": {"available_lag_ms": 1000}, "sources": [source], "views": []}


@dataclass(frozen=True)
class Stage:
    spark: Any
    online: Online
    tables: Tables
    use_case: dict[str, Any]
    shard: str

    @property
    def args(self) -> dict[str, str]:
        """Of a job, but for what is its own."""
        names = {"intakes": "Intakes", "received": "R", "events": "E", "refused": "F", "ignored": "I", "gaps": "G"}
        metrics = {"namespace": "Tidemark", "dimensions": {"source": "shop"}, "names": names}
        return {
            "table_features": self.online.table,
            "lake_bucket": self.online.bucket,
            "stream_name": self.online.stream,
            "database": self.tables.database,
            "metrics": json.dumps(metrics),
            "source": "shop",
        }

    def land(self) -> None:
        """The job of that name."""
        slices = count_lines(self.spark, self.online.bucket, list_history(self.online.bucket))
        land(self.spark, self.tables, self.use_case, self.online.bucket, slices, 1)

    def sent(self) -> list[dict[str, Any]]:
        """What is on the stream since it was asked last, in its order."""
        kinesis = boto3.client("kinesis")
        answer = kinesis.get_records(ShardIterator=self._iterator[0])
        self._iterator[0] = answer["NextShardIterator"]
        return [json.loads(line) for record in answer["Records"] for line in record["Data"].split(b"\n")]

    @property
    def _iterator(self) -> list[str]:
        return _ITERATORS.setdefault(
            self.online.stream,
            [
                boto3.client("kinesis").get_shard_iterator(
                    StreamName=self.online.stream, ShardId=self.shard, ShardIteratorType="TRIM_HORIZON"
                )["ShardIterator"]
            ],
        )

    def landed(self) -> list[dict[str, Any]]:
        name = self.tables.name("events")
        self.tables.refresh(self.spark, "events")
        return [row.asDict() for row in self.spark.table(name).collect()]

    def objects(self, prefix: str) -> list[dict[str, Any]]:
        """The lines of all packed objects below a prefix of the lake."""
        s3 = boto3.client("s3")
        keys = [o["Key"] for o in s3.list_objects_v2(Bucket=self.online.bucket, Prefix=prefix).get("Contents", [])]
        bodies = [gzip.decompress(s3.get_object(Bucket=self.online.bucket, Key=key)["Body"].read()) for key in keys]
        return [json.loads(line) for body in bodies for line in body.splitlines()]


_ITERATORS: dict[str, list[str]] = {}


@contextmanager
def import_stage(spark: Any, name: str, of: dict[str, Any]) -> Iterator[Stage]:
    online = Online(f"features-{name}", f"stream-{name}", f"lake-{name}", 0)
    tables = Tables(f"own_{name}")
    spark.sql(f"CREATE NAMESPACE IF NOT EXISTS glue_catalog.{tables.database}")
    with online_stage(online):
        shards = boto3.client("kinesis").list_shards(StreamName=online.stream)["Shards"]
        yield Stage(spark, online, tables, of, shards[0]["ShardId"])


def raw_of(line: dict[str, Any]) -> Any:
    """The body of a refused row."""
    return json.loads(base64.b64decode(line["raw_base64"]))
