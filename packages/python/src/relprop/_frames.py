"""Messages of the compiler's process: one frame each, in the encoding of the engine's protocol.

A frame is a little-endian uint32 with the length of the header, the header (JSON ``{message, buffers}``, padded with spaces to
a multiple of 4) and the buffers one after another, each padded to a multiple of 4. In ``message`` an array is
``{"$buffer": index}``.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

_kinds: dict[str, type[np.generic]] = {"uint8": np.uint8, "clamped": np.uint8, "float32": np.float32}


def _padded(length: int) -> int:
    return -(-length // 4) * 4


def encode(message: dict[str, Any]) -> bytes:
    """One frame of plain data and arrays (uint8, float32)."""
    arrays: list[npt.NDArray[Any]] = []

    def place(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{type(value).__name__} {value!r} is no plain value")
        if value.dtype not in (np.uint8, np.float32):
            return value.tolist()
        arrays.append(np.ascontiguousarray(value))
        return {"$buffer": len(arrays) - 1}

    text = json.dumps(message, default=place)
    buffers = [{"kind": array.dtype.name, "bytes": array.nbytes} for array in arrays]
    header = f'{{"message":{text},"buffers":{json.dumps(buffers)}}}'.encode()
    parts = [struct.pack("<I", _padded(len(header))), header.ljust(_padded(len(header)))]
    parts += [array.tobytes().ljust(_padded(array.nbytes), b"\0") for array in arrays]
    return b"".join(parts)


def decode(read: Callable[[int], bytes]) -> dict[str, Any]:
    """Reads one message.

    :param read: gives exactly as many bytes as it is asked for
    """
    (length,) = struct.unpack("<I", read(4))
    header = json.loads(read(length))
    arrays = []
    for info in header["buffers"]:
        bytes_ = read(_padded(info["bytes"]))[: info["bytes"]]
        arrays.append(np.frombuffer(bytes_, _kinds[info["kind"]]))

    def place(value: Any) -> Any:
        if isinstance(value, list):
            return [place(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$buffer" in value:
            return arrays[value["$buffer"]]
        return {key: place(each) for key, each in value.items()}

    message: dict[str, Any] = place(header["message"]) if arrays else header["message"]
    return message
