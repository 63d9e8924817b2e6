"""Agreement with zennit, captum and LXT, which run in float64 where they can. `pytest -s` prints the table."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import relprop

zennit = pytest.importorskip("zennit")
from zennit.attribution import Gradient  # noqa: E402
from zennit.canonizers import MergeBatchNorm, SequentialMergeBatchNorm  # noqa: E402
from zennit.composites import (  # noqa: E402
    DeconvNet,
    EpsilonAlpha2Beta1,
    EpsilonAlpha2Beta1Flat,
    EpsilonGammaBox,
    EpsilonPlus,
    EpsilonPlusFlat,
    ExcitationBackprop,
    GuidedBackprop,
    LayerMapComposite,
)
from zennit.rules import AlphaBeta, Epsilon, Flat, Gamma, Norm, Pass, WSquare, ZPlus  # noqa: E402
from zennit.types import Activation, AvgPool, Linear  # noqa: E402

import relprop.zennit  # noqa: E402

tolerance = 2e-5
"""Of the largest difference, against the largest relevance: ours is float32. Where the referee in float32 is further from
itself in float64, its own distance counts: then sums that are almost 0 divide, and rounding decides."""

rows: list[tuple[str, str, str, float, float]] = []


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    yield
    print("\n| network | rules | against | largest difference / largest relevance | the peer in float32 |")
    print("| --- | --- | --- | --- | --- |")
    for network, rule, peer, distance, rounding in rows:
        print(f"| {network} | {rule} | {peer} | {distance:.1e} | {rounding:.1e} |")


@pytest.fixture(scope="module", autouse=True)
def exact_merges() -> Iterator[None]:
    """zennit merges a batch-norm, and leaves one of variance 1 + eps behind: a factor of 1 - 5e-6 for each."""
    merge = SequentialMergeBatchNorm.merge_batch_norm

    def exact(modules: Any, batch_norm: Any) -> None:
        merge(modules, batch_norm)
        batch_norm.running_var.data -= batch_norm.eps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MergeBatchNorm, "merge_batch_norm", staticmethod(exact))
        yield


def agree(network: str, rule: str, peer: str, found: Any, referee: Callable[[torch.dtype], torch.Tensor]) -> None:
    """Compares with the referee in float64."""
    wanted = referee(torch.float64).detach()
    assert wanted.abs().max() > 0, "the referee gave nothing"

    def distance(each: Any) -> float:
        return float((torch.as_tensor(each).detach().double() - wanted).abs().max() / wanted.abs().max())

    own, rounding = distance(found), distance(referee(torch.float32))
    rows.append((network, rule, peer, own, rounding))
    assert own < max(tolerance, 3 * rounding), f"{network}, {rule}: {own}, the peer itself {rounding}"
    assert own < 0.2, "rounding is no excuse for this"


def randomized(net: torch.nn.Module) -> torch.nn.Module:
    """Batch-norms as after training, and biases."""
    generator = torch.Generator().manual_seed(3)
    for each in net.modules():
        if isinstance(each, torch.nn.modules.batchnorm._BatchNorm):
            each.running_mean.copy_(torch.randn(each.num_features, generator=generator) * 0.1)
            each.running_var.copy_(torch.rand(each.num_features, generator=generator) + 0.5)
            with torch.no_grad():
                each.bias.copy_(torch.randn(each.num_features, generator=generator) * 0.1)
    return net.eval()


def conv(n_in: int, n_out: int, dims: int = 2, stride: int = 1) -> list[torch.nn.Module]:
    module = (torch.nn.Conv1d, torch.nn.Conv2d)[dims - 1]
    norm = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)[dims - 1]
    return [module(n_in, n_out, 3, stride, 1), norm(n_out), torch.nn.ReLU()]


def vgg11() -> torch.nn.Module:
    """VGG-11 with batch-norms, an eighth of its channels, for pictures of 32 pixels."""
    layers: list[torch.nn.Module] = []
    channels = 3
    for width in (8, "M", 16, "M", 32, 32, "M", 64, 64, "M", 64, 64, "M"):
        if isinstance(width, int):
            layers += conv(channels, width)
            channels = width
        else:
            layers.append(torch.nn.MaxPool2d(2))
    head = [torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(32, 10)]
    return randomized(torch.nn.Sequential(*layers, *head))


def signal_net() -> torch.nn.Module:
    pooled = [torch.nn.AvgPool1d(2), torch.nn.Flatten(), torch.nn.Linear(12 * 8, 4)]
    return randomized(torch.nn.Sequential(*conv(2, 8, 1), *conv(8, 12, 1, 2), *pooled))


class Plus(torch.nn.Module):
    """A module of its own, so that zennit's twin can have zennit's there."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return a + b


class ZennitPlus(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sum = zennit.layer.Sum()

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.sum(torch.stack([a, b], -1))


class Block(torch.nn.Module):
    """Two convolutions beside a shortcut (He et al. 2015)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.main = torch.nn.Sequential(*conv(n_in, n_out, 2, stride), *conv(n_out, n_out)[:2])
        shortcut = [torch.nn.Conv2d(n_in, n_out, 1, stride), torch.nn.BatchNorm2d(n_out)]
        self.shortcut = torch.nn.Identity() if n_in == n_out and stride == 1 else torch.nn.Sequential(*shortcut)
        self.plus, self.relu = Plus(), torch.nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.plus(self.main(x), self.shortcut(x)))


def resnet() -> torch.nn.Module:
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(64, 10)]
    return randomized(torch.nn.Sequential(*conv(3, 16), torch.nn.MaxPool2d(2), *blocks, *head))


networks = {"VGG-11 BN": (vgg11, (2, 3, 32, 32)), "1-D CNN": (signal_net, (2, 2, 32)), "residual CNN": (resnet, (2, 3, 32, 32))}


@functools.cache
def case(network: str) -> tuple[torch.nn.Module, torch.Tensor, Any]:
    """A network, an input and its .onnx file."""
    torch.manual_seed(1)
    make, shape = networks[network]
    net, x = make(), torch.randn(shape)
    return net, x, relprop._sources.source_of(net, x)


def by_zennit(net: torch.nn.Module, theirs: Any, x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    own = copy.deepcopy(net).to(dtype)
    for each in own.modules():
        if isinstance(each, Block):
            each.plus = ZennitPlus()
    classes = own(x.to(dtype)).shape[1]
    with Gradient(own, theirs) as attributor:
        _, relevance = attributor(x.to(dtype), torch.eye(classes, dtype=dtype)[[1, 3]])
    return relevance


def single(rule: Any) -> LayerMapComposite:
    return LayerMapComposite([(Activation, Pass()), (zennit.layer.Sum, Norm()), (AvgPool, Norm()), (Linear, rule)])


zennits = {
    "EpsilonPlus": EpsilonPlus,
    "EpsilonPlusFlat": EpsilonPlusFlat,
    "EpsilonAlpha2Beta1": EpsilonAlpha2Beta1,
    "EpsilonAlpha2Beta1Flat": EpsilonAlpha2Beta1Flat,
    "EpsilonGammaBox": lambda **more: EpsilonGammaBox(low=-3.0, high=3.0, **more),
    "ExcitationBackprop": ExcitationBackprop,
    "GuidedBackprop": GuidedBackprop,
    "DeconvNet": DeconvNet,
    "Epsilon(0.01)": lambda **_: single(Epsilon(0.01)),
    "Gamma(0.1)": lambda **_: single(Gamma(0.1)),
    "AlphaBeta(3, 2)": lambda **_: single(AlphaBeta(3, 2)),
    "ZPlus": lambda **_: single(ZPlus()),
    "WSquare": lambda **_: single(WSquare()),
    "Flat": lambda **_: single(Flat()),
}


on_residuals = ["EpsilonPlus", "EpsilonAlpha2Beta1Flat", "EpsilonGammaBox", "GuidedBackprop", "Gamma(0.1)", "WSquare"]
pairs = [(net, name) for net in networks for name in (on_residuals if net == "residual CNN" else zennits)]


@pytest.mark.parametrize(("network", "name"), pairs)
def test_zennit(network: str, name: str) -> None:
    net, x, source = case(network)
    theirs = zennits[name]()
    theirs.canonizers = [SequentialMergeBatchNorm()]
    explainer = relprop.Explainer(source.path, composite=relprop.zennit.composite(theirs), seed="one")
    found = explainer(x, target=[1, 3]).relevance
    agree(network, name, "zennit", found, lambda dtype: by_zennit(net, theirs, x, dtype))


def test_zennit_has_what_we_lack() -> None:
    class Own(Epsilon):
        pass

    with pytest.raises(relprop.OptionError, match=r"Own: it has no counterpart"):
        relprop.zennit.composite(single(Own()))
    with pytest.raises(relprop.OptionError, match="cannot convert a NameMapComposite"):
        relprop.zennit.composite(zennit.composites.NameMapComposite([(["conv"], Epsilon())]))
    with pytest.raises(relprop.OptionError, match="have several"):
        relprop.zennit.composite(LayerMapComposite([(torch.nn.Conv2d, Epsilon())]))
    with pytest.raises(relprop.OptionError, match="differ from pixel to pixel"):
        relprop.zennit.composite(EpsilonGammaBox(low=-torch.rand(1, 3, 4, 4), high=torch.ones(1, 3, 4, 4)))


def test_zennits_bounds_by_channel() -> None:
    torch.manual_seed(0)
    net, x = vgg11(), torch.randn(2, 3, 32, 32)
    low, high = (torch.tensor(each).reshape(1, 3, 1, 1) for each in ([-3.0, -2.5, -4.0], [3.0, 4.0, 5.0]))
    theirs = EpsilonGammaBox(low=low, high=high, canonizers=[SequentialMergeBatchNorm()])
    explainer = relprop.Explainer(net, example_inputs=x, composite=relprop.zennit.composite(theirs), seed="one")
    found = explainer(x, [1, 3]).relevance
    agree("VGG-11 BN", "EpsilonGammaBox by channel", "zennit", found, lambda dtype: by_zennit(net, theirs, x, dtype))


class Small(torch.nn.Module):
    """captum's LRP has no rule for Flatten modules."""

    def __init__(self) -> None:
        super().__init__()
        layers = [torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 3, 2), torch.nn.ReLU()]
        self.features, self.head = torch.nn.Sequential(*layers), torch.nn.Linear(8 * 36, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))


@pytest.mark.parametrize("name", ["epsilon", "gamma"])
def test_captum(name: str) -> None:
    captum_attr = pytest.importorskip("captum.attr")
    from captum.attr._utils.lrp_rules import EpsilonRule, GammaRule

    torch.manual_seed(2)
    net, x = Small().eval(), torch.randn(2, 3, 16, 16)

    def by_captum(dtype: torch.dtype) -> torch.Tensor:
        own = copy.deepcopy(net).to(dtype)
        for layer in own.modules():
            if hasattr(layer, "weight"):
                layer.rule = EpsilonRule() if name == "epsilon" else GammaRule(set_bias_to_zero=False)
        return captum_attr.LRP(own).attribute(x.to(dtype), target=[1, 3])

    from relprop.captum import RelevancePropagation

    found = RelevancePropagation(net, composite=name, dialect="captum").attribute(x, target=[1, 3])
    agree("CNN", name, "captum's LRP", found, by_captum)
