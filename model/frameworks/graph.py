"""Writes a graph as ONNX, without a package: a model in the files of a training image is numbers and a few operators.

No exporter is in all training images, each is another version there, and what they write differs with it. The format is
protocol buffers (https://protobuf.dev/programming-guides/encoding/), the fields are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, the operators those of opset 17 and ai.onnx.ml 3.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 8
OPSETS = {"": 17, "ai.onnx.ml": 3}
INPUT, OUTPUT = "inputs", "margins"
_FLOAT, _INT64 = 1, 7
_AS_FLOAT, _AS_INT, _AS_STRING, _AS_FLOATS, _AS_INTS, _AS_STRINGS = 1, 2, 3, 6, 7, 8


class Graph:
    """From `inputs`, float32 [n, width] with NaN for null, to `margins`, float32 [n]. Same calls, same bytes."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, values: NDArray[Any]) -> str:
        """Float32, or int64 for whole numbers. Returns its name."""
        name = f"constant{len(self._constants)}"
        whole = np.issubdtype(values.dtype, np.integer)
        raw = np.ascontiguousarray(values, dtype="<i8" if whole else "<f4").tobytes()
        dims = b"".join(_number(1, size) for size in values.shape)
        self._constants.append(dims + _number(2, _INT64 if whole else _FLOAT) + _text(8, name) + _bytes(9, raw))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """A node after those it reads. Returns the name of its output."""
        output = output or f"{operator.lower()}{len(self._nodes)}"
        node = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operator)
        node += b"".join(_bytes(5, _attribute(name, attributes[name])) for name in sorted(attributes))
        self._nodes.append(node + (_text(7, domain) if domain else b""))
        return output

    def finish(self, margins: str) -> bytes:
        """The model whose answer is `margins`, [n, 1] or [n]."""
        self.add("Reshape", margins, self.constant(np.array([-1])), output=OUTPUT)
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, "tidemark")
        graph += b"".join(_bytes(5, constant) for constant in self._constants)
        graph += _bytes(11, _tensor(INPUT, ["n", self._width])) + _bytes(12, _tensor(OUTPUT, ["n"]))
        opsets = [_text(1, domain) + _number(2, version) for domain, version in OPSETS.items()]
        return b"".join(
            [
                _number(1, IR_VERSION),
                _text(2, "tidemark"),
                _bytes(7, graph),
                *(_bytes(8, opset) for opset in opsets),
            ]
        )


def _attribute(name: str, value: Any) -> bytes:
    """A number, a text, or a list of one kind of them."""
    head = _text(1, name)
    if isinstance(value, str):
        return head + _text(4, value) + _number(20, _AS_STRING)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, _AS_INT)
    if isinstance(value, float):
        return head + _float(2, value) + _number(20, _AS_FLOAT)
    if all(isinstance(one, str) for one in value):
        return head + b"".join(_text(9, one) for one in value) + _number(20, _AS_STRINGS)
    if all(isinstance(one, int) for one in value):
        return head + b"".join(_number(8, one) for one in value) + _number(20, _AS_INTS)
    return head + b"".join(_float(7, one) for one in value) + _number(20, _AS_FLOATS)


def _tensor(name: str, shape: Sequence[str | int]) -> bytes:
    dims = (_text(2, size) if isinstance(size, str) else _number(1, size) for size in shape)
    of = _number(1, _FLOAT) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, of))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers as two's complement of 64 bits
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
