"""Positions in the shards of the stream: shard → sequence number, a decimal text of any length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Positions = dict[str, str]

HISTORY_SHARD = "history"
"""Where loaded history stands, as if it were a shard."""


def positions_of(attribute: dict[str, Any]) -> Positions:
    """From an item's map attribute."""
    return {shard: mark["S"] for shard, mark in attribute["M"].items()}


def attribute_of(marks: Positions) -> dict[str, Any]:
    """The map attribute of an item that holds them."""
    return {"M": {shard: {"S": mark} for shard, mark in marks.items()}}


def highest(marks: Iterable[Positions]) -> Positions:
    """Of each shard the highest position, as the first of `marks` that has it writes it."""
    newest: Positions = {}
    for one in marks:
        for shard, mark in one.items():
            if int(mark) > int(newest.get(shard, -1)):
                newest[shard] = mark
    return newest


def covers(marks: Positions, known: Positions) -> bool:
    """Whether a state at `marks` has seen all that a state at `known` has."""
    return all(shard in marks and int(known[shard]) <= int(marks[shard]) for shard in known)
