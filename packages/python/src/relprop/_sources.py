"""Models as callers have them -> files that the compiler reads, and temporary folders for what it writes."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .errors import ModelFileError, OptionError

if TYPE_CHECKING:
    import onnx
    import torch

    Model: TypeAlias = str | os.PathLike[str] | bytes | onnx.ModelProto | torch.nn.Module
else:
    Model: TypeAlias = Any

_largest_message = 2**31 - 1


class Scratch:
    """A temporary folder that goes when nothing refers to it any more, in the process that made it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="relprop-"))
        self._gone = weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(path: Path, owner: int) -> None:
    # A child after a fork has a copy of this object, but the folder is its parent's.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


@dataclass(frozen=True)
class Source:
    """An .onnx file.

    :ivar path: where it is
    :ivar scratch: its folder, if it was made for this call
    """

    path: Path
    scratch: Scratch | None = None


def source_of(model: Model, example_inputs: Any = None, **export: Any) -> Source:
    """A model as a file.

    :param model: path of an .onnx file, its bytes, an ``onnx.ModelProto``, or a ``torch.nn.Module`` with example inputs
    :raises ModelFileError: if it cannot be written or exported
    :raises OptionError: for something else than these
    """
    if isinstance(model, str | os.PathLike):
        return Source(Path(model))
    scratch = Scratch()
    path = scratch.path / "model.onnx"
    if isinstance(model, bytes | bytearray | memoryview):
        path.write_bytes(model)
        return Source(path, scratch)
    kind = type(model)
    if kind.__name__ == "ModelProto":
        _write_proto(model, path)
        return Source(path, scratch)
    if any(each.__module__.startswith("torch.nn.") for each in kind.__mro__):
        from ._export import export_module

        export_module(model, example_inputs, path, **export)
        return Source(path, scratch)
    raise OptionError(
        f"cannot explain a {kind.__module__}.{kind.__qualname__}",
        "a model is the path of an .onnx file, its bytes, an onnx.ModelProto or a torch.nn.Module",
        "export it to ONNX first",
    )


def _write_proto(model: Any, path: Path) -> None:
    """Writes a ``ModelProto``; weights that a message has no room for go beside it."""
    if model.ByteSize() <= _largest_message:
        path.write_bytes(model.SerializeToString())
        return
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save(copy, path, save_as_external_data=True, location="model.onnx.data")


Stamps: TypeAlias = Mapping[str, tuple[int, int]]
"""Size in bytes and time of the last change in ns, by path."""


def stamps_of(files: Iterable[str]) -> dict[str, tuple[int, int]]:
    """What tells whether files are still the same."""
    found = {}
    for file in files:
        stat = os.stat(file)
        found[file] = (stat.st_size, stat.st_mtime_ns)
    return found


def refuse_changed(stamps: Stamps) -> None:
    """:raises ModelFileError: if a file is not what it was: its weights would not fit the compiled graph"""
    for file, stamp in stamps.items():
        try:
            same = stamps_of([file])[file] == stamp
        except OSError as error:
            raise ModelFileError(f'cannot read the weights in "{file}"', str(error)) from error
        if not same:
            raise ModelFileError(
                f'cannot use the weights in "{file}"',
                "the file was changed after the model was compiled",
                "compile it again",
            )
