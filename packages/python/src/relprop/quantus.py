"""Relevance as Quantus asks for it: a function of model, inputs and targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .captum import RelevancePropagation

_options = ("composite", "dialect", "rules", "seed", "strides", "epsilon", "gamma", "alpha", "beta", "low", "high", "method")


def explain(model: torch.nn.Module, inputs: Any, targets: Any, **options: Any) -> npt.NDArray[np.float32]:
    """An ``explain_func`` of Quantus.

    The model is exported for each call, since Quantus changes its weights between calls (randomisation tests).

    :param inputs: [N, C, H, W], or what the model takes
    :param targets: classes, [N]
    :param options: what Quantus hands on. Options of :func:`relprop.compile` are used; Quantus' own (``device``,
        ``reduce_axes`` …) are left to it
    :returns: relevance in the shape of the inputs

    >>> metric(net, x, y, explain_func=relprop.quantus.explain)  # doctest: +SKIP
    """
    own = {name: value for name, value in options.items() if name in _options}
    x = torch.as_tensor(np.asarray(inputs, np.float32))
    y = [int(target) for target in np.asarray(targets).reshape(-1)]
    with torch.no_grad():
        relevance = RelevancePropagation(model, **own).attribute(x, y)
    found: npt.NDArray[np.float32] = relevance.numpy()
    return found
