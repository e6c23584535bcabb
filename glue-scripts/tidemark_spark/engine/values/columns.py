"""Columns that the engine computes with: strings as codes, properties out of their JSON, filters as masks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from tidemark_spark.engine.values.decimals import MAX_EXACT
from tidemark_spark.engine.values.hashing import hash53

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
FieldKind = Literal["int", "string", "bool"]

WORDS = pa.dictionary(pa.int32(), pa.string())
"""The type of a string column that holds each of its words once."""
_ARROW_TYPE = {"int": pa.int64(), "string": pa.string(), "bool": pa.bool_()}
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class PropertyColumn:
    """One property over all events: int64 values (codes into `words` for strings, 0/1 for bools) where `present`."""

    kind: FieldKind
    values: Ints
    present: Bools
    words: pa.Array | None = None

    def take(self, positions: Ints | slice) -> PropertyColumn:
        return PropertyColumn(self.kind, self.values[positions], self.present[positions], self.words)

    def spread(self, positions: Ints, rows: int) -> PropertyColumn:
        """Over `rows` events, of which those at `positions` have these values and the others none."""
        values, present = np.zeros(rows, np.int64), np.zeros(rows, bool)
        values[positions], present[positions] = self.values, self.present
        return PropertyColumn(self.kind, values, present, self.words)

    def arrow(self) -> pa.Array:
        """As an Arrow column, null where it is not present."""
        missing = None if self.present.all() else ~self.present
        if self.kind == "string":
            codes = pa.array(self.values, pa.int64(), mask=missing)
            words = self.words if self.words is not None else pa.array([], pa.string())
            return words.take(codes) if len(words) else pa.nulls(len(codes), pa.string())
        return pa.array(self.values.astype(bool) if self.kind == "bool" else self.values, mask=missing)

    def hashes(self) -> Ints:
        """hash53 of each value's text; meaningless where it is not present."""
        if self.words is not None:
            return hash53(self.words)[self.values] if len(self.words) else np.zeros(len(self.values), np.int64)
        texts, positions = np.unique(self.values, return_inverse=True)
        if self.kind == "bool":
            texts = texts.astype(bool)
        return hash53(pa.array(texts).cast(pa.string()))[positions]


def codes_of(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, pa.Array]:
    """Dense codes of a string column, also of a dictionary encoded one, and the words they stand for; 0 at a null."""
    if not len(column):
        words = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        return np.zeros(0, np.int64), pa.array([], words)
    encoded = column.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    indices = encoded.indices.fill_null(0) if encoded.null_count else encoded.indices
    return indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def ints_of(column: pa.ChunkedArray | pa.Array) -> Ints:
    """An integer column without nulls as int64."""
    return column.to_numpy().astype(np.int64, copy=False)


def byte_ranks(words: pa.Array) -> Ints:
    """Each word's place in the order of UTF-8 bytes, which is the order of code points."""
    order = pc.sort_indices(words.cast(pa.large_binary())).to_numpy()
    ranks = np.empty(len(words), np.int64)
    ranks[order] = np.arange(len(words))
    return ranks


def ranks_of_decimals(*columns: pa.ChunkedArray | pa.Array) -> list[Ints]:
    """Positions of non-negative decimal texts of any length in their common numeric order, one array a column."""
    texts = [pc.utf8_ltrim(c.cast(pa.large_string()), characters="0") for c in columns]
    flat = pa.concat_arrays([a for t in texts for a in (t.chunks if isinstance(t, pa.ChunkedArray) else [t])])
    codes, words = codes_of(flat)
    order = pc.sort_indices(
        pa.table({"length": pc.binary_length(words), "text": words}),
        sort_keys=[("length", "ascending"), ("text", "ascending")],
    ).to_numpy()
    rank = np.empty(len(words), np.int64)
    rank[order] = np.arange(len(words))
    cuts = np.cumsum([len(t) for t in texts])[:-1]
    return np.split(rank[codes], cuts)


def read_properties(
    documents: pa.ChunkedArray, of_type: Bools, fields: dict[str, FieldKind]
) -> dict[str, PropertyColumn]:
    """The named properties of the events that `of_type` marks, as columns over all of them (absent elsewhere).

    `documents` holds one JSON object an event. A value that isn't of its declared kind is no value.
    """
    if not fields:
        return {}
    rows, events_of_type = len(of_type), np.flatnonzero(of_type)
    # A copy of every document costs as much as reading it, and mostly all are wanted.
    parsed = _parse(documents if len(events_of_type) == rows else documents.take(pa.array(events_of_type)), fields)
    columns: dict[str, PropertyColumn] = {}
    for name, kind in fields.items():
        column = property_column(kind, parsed.column(name) if parsed is not None else _nothing(kind))
        columns[name] = column if len(events_of_type) == rows else column.spread(events_of_type, rows)
    return columns


def property_column(kind: FieldKind, column: pa.ChunkedArray | pa.Array) -> PropertyColumn:
    """An Arrow column of the kind, null where an event has no value."""
    present = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else np.ones(len(column), bool)
    if kind == "string":
        codes, words = codes_of(column)
        return PropertyColumn(kind, codes, present, words)
    values = column.fill_null(False if kind == "bool" else 0) if column.null_count else column
    return PropertyColumn(kind, ints_of(values.cast(pa.int64())), present)


def typed_fields(fields: dict[str, dict[str, FieldKind]]) -> list[tuple[str, str, pa.Field]]:
    """For each property of each event type, the Arrow column that holds it where properties are read already."""
    return [
        (event_type, name, pa.field(f"{event_type}/{name}", _ARROW_TYPE[kind]))
        for event_type, kinds in fields.items()
        for name, kind in kinds.items()
    ]


def _nothing(kind: FieldKind) -> pa.ChunkedArray:
    return pa.chunked_array([], _ARROW_TYPE[kind])


def _parse(documents: pa.ChunkedArray, fields: dict[str, FieldKind]) -> pa.Table | None:
    if not len(documents):
        return None
    nothing, line_end = pa.scalar("", pa.large_string()), pa.scalar("\n", pa.large_string())
    lines = pc.binary_join_element_wise(documents.cast(pa.large_string()), nothing, line_end)
    flat = pa.concat_arrays(lines.chunks)
    lengths = pc.binary_length(flat)
    longest = pc.max(lengths).as_py()
    schema = pa.schema([(name, _ARROW_TYPE[kind]) for name, kind in fields.items()])
    try:
        # The values of a fresh string array lie one after the other in its third buffer: newline-delimited JSON.
        return pj.read_json(
            pa.BufferReader(flat.buffers()[2].slice(0, pc.sum(lengths).as_py())),
            read_options=pj.ReadOptions(use_threads=False, block_size=max(_BLOCK_BYTES, longest + 2)),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except pa.ArrowInvalid:
        # Stricter than JSON, and of one mind: one row that an older release admitted must not stop a job.
        documents = map(json.loads, flat.to_pylist())
        wanted = [{n: _of_kind(document.get(n), kind) for n, kind in fields.items()} for document in documents]
        return pa.Table.from_pylist(wanted, schema)


def _of_kind(value: Any, kind: FieldKind) -> Any:
    """The value where it is of the kind, else None: what no contract checked is no feature's input."""
    match kind:
        case "int":
            held = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_EXACT
        case "bool":
            held = isinstance(value, bool)
        case _:
            held = isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
    return value if held else None


def matching(predicates: list[dict[str, Any]], columns: dict[str, PropertyColumn], rows: int) -> Bools:
    """Where all predicates hold. A null property never matches, nor does a value of another kind than the property."""
    mask = np.ones(rows, bool)
    for predicate in predicates:
        column = columns[predicate["field"]]
        mask &= column.present & _holds(column, predicate["op"], predicate["value"])
    return mask


def _holds(column: PropertyColumn, op: str, value: Any) -> Bools:
    match op:
        case "eq":
            return _equals(column, value)
        case "ne":
            return ~_equals(column, value)
        case "in":
            return np.logical_or.reduce([_equals(column, v) for v in value] or [np.zeros(len(column.values), bool)])
    if column.kind != "int":
        return np.zeros(len(column.values), bool)
    match op:
        case "gt":
            return column.values > value
        case "gte":
            return column.values >= value
        case "lt":
            return column.values < value
        case "lte":
            return column.values <= value
    raise ValueError(f"where op: {op!r} is unknown to this engine. Deploy all engines from one commit.")


def _equals(column: PropertyColumn, value: Any) -> Bools:
    nowhere = np.zeros(len(column.values), bool)
    if column.kind == "string":
        if not isinstance(value, str) or column.words is None:
            return nowhere
        code = pc.index(column.words, pa.scalar(value, column.words.type)).as_py()
        return nowhere if code < 0 else column.values == code
    if column.kind == "bool":
        return column.values == int(value) if isinstance(value, bool) else nowhere
    return column.values == value if isinstance(value, int | float) and not isinstance(value, bool) else nowhere
