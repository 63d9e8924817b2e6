"""Relevance of networks with many kinds of activations by zennit 1.0, in float64, for packages/relprop/test/zennit.

    python zennit_activations.py FOLDER        writes <network>.onnx, activations.json and activations.bin

needs torch, onnx and zennit 1.0 (https://pypi.org/project/zennit)

zennit's DeconvNet, GuidedBackprop and BetaSmooth act on modules of the class torch.nn.ReLU; every other activation hands
its gradient on. Its LRP composites pass relevance through activations of all kinds. Networks are small, their weights
random. The values in float32 are computed too: how far they lie from those in float64 is the rounding that is told.
"""

import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from zennit.attribution import Gradient
from zennit.composites import COMPOSITES

COMPOSITES_BY_NAME = {
    "deconvnet": ("deconvnet", {}),
    "guided-backprop": ("guided_backprop", {}),
    "beta-smooth": ("beta_smooth", {}),
    "beta-smooth:3": ("beta_smooth", {"beta_smooth": 3.0}),
    "gradient": (None, {}),
    "excitation-backprop": ("excitation_backprop", {}),
    "epsilon-plus": ("epsilon_plus", {}),
}


def convolutions():
    """ReLUs among LeakyReLU, GELU, Sigmoid, ReLU6, SiLU and PReLU, a maximum and a mean."""
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.LeakyReLU(0.1)),
        *(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
        nn.MaxPool2d(2),
        *(nn.Conv2d(8, 10, 3, padding=1), nn.GELU()),
        *(nn.Conv2d(10, 10, 3, padding=1), nn.ReLU6()),
        *(nn.Conv2d(10, 10, 3, padding=1, groups=2), nn.SiLU()),
        *(nn.Conv2d(10, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 1), nn.Sigmoid()),
        *(nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(8 * 9, 12), nn.PReLU(12)),
        nn.Linear(12, 4),
    )


def dense():
    """ReLUs among ELU, Tanh, Softplus, Hardswish, Hardsigmoid and SELU."""
    return nn.Sequential(
        *(nn.Linear(20, 24), nn.ELU()),
        *(nn.Linear(24, 24), nn.ReLU()),
        *(nn.Linear(24, 24), nn.Tanh()),
        *(nn.Linear(24, 24), nn.Softplus()),
        *(nn.Linear(24, 24), nn.ReLU()),
        *(nn.Linear(24, 16), nn.Hardswish()),
        *(nn.Linear(16, 16), nn.SELU()),
        *(nn.Linear(16, 16), nn.Hardsigmoid()),
        nn.Linear(16, 5),
    )


NETWORKS = {"convolutions": (convolutions, (3, 12, 12)), "dense": (dense, (20,))}
# The class of each sample.
TARGETS = [1, 3]


def relevance_of(network, inputs, target, name):
    """What zennit attributes to the inputs, in the network's precision."""
    composite, options = COMPOSITES_BY_NAME[name]
    attributor = Gradient(network, COMPOSITES[composite](**options) if composite else None)
    with attributor:
        return attributor(inputs.clone(), target)[1].detach()


def prepared(build, shape):
    """A network whose weights keep activations near 1, and its inputs; both float32 numbers in float64."""
    network = build().eval()
    for name, parameter in network.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 1
        spread = 1.6 / fan_in**0.5 if name.endswith("weight") and parameter.dim() > 1 else 0.3
        nn.init.normal_(parameter, 0.0, spread)
        parameter.requires_grad_(False)
    return network.double(), torch.randn(len(TARGETS), *shape).double()


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    # Of the seeds from 20 on the first where float32 and float64 differ by less than 1e-6 in all runs.
    torch.manual_seed(22)
    cases, numbers = [], []
    for name, (build, shape) in NETWORKS.items():
        network, inputs = prepared(build, shape)
        outputs = network(inputs)
        target = torch.eye(outputs.shape[1]).double()[TARGETS]
        names = {"input_names": ["input"], "output_names": ["output"], "dynamic_axes": {"input": {0: "N"}, "output": {0: "N"}}}
        torch.onnx.export(network.float(), inputs.float(), folder / f"{name}.onnx", dynamo=False, opset_version=17, **names)
        numbers += [inputs, outputs.detach()]
        rounding = {}
        for composite in COMPOSITES_BY_NAME:
            exact = relevance_of(network.double(), inputs, target, composite)
            rounded = relevance_of(network.float(), inputs.float(), target.float(), composite)
            rounding[composite] = float((rounded - exact).abs().max() / exact.abs().max())
            numbers.append(exact)
        cases.append({"network": name, "shape": list(inputs.shape), "classes": outputs.shape[1], "targets": TARGETS, "rounding": rounding})
    np.concatenate([each.numpy().astype("<f4").reshape(-1) for each in numbers]).tofile(folder / "activations.bin")
    versions = {name: importlib.metadata.version(name) for name in ("zennit", "torch")}
    text = {"versions": versions, "order": "of each network: its inputs, its outputs, relevance in the order of `rounding`", "cases": cases}
    (folder / "activations.json").write_text(json.dumps(text, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
