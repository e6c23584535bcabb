"""Resharding that keeps the parents, in the emulator's Kinesis.

The emulator deletes a shard that is split or merged, with its records. "After a reshard, data records that were
flowing to the parent shards are re-routed to the child shards … you can continue to read the records of the parents
until they expire" (https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html).
"""

import json
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import kinesis

from ..host.context import LocalContext
from ..host.plugin import Plugin
from ..host.relies_on import ReliesOn


def register(_context: LocalContext) -> None:
    """Replaces the resharding operations and what they share with the rest of the service. Call it once."""
    kinesis._split_shard = _keeping_parents(kinesis._split_shard, ("ShardToSplit",))
    kinesis._merge_shards = _keeping_parents(kinesis._merge_shards, ("ShardToMerge", "AdjacentShardToMerge"))
    kinesis._update_shard_count = _update_shard_count
    kinesis._route_to_shard = _route_to_open_shard
    kinesis._expire_records = _expire_records
    kinesis._shard_out = _with_end(kinesis._shard_out)
    kinesis._get_records = _ending_closed_shards(kinesis._get_records)
    kinesis._describe_stream_summary = _counting_open_shards(kinesis._describe_stream_summary)


def open_shards(stream: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {shard_id: shard for shard_id, shard in stream["shards"].items() if not shard.get("closed")}


def _keeping_parents(operation: Callable, names: tuple[str, ...]) -> Callable:
    def reshard(data: dict[str, Any]):
        name, stream = kinesis._resolve_stream(data)
        parents = {}
        if stream:
            for shard_id in (data.get(key) for key in names):
                if stream["shards"].get(shard_id, {}).get("closed"):
                    message = f"Shard {shard_id} in stream {name} is not open"
                    return error_response_json("ResourceInUseException", message, 400)
                if shard_id in stream["shards"]:
                    parents[shard_id] = stream["shards"][shard_id]
        answer = operation(data)
        if answer[0] == 200 and stream:
            for shard in parents.values():
                _close(shard)
            stream["shards"] = dict(sorted({**parents, **stream["shards"]}.items()))
            kinesis.esm_wake.set()
        return answer

    return reshard


def _update_shard_count(data: dict[str, Any]):
    """Uniform scaling: new shards of equal ranges, whose parents are the open shards they overlap."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    target = int(data.get("TargetShardCount") or 0)
    if target < 1:
        return error_response_json("ValidationException", "TargetShardCount must be >= 1", 400)
    old = open_shards(stream)
    if target != len(old):
        born = kinesis._build_shards(target, kinesis._max_shard_index(stream) + 1)
        for shard in born.values():
            low, high = int(shard["starting_hash_key"]), int(shard["ending_hash_key"])
            parents = [
                shard_id
                for shard_id, parent in old.items()
                if int(parent["starting_hash_key"]) <= high and low <= int(parent["ending_hash_key"])
            ]
            shard["parents"] = parents
            shard["parent_shard_id"], shard["adjacent_parent_shard_id"] = [*parents, None][:2]
        for shard in old.values():
            _close(shard)
        stream["shards"] = {**stream["shards"], **born}
        kinesis.esm_wake.set()
    counts = {"CurrentShardCount": len(old), "TargetShardCount": target}
    return json_response({"StreamName": stream["StreamName"], **counts, "StreamARN": stream["StreamARN"]})


def _close(shard: dict[str, Any]) -> None:
    shard["closed"] = True
    shard["ending_sequence_number"] = kinesis._next_sequence_number()


def _route_to_open_shard(hash_key: int, stream: dict[str, Any]) -> str:
    for shard_id, shard in stream["shards"].items():
        if not shard.get("closed") and int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"]):
            return shard_id
    raise LookupError(f"no open shard of {stream['StreamName']} has hash key {hash_key}")


def _expire_records(stream: dict[str, Any]) -> None:
    """Drops expired records only when there are some: the emulator copies every record of the stream at each call."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard in stream["shards"].values():
        if shard["records"] and shard["records"][0]["ApproximateArrivalTimestamp"] < cutoff:
            shard["records"] = [item for item in shard["records"] if item["ApproximateArrivalTimestamp"] >= cutoff]


def _with_end(original: Callable) -> Callable:
    def shard_out(shard_id: str, shard: dict[str, Any]) -> dict[str, Any]:
        shown = original(shard_id, shard)
        if shard.get("closed"):
            shown["SequenceNumberRange"]["EndingSequenceNumber"] = shard["ending_sequence_number"]
        return shown

    return shard_out


def _ending_closed_shards(original: Callable) -> Callable:
    """ "NextShardIterator: if set to null, the shard has been closed and the requested iterator does not return any
    more data"."""

    def get_records(data: dict[str, Any]):
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        status, headers, body = original(data)
        stream = kinesis._streams.get(state["stream"]) if state else None
        shard = stream["shards"].get(state["shard_id"]) if state and stream else None
        if status == 200 and state and stream and shard and shard.get("closed"):
            answer = json.loads(body)
            following = kinesis._shard_iterators.get(answer.get("NextShardIterator"))
            if following and following["position"] >= len(shard["records"]):
                del answer["NextShardIterator"]
                answer["ChildShards"] = [
                    {
                        "ShardId": child_id,
                        "ParentShards": [parent for parent in _parents(child) if parent],
                        "HashKeyRange": {
                            "StartingHashKey": child["starting_hash_key"],
                            "EndingHashKey": child["ending_hash_key"],
                        },
                    }
                    for child_id, child in stream["shards"].items()
                    if state["shard_id"] in _parents(child)
                ]
                return json_response(answer)
        return status, headers, body

    return get_records


def _parents(shard: dict[str, Any]) -> tuple[str | None, str | None]:
    return shard["parent_shard_id"], shard["adjacent_parent_shard_id"]


def _counting_open_shards(original: Callable) -> Callable:
    def describe(data: dict[str, Any]):
        status, headers, body = original(data)
        _name, stream = kinesis._resolve_stream(data)
        if status != 200 or not stream:
            return status, headers, body
        answer = json.loads(body)
        answer["StreamDescriptionSummary"]["OpenShardCount"] = len(open_shards(stream))
        return json_response(answer)

    return describe


PLUGIN = Plugin(
    name="kinesis.reshard",
    service="Kinesis Data Streams",
    words=__doc__,
    alone="Deletes a shard that is split or merged, with its records.",
    register=register,
    operations=[
        "kinesis:SplitShard",
        "kinesis:MergeShards",
        "kinesis:UpdateShardCount",
        "kinesis:GetRecords",
        "kinesis:ListShards",
        "kinesis:DescribeStreamSummary",
    ],
    relies_on=[
        ReliesOn(
            "services.kinesis",
            functions={
                "_build_shards": "(shard_count, start_index)",
                "_describe_stream_summary": "(data)",
                "_expire_records": "(stream)",
                "_get_records": "(data)",
                "_max_shard_index": "(stream)",
                "_merge_shards": "(data)",
                "_next_sequence_number": "()",
                "_resolve_stream": "(data)",
                "_route_to_shard": "(hash_key_int, stream)",
                "_shard_out": "(shard_id, shard)",
                "_split_shard": "(data)",
                "_update_shard_count": "(data)",
            },
            values=["_shard_iterators", "_streams"],
            has={
                "handle_request": [
                    "_split_shard",
                    "_merge_shards",
                    "_update_shard_count",
                    "_get_records",
                    "_describe_stream_summary",
                ],
                "_put_records": ["_route_to_shard"],
                "_list_shards": ["_shard_out"],
                "_split_shard": ['del stream["shards"][shard_id]'],
                "_get_records": ["_expire_records"],
            },
        )
    ],
)
