"""Rows of tables and files as JSON bodies, the same whatever held them."""

from __future__ import annotations

import base64
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tidemark_spark.engine.admission.wire_json import js_number

_SAFE = 2**53
_MAX_NUMBER_DIGITS = 15
_DIGITS = re.compile("[-.]")


def bodies(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """A body a row, column → value, as `wire_json.parse` would read it.

    Whole numbers within 2^53 are numbers, beyond it texts, as are decimals: no digit is lost. Instants are ISO 8601
    with Z, times without a zone ISO 8601 without, dates yyyy-mm-dd, bytes base64. NaN and infinity are null.
    """
    columns = [_plain_column(batch.column(i)) for i in range(batch.num_columns)]
    return [dict(zip(batch.schema.names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_column(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_boolean(kind) or pa.types.is_int32(kind):
        return column.to_pylist()
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    return [plain(value) for value in column.to_pylist()]


def plain(value: Any) -> Any:
    """One value of an Arrow row, also nested, as JSON has it."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) < _SAFE else str(value)
        case float():
            if not math.isfinite(value):
                return None
            if value.is_integer():
                return int(value) if abs(value) < _SAFE else value
            text = js_number(value)
            # What a binary float adds, as of 29.330000000000002, goes as text, which a decimal of the contract rounds.
            return text if len(_DIGITS.sub("", text.split("e")[0]).lstrip("0")) > _MAX_NUMBER_DIGITS else value
        case Decimal():
            return f"{value:f}"
        case datetime():
            if value.tzinfo is None:
                return value.isoformat()
            return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {str(key): plain(one) for key, one in value.items()}
        case list():
            # A map comes as pairs.
            if value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
                return {str(key): plain(one) for key, one in value}
            return [plain(one) for one in value]
    return str(value)
