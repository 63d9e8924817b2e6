"""numpy arrays and torch tensors: in as they come, out as they came."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._facts import TensorInfo
from .errors import InputError

Array: TypeAlias = npt.NDArray[Any]
ArrayLike: TypeAlias = Any
"""A numpy array, a torch tensor, or numbers that numpy makes an array of."""


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor; torch is not imported for it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    """Whether a value is an array of its own, not numbers in lists."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def to_numpy(value: ArrayLike) -> Array:
    """As an array of numpy, off the graph and on the CPU."""
    if not is_tensor(value):
        return np.asarray(value)
    tensor = value.detach().cpu()
    # numpy has no bfloat16.
    array: Array = (tensor.float() if tensor.dtype == sys.modules["torch"].bfloat16 else tensor).numpy()
    return array


def returner(given: ArrayLike) -> Callable[[Array], Any]:
    """What makes results the same kind as an input: numpy, or torch on the same device."""
    if not is_tensor(given):
        return lambda array: array
    torch = sys.modules["torch"]
    return lambda array: torch.from_numpy(np.ascontiguousarray(array)).to(given.device)


def fitting(value: ArrayLike, info: TensorInfo) -> Array:
    """An input as the model takes it.

    :raises InputError: for other sizes, or numbers that would lose what they say
    """
    array = to_numpy(value)
    wanted = np.dtype(info.dtype)
    shape = f"[{', '.join(map(str, info.shape))}]"
    fits = array.ndim == len(info.shape) and all(
        isinstance(size, str) or size == had for size, had in zip(info.shape, array.shape, strict=True)
    )
    if not fits:
        why = f"the model takes {shape}, this is {list(array.shape)}"
        raise InputError("cannot explain this input", why, where=f'input "{info.name}"')
    if array.size == 0:
        raise InputError("cannot explain this input", f"it is empty: {list(array.shape)}", where=f'input "{info.name}"')
    if not np.can_cast(array.dtype, wanted, "same_kind"):
        why = f"the model takes {wanted}, this is {array.dtype}"
        raise InputError("cannot explain this input", why, where=f'input "{info.name}"')
    return array.astype(wanted, copy=False)
