"""What is explained: weights in the shape of the explained output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from ._arrays import Array, is_array, to_numpy
from ._facts import Facts
from .errors import OptionError

Target: TypeAlias = Any
"""What :class:`relprop.Explainer` explains:

- an integer: this class, of every sample
- a list or array of integers: one class for each sample
- a tuple, such as ``(6, 27)`` or ``(15, slice(None), slice(None))``: this element of every sample, as numpy indexes it
- a list of tuples: one element for each sample
- an array of floats or booleans in the output's shape, with or without samples: weights of all its elements
- "top1" or None: what the model answers: the highest number of a list, a single number itself, the next token
"""


def weights_of(target: Target, facts: Facts, dims: Sequence[int], samples: int) -> Array:
    """A target's weights.

    :param dims: sizes of the explained output
    :param samples: of the input
    :returns: float32, in these sizes; 1 at what is explained, or the weights that were given
    :raises OptionError: for a target that the output does not have
    """
    shape = tuple(dims)
    if is_array(target) and _is_mask(to_numpy(target), shape, facts):
        return _mask(to_numpy(target), shape, facts)
    if isinstance(target, tuple):
        return _elements([target] * samples, shape, facts, target)
    if isinstance(target, list) and target and all(isinstance(each, tuple) for each in target):
        return _elements(target, shape, facts, target)
    indices = to_numpy(target)
    if indices.dtype.kind not in "iu" or indices.ndim > 1:
        raise OptionError(
            f"cannot use the target {target!r}",
            f"the output has the shape {list(shape)}",
            "give an integer, one for each sample, a tuple that indexes one sample's output, or weights in its shape",
        )
    return _classes(indices, shape, facts, samples)


def one_hot_best(explained: Array, facts: Facts) -> Array:
    """The usual target of an answer: the highest of a list, the next token, or the direction of an embedding."""
    weights = np.zeros(explained.shape, np.float32)
    if facts.is_vocabulary:
        samples = np.arange(len(explained))
        weights[samples, -1, explained[:, -1].argmax(-1)] = 1
        return weights
    if facts.kind == "embedding":
        axes = tuple(axis for axis in range(explained.ndim) if axis != facts.batch_axis)
        length = np.sqrt((explained.astype(np.float64) ** 2).sum(axes, keepdims=True))
        directions: Array = (explained / np.where(length == 0, 1, length)).astype(np.float32)
        return directions
    assert facts.class_axis is not None
    best = np.expand_dims(explained.argmax(facts.class_axis), facts.class_axis)
    np.put_along_axis(weights, best, 1, facts.class_axis)
    return weights


def _is_mask(array: Array, shape: tuple[int, ...], facts: Facts) -> bool:
    # Whole numbers are classes, except in the shape of an output with several axes.
    return array.dtype.kind in "fb" or (array.ndim > 1 and array.shape in (shape, _of_sample(shape, facts)))


def _of_sample(shape: tuple[int, ...], facts: Facts) -> tuple[int, ...]:
    return tuple(size for axis, size in enumerate(shape) if axis != facts.batch_axis)


def _mask(array: Array, shape: tuple[int, ...], facts: Facts) -> Array:
    if array.shape == shape:
        return array.astype(np.float32)
    if facts.batch_axis is not None and array.shape == _of_sample(shape, facts):
        one = np.expand_dims(array, facts.batch_axis)
        return np.broadcast_to(one, shape).astype(np.float32)
    why = f"it has the shape {list(array.shape)}, the output has {list(shape)}"
    raise OptionError("cannot use this target", why)


def _classes(indices: Array, shape: tuple[int, ...], facts: Facts, samples: int) -> Array:
    count = 1 if facts.class_axis is None else shape[facts.class_axis]
    maps = facts.maps
    if indices.ndim == 1 and maps > 1 and len(indices) == maps != samples * maps:
        indices = np.repeat(indices, samples)
    total = 1 if facts.batch_axis is None else shape[facts.batch_axis]
    if indices.ndim == 1 and len(indices) != total:
        raise OptionError("cannot use this target", f"it names {len(indices)} classes for {total} samples")
    for index in np.atleast_1d(indices):
        if not 0 <= index < count:
            raise OptionError(f"there is no class {index}", f"the output has the classes 0 to {count - 1}")
    weights = np.zeros(shape, np.float32)
    for sample, index in enumerate(np.broadcast_to(indices, total)):
        at: list[Any] = [slice(None)] * len(shape)
        if facts.batch_axis is not None:
            at[facts.batch_axis] = sample
        if facts.class_axis is not None:
            at[facts.class_axis] = index
        weights[tuple(at)] = 1
    return weights


def _elements(places: Sequence[tuple[Any, ...]], shape: tuple[int, ...], facts: Facts, target: Target) -> Array:
    """Ones at an element of each sample."""
    weights = np.zeros(shape, np.float32)
    each = weights[None] if facts.batch_axis is None else np.moveaxis(weights, facts.batch_axis, 0)
    if len(places) != len(each):
        raise OptionError("cannot use this target", f"it names {len(places)} elements for {len(each)} samples")
    for sample, place in zip(each, places, strict=True):
        if len(place) > sample.ndim:
            why = f"a sample of the output has the shape {list(sample.shape)}"
            raise OptionError(f"cannot use the target {target!r}", why, "leave the samples out of the tuple")
        try:
            sample[place] = 1
        except (IndexError, TypeError, ValueError) as error:
            raise OptionError(f"cannot use the target {target!r}", str(error)) from error
    return weights
