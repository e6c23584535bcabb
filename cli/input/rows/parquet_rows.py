"""Rows of a Parquet file as lines of JSON, for the command line: `parquet_rows.py <file>`.

What JSON has no word for is text: a decimal and a number of more than 15 digits by their digits, a date and a time in
ISO 8601 (with Z where the file says that it is UTC, without a zone where it says none), bytes as hexadecimal digits.
NaN is null.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 8192
EXACT = 2**53 - 1
DIGITS = 15


def main(path: str) -> None:
    """Writes a line a row. Memory is that of a batch. Ends with code 2 and a sentence where it can't read the file."""
    try:
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(batch_size=ROWS):
            columns = [_column(column) for column in batch.columns]
            names = batch.schema.names
            for row in zip(*columns, strict=True):
                sys.stdout.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")
    except (pa.ArrowException, OSError) as error:
        sys.stderr.write(f"{type(error).__name__}: {str(error).splitlines()[0]}\n")
        sys.exit(2)


def _column(column: pa.Array) -> list[object]:
    # Below a microsecond nothing is kept of a time, and Python has no type for it.
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    if pa.types.is_float32(column.type):
        return [None if v is None else _plain(float(str(np.float32(v)))) for v in column.to_pylist()]
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            return value.isoformat()
        return value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value)


def _float(value: float) -> object:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return str(value)
    if value.is_integer() and abs(value) <= EXACT:
        return int(value)
    text = repr(value)
    digits = text.split("e")[0].replace(".", "").replace("-", "").strip("0")
    return value if len(digits) <= DIGITS else text


if __name__ == "__main__":
    main(sys.argv[1])
