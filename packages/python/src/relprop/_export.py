"""torch.nn.Module -> .onnx file."""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ModelFileError, OptionError

if TYPE_CHECKING:
    import torch


def export_module(module: torch.nn.Module, example_inputs: Any, path: Path, dynamic_batch: bool = True) -> None:
    """Exports a module as it is now, in evaluation mode.

    The exporter of ``torch.export`` is tried first, then the older one by tracing; each first with an open batch.

    :param example_inputs: a tensor, a tuple of them, or a mapping of keyword arguments; axis 0 counts samples
    :param dynamic_batch: whether the first axis of every input becomes the open batch
    :raises OptionError: without example inputs
    :raises ModelFileError: where no exporter can; it says why each could not
    """
    import torch

    if example_inputs is None:
        raise OptionError(
            "cannot export this module",
            "an export runs it once, so it needs inputs",
            "give example_inputs=, a tensor or a tuple of tensors",
        )
    args, kwargs = _arguments(example_inputs)
    tensors = [each for each in (*args, *kwargs.values()) if isinstance(each, torch.Tensor)]
    can_open = dynamic_batch and len({each.shape[:1] for each in tensors}) == 1 and tensors[0].dim() > 0
    reasons: list[str] = []
    for is_open in (True, False) if can_open else (False,):
        for name, export in (("torch.export", _by_export), ("tracing", _by_tracing)):
            try:
                with _evaluating(module), _quietly(), torch.no_grad():
                    export(module, args, kwargs, path, is_open)
                return
            except Exception as error:  # noqa: BLE001 - exporters raise anything
                batch = "open batch" if is_open else "fixed batch"
                reasons.append(f"{name}, {batch}: {_first_line(error)}")
    raise ModelFileError(
        f"cannot export {type(module).__name__} to ONNX",
        "no exporter can\n  " + "\n  ".join(reasons) + "\n",
        "export it yourself, and give the path of the .onnx file",
    )


def _arguments(example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example, Mapping):
        return (), dict(example)
    return (tuple(example), {}) if isinstance(example, tuple | list) else ((example,), {})


def _by_export(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], path: Path, is_open: bool) -> None:
    import torch

    dim = torch.export.Dim("batch")
    if is_open:
        # An axis of one sample is taken for a constant.
        args = tuple(_two(each) for each in args)
        kwargs = {name: _two(each) for name, each in kwargs.items()}
    given = zip(_names(module, args, kwargs), (*args, *kwargs.values()), strict=True)
    shapes = {name: {0: dim} if isinstance(each, torch.Tensor) else None for name, each in given}
    torch.onnx.export(
        module,
        args,
        str(path),
        kwargs=kwargs,
        dynamo=True,
        verbose=False,
        external_data=True,
        dynamic_shapes=(shapes if kwargs else tuple(shapes.values())) if is_open else None,
    )


def _names(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """The names of the parameters that take the inputs; numbers where there are none."""
    taken = [
        each.name
        for each in inspect.signature(module.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    return [taken[i] if i < len(taken) else f"input{i}" for i in range(len(args))] + list(kwargs)


def _by_tracing(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], path: Path, is_open: bool) -> None:
    import torch

    names = _names(module, args, kwargs)
    axes = {**{name: {0: "batch"} for name in names}, "output": {0: "batch"}} if is_open else None
    torch.onnx.export(
        module,
        args,
        str(path),
        kwargs=kwargs,
        dynamo=False,
        input_names=names,
        output_names=["output"],
        dynamic_axes=axes,
        opset_version=17,
    )


def _two(each: Any) -> Any:
    import torch

    is_one = isinstance(each, torch.Tensor) and each.shape[0] == 1
    return each.repeat(2, *[1] * (each.dim() - 1)) if is_one else each


@contextlib.contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Evaluation mode; afterwards each part is in its own mode again."""
    training = [each for each in module.modules() if each.training]
    module.eval()
    try:
        yield
    finally:
        for each in training:
            each.training = True


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without what exporters print: what matters is in their exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason'}"[:300]
