"""Items of states: what they hold, and writing one under the condition that nobody did since it was read."""

from __future__ import annotations

from typing import Any

from tidemark_spark.engine.state.states import State
from tidemark_spark.engine.values.positions import Positions, attribute_of, highest, positions_of
from tidemark_spark.names import LIMIT
from tidemark_spark.online.conditional_writes import MAX_ITEM_BYTES, Outcome, attempt, size_of
from tidemark_spark.online.table import Item, key_of

MAX_STATE_BYTES = LIMIT["state_bytes"]


def item_of(state: State, view: str, watermarks: Positions, revision: int) -> Item:
    """The item as the stream processor writes it."""
    item: Item = {
        **key_of(state.entity_id, view),
        "state": {"B": state.data},
        "version": {"N": str(revision)},
        "watermarks": attribute_of(watermarks),
        "newest_event_time": {"N": str(state.newest_event_time)},
        "newest_available_at": {"N": str(state.newest_available_at)},
        "joined": {"BOOL": True},
    }
    return item if state.expires_at is None else item | {"expires_at": {"N": str(state.expires_at)}}


def put_state(client: Any, table: str, item: Item, revision: int | None) -> Outcome:
    """Writes under the condition that nobody did since `revision`, stored as `version`, was read (None: there was no
    item). The caller has asked whether the entity was erased."""
    if len(item["state"]["B"]) > MAX_STATE_BYTES or size_of(item) > MAX_ITEM_BYTES:
        return "too_large"
    if revision is None:
        absent = "attribute_not_exists(entity_id)"
        return attempt(lambda: client.put_item(TableName=table, Item=item, ConditionExpression=absent))
    return attempt(
        lambda: client.put_item(
            TableName=table,
            Item=item,
            ConditionExpression="#version = :read",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":read": {"N": str(revision)}},
        )
    )


def add_base(client: Any, table: str, state: State, stored: Item) -> Outcome:
    """Puts the state beside the stream's own, under the condition that nobody wrote since `stored` was read."""
    base = {"base": {"B": state.data}, "base_watermarks": attribute_of(state.positions)}
    if size_of(stored | base) > MAX_ITEM_BYTES:
        return "too_large"
    return attempt(
        lambda: client.update_item(
            TableName=table,
            Key={name: stored[name] for name in ("entity_id", "view")},
            UpdateExpression="SET #base = :base, base_watermarks = :watermarks, #version = #version + :one",
            ConditionExpression="#version = :read",
            ExpressionAttributeNames={"#base": "base", "#version": "version"},
            ExpressionAttributeValues={
                ":base": base["base"],
                ":watermarks": base["base_watermarks"],
                ":one": {"N": "1"},
                ":read": stored["version"],
            },
        )
    )


def known_positions(item: Item) -> Positions:
    """Shard → what an item has seen, in both of its parts where it has two."""
    return highest(positions_of(item[part]) for part in ("watermarks", "base_watermarks") if part in item)


def watermarks_of(state: State, known: Positions, cutovers: Positions) -> Positions:
    """The watermarks of a state that replaces one which has seen `known`: of the shards with events of its entity.

    What lies before its cutover in a shard, the processor leaves out without asking a state.
    """
    since = {
        shard: position
        for shard, position in known.items()
        if shard in state.positions or _at_or_after(position, cutovers, shard)
    }
    return highest([since, state.positions])


def _at_or_after(position: str, cutovers: Positions, shard: str) -> bool:
    return shard not in cutovers or int(position) >= int(cutovers[shard])
