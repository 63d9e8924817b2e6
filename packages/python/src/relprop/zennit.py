"""Composites of zennit as ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import zennit.composites as composites
import zennit.layer
import zennit.rules as rules
import zennit.types as types

from .errors import OptionError

_kinds: dict[str, tuple[type, ...]] = {
    "convolution": (*types.ConvolutionStandard.__subclass__, *types.ConvolutionTranspose.__subclass__),
    "dense": (torch.nn.Linear,),
    "affine": types.BatchNorm.__subclass__,
    "sum": (zennit.layer.Sum,),
    "average": types.AvgPool.__subclass__,
    "maximum": (torch.nn.MaxPool1d, torch.nn.MaxPool2d, torch.nn.MaxPool3d),
    "relu": (torch.nn.ReLU,),
    "activation": tuple(
        each for each in types.Activation.__subclass__ if each not in (torch.nn.ReLU, torch.nn.MultiheadAttention)
    ),
}
"""Our kinds of layer, and the modules that are of them."""

_others = ("routing", "gate", "quotient", "product", "softmax", "normalization", "recurrent")
"""Kinds without a module in zennit: it leaves them to autograd."""

_plain = {
    rules.ZPlus: "zplus",
    rules.Pass: "pass",
    rules.Norm: "norm",
    rules.WSquare: "wsquare",
    rules.Flat: "flat",
    rules.ReLUDeconvNet: "deconvnet",
    rules.ReLUGuidedBackprop: "guided-backprop",
}

_LayerMap = Iterable[tuple[Any, Any]]


def composite(own: Any) -> dict[str, Any]:
    """A composite of zennit that goes by layers, for ``composite=``.

    What zennit's canonizers do to batch-norms and residual sums is always done here. Layers that the composite does not map
    follow the gradient, as they do there. Relevance starts at the logit; ``seed="one"`` starts it at one, as
    ``attr_output=torch.eye(…)`` does.

    :param own: a ``LayerMapComposite`` or ``SpecialFirstLayerMapComposite``, such as ``EpsilonPlusFlat()``
    :raises OptionError: for a rule, a kind of module or a composite that has no counterpart; it names it

    >>> relprop.Explainer(net, example_inputs=x, composite=relprop.zennit.composite(EpsilonPlus()))  # doctest: +SKIP
    """
    if not isinstance(own, composites.LayerMapComposite):
        why = "only composites that go by types of layers have counterparts: names of modules are not those of ONNX nodes"
        raise OptionError(f"cannot convert a {type(own).__name__}", why, 'name nodes instead: rules={"PATTERN": "gamma:0.1"}')
    found = {kind: {"rule": "gradient"} for kind in (*_kinds, *_others)}
    found.update(_by_kind(own.layer_map))
    if found["relu"] == found["activation"]:
        del found["relu"]
    if isinstance(own, composites.SpecialFirstLayerMapComposite):
        found.update(_first(own.first_map))
    return {"name": type(own).__name__, "seed": "logit", "strides": "exact", "rules": found}


def _by_kind(layer_map: _LayerMap) -> dict[str, dict[str, Any]]:
    entries = list(layer_map)
    for kinds, hook in entries:
        if not any(issubclass(each, kinds) for classes in _kinds.values() for each in classes):
            raise OptionError(
                f"cannot convert the rule of {kinds}", f"there is no kind of layer for {type(hook).__name__} there"
            )
    found = {}
    for kind, classes in _kinds.items():
        hooks = [next((hook for kinds, hook in entries if issubclass(each, kinds)), None) for each in classes]
        chosen = [None if hook is None else _rule(hook) for hook in hooks]
        if any(each != chosen[0] for each in chosen):
            names = ", ".join(each.__name__ for each in classes)
            raise OptionError("cannot convert this composite", f"a kind of layer has one rule, and {names} have several")
        if chosen[0] is not None:
            found[kind] = chosen[0]
    return found


def _first(first_map: _LayerMap) -> dict[str, dict[str, Any]]:
    entries = _by_kind(first_map)
    linear = {kind: rule for kind, rule in entries.items() if kind in ("convolution", "dense")}
    if linear != entries:
        raise OptionError("cannot convert the rule of the first layer", f"it is for {', '.join(entries)}")
    if "dense" not in linear:
        return {"first convolution": linear["convolution"]} if linear else {}
    if linear.get("convolution") != linear["dense"]:
        raise OptionError("cannot convert the rule of the first layer", "it differs for convolutions and dense layers")
    return {"first": linear["dense"]}


def _rule(hook: Any) -> dict[str, Any]:
    kind = type(hook)
    if kind in _plain:
        return {"rule": _plain[kind]}
    if kind is rules.Epsilon:
        return {"rule": "epsilon", "epsilon": float(_held(hook, "epsilon", [hook.gradient_mapper]))}
    if kind is rules.Gamma:
        # Until 0.5 zennit's rule only modified weights; since then it splits contributions by sign, as ours does.
        split = {"split": "weights"} if len(hook.input_modifiers) == 1 else {}
        return {"rule": "gamma", "gamma": float(_held(hook, "gamma", hook.param_modifiers)), **split}
    if kind is rules.AlphaBeta:
        alpha, beta = (float(_held(hook, name, [hook.reducer])) for name in ("alpha", "beta"))
        return {"rule": "alpha-beta", "alpha": alpha, "beta": beta}
    if kind is rules.ZBox:
        low, high = (_bound(_held(hook, name, hook.input_modifiers)) for name in ("low", "high"))
        return {"rule": "zbox", "low": low, "high": high}
    raise OptionError(f"cannot convert the rule {kind.__module__}.{kind.__name__}", "it has no counterpart")


def _held(hook: Any, name: str, functions: Sequence[Any]) -> Any:
    """A parameter of a rule: zennit keeps it in the closures of its functions."""
    for function in functions:
        held = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        if name in held:
            return held[name].cell_contents
    kind = type(hook).__name__
    raise OptionError(f"cannot convert the rule {kind}", f"this version of zennit does not tell its {name}")


def _bound(value: Any) -> float | list[float]:
    """A bound of pixels: a number, or one for each channel."""
    bound = torch.as_tensor(value, dtype=torch.float64)
    if bound.dim() in (3, 4):
        channels = bound.movedim(-3, 0).flatten(1)
        if not (channels == channels[:, :1]).all():
            raise OptionError("cannot convert the rule ZBox", "its bounds differ from pixel to pixel")
        numbers: list[float] = channels[:, 0].tolist()
        return numbers if len(set(numbers)) > 1 else numbers[0]
    if bound.numel() == 1:
        return float(bound)
    raise OptionError("cannot convert the rule ZBox", f"its bounds have the shape {list(bound.shape)}")
