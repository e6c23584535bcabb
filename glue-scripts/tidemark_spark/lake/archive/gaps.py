"""Gaps of the archive: batches that the archiver gave up, and that nobody has put back.

Between two objects of a shard nothing lies (one lane reads it from its beginning), unless the archiver gave a batch up:
then Lambda keeps it below aws/lambda/ for a while. The compaction writes down each such batch whose ends no merged
object covers, as archive/gaps/dt=<day>/<shard>/<first>-<last>.json, which outlives the batch, and forgets it once the
objects cover it. What other readers of the stream give up is archived, so it makes no gap.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tidemark_spark.lake.objects import list_objects, s3_client, write_bytes
from tidemark_spark.names import PREFIX, object_key

GAPS = PREFIX["gaps"]
_SUFFIX = ".json"
_HEAD_BYTES = 16_384
_INFO = re.compile(rb'"KinesisBatchInfo"\s*:\s*(\{[^{}]*\})')

Places = dict[str, list[tuple[int, int]]]
"""Shard → first and last sequence number of each merged object."""


@dataclass(frozen=True, order=True)
class Gap:
    day: str
    """`dt=yyyy-mm-dd` of its first record's arrival."""
    shard: str
    first: int
    last: int

    @property
    def key(self) -> str:
        day, first, last = self.day.removeprefix("dt="), str(self.first), str(self.last)
        return object_key("gap", day=day, shard=self.shard, first=first, last=last)

    def covered(self, places: Places) -> bool:
        """Whether both ends lie in merged objects."""
        own = places.get(self.shard, [])
        return all(any(first <= end <= last for first, last in own) for end in (self.first, self.last))


def read_gaps(bucket: str) -> list[Gap]:
    """The gaps that are known, by day and place."""
    found = (o.key.removeprefix(GAPS).removesuffix(_SUFFIX).split("/") for o in list_objects(bucket, GAPS, _SUFFIX))
    ends = ((day, shard, name.split("-")) for day, shard, name in found)
    return sorted(Gap(day, shard, int(first), int(last)) for day, shard, (first, last) in ends)


def unseen_batches(bucket: str, seen: frozenset[str]) -> list[str]:
    """Keys of batches given up that no compaction has looked at."""
    return [o.key for o in list_objects(bucket, PREFIX["failedBatches"], "") if o.key not in seen]


def gap_of(bucket: str, key: str) -> Gap | None:
    """What a batch that was given up may be missing of the archive; None for one of a table's stream, and for a file
    that is none of Lambda's."""
    head = s3_client().get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{_HEAD_BYTES - 1}")["Body"].read()
    found = _INFO.search(head)
    if found is None and len(head) == _HEAD_BYTES:
        # Nobody promises that the records come last.
        found = _INFO.search(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read())
    if found is None:
        return None
    try:
        info = json.loads(found[1])
        arrival = datetime.fromisoformat(info["approximateArrivalOfFirstRecord"]).astimezone(UTC)
        first, last = int(info["startSequenceNumber"]), int(info["endSequenceNumber"])
        return Gap(f"dt={arrival:%Y-%m-%d}", info["shardId"], first, last)
    except (KeyError, TypeError, ValueError):
        return None


def write_gap(bucket: str, gap: Gap, batch: str) -> None:
    """Remembers a gap and the key of its batch."""
    write_bytes(bucket, gap.key, json.dumps({"batch": batch}).encode())


def forget_gap(bucket: str, gap: Gap) -> None:
    s3_client().delete_object(Bucket=bucket, Key=gap.key)


def places_by_shard(places: Iterable[tuple[str, str, str]]) -> Places:
    """`places`: shard, first and last position of objects."""
    found: Places = defaultdict(list)
    for shard, first, last in places:
        found[shard].append((int(first), int(last)))
    return found
