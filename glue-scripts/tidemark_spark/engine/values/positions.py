"""Positions in the shards of the stream: shard → sequence number, a decimal text of any length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Positions = dict[str, str]

HISTORY_SHARD = "history"
"""Where loaded history stands, as if it were a shard."""


def positions_of(attribute: dict[str, Any]) -> Positions:
    """From an item's map attribute."""
    return {shard: position["S"] for shard, position in attribute["M"].items()}


def attribute_of(positions: Positions) -> dict[str, Any]:
    """The map attribute of an item that holds them."""
    return {"M": {shard: {"S": position} for shard, position in positions.items()}}


def highest(positions: Iterable[Positions]) -> Positions:
    """Of each shard the highest position, as the first of `positions` that has it writes it."""
    newest: Positions = {}
    for some in positions:
        for shard, position in some.items():
            if int(position) > int(newest.get(shard, -1)):
                newest[shard] = position
    return newest


def covers(positions: Positions, known: Positions) -> bool:
    """Whether a state at `positions` has seen all that a state at `known` has."""
    return all(shard in positions and int(known[shard]) <= int(positions[shard]) for shard in known)
