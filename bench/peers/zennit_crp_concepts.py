"""Relevance through single channels of a residual network by zennit-crp, in float64, for packages/relprop/test/zennit.

    python zennit_crp_concepts.py FOLDER        writes concepts.onnx, concepts.json and concepts.bin

needs torch, onnx, zennit and zennit-crp (https://pypi.org/project/zennit-crp)

The relevance of the explained class starts with its logit and goes on through one channel of one layer, and through no
layer beside it: `exclude_parallel`, zennit-crp's default. Batch norms are merged into the convolutions before them, and
additions share relevance by their parts (zennit's Sum). The values in float32 are computed too: how far they lie from
those in float64 is the rounding that is told.
"""

import copy
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np
import torch
from crp.attribution import CondAttribution
from torch import nn
from zennit.canonizers import SequentialMergeBatchNorm
from zennit.composites import LAYER_MAP_BASE, LayerMapComposite
from zennit.layer import Sum
from zennit.rules import Epsilon, ZPlus
from zennit.types import Convolution, Linear

CONVOLUTION = {"epsilon": Epsilon, "epsilon-plus": ZPlus}
# Layers on a branch that a shortcut passes around: of a block that adds its input, and of one that adds a convolution.
LAYERS = ["blocks.0.branch.3", "blocks.1.branch.3", "blocks.1.branch.0", "blocks.2.branch.3"]
CHANNELS = [0, 2, 5]
CLASS = 1
SHAPE = (1, 3, 12, 12)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Sequential() if inputs == outputs and stride == 1 else shortcut
        self.sum = Sum()
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.sum(torch.stack([self.branch(x), self.shortcut(x)], dim=-1)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 10, 2), Block(10, 10, 1))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 4))

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


class Exported(nn.Module):
    """The same network with additions in place of zennit's sums."""

    def __init__(self, network):
        super().__init__()
        self.network = copy.deepcopy(network)
        for block in self.network.blocks:
            block.forward = lambda x, block=block: block.relu(block.branch(x) + block.shortcut(x))

    def forward(self, x):
        return self.network(x)


class Merge(SequentialMergeBatchNorm):
    """What is merged leaves an identity behind; zennit 0.4.6 leaves a division by √(1 + ε), 5e-6 a batch norm."""

    @staticmethod
    def merge_batch_norm(modules, batch_norm):
        SequentialMergeBatchNorm.merge_batch_norm(modules, batch_norm)
        batch_norm.running_var.data -= batch_norm.eps


def through(network, x, name, layer):
    """Relevance of the input through each of the channels of a layer, in the network's precision."""
    rules = [(Convolution, CONVOLUTION[name]()), (Linear, Epsilon())]
    composite = LayerMapComposite(LAYER_MAP_BASE + rules, canonizers=[Merge()])
    attribution = CondAttribution(network, no_param_grad=True)
    maps = []
    for channel in CHANNELS:
        data = x.clone().requires_grad_()
        conditions = [{"y": [CLASS], layer: [channel]}]
        attribution(data, conditions, composite, exclude_parallel=True)
        maps.append(data.grad.detach().clone())
    return torch.cat(maps)


def node_of(layer):
    """What the exporter calls the node of `blocks.0.branch.3`."""
    blocks, block, branch, index = layer.split(".")
    return f"/network/{blocks}/{blocks}.{block}/{branch}/{branch}.{index}/Conv"


def main(folder):
    torch.manual_seed(7)
    network = Residual().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.0, 0.3)
    network.requires_grad_(False)
    x = torch.randn(*SHAPE)
    names = {"input_names": ["input"], "output_names": ["output"], "dynamic_axes": {"input": {0: "N"}, "output": {0: "N"}}}
    unmerged = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    torch.onnx.export(Exported(network), x, folder / "concepts.onnx", dynamo=False, opset_version=17, **unmerged, **names)
    outputs = network.double()(x.double())
    numbers, cases = [x.double(), outputs], []
    for name in CONVOLUTION:
        for layer in LAYERS:
            exact = through(network.double(), x.double(), name, layer)
            rounded = through(network.float(), x.float(), name, layer)
            numbers.append(exact)
            rounding = float((rounded - exact).abs().max() / exact.abs().max())
            cases.append({"composite": name, "layer": layer, "node": node_of(layer), "rounding": rounding})
            print(name, layer, f"{rounding:.1e}", exact.sum((1, 2, 3)).tolist())
    np.concatenate([each.numpy().astype("<f4").reshape(-1) for each in numbers]).tofile(folder / "concepts.bin")
    versions = {name: importlib.metadata.version(name) for name in ("zennit", "zennit-crp", "torch")}
    text = {
        "versions": versions,
        "order": "the input, the output, and of each case the maps of its channels",
        "shape": list(SHAPE),
        "classes": outputs.shape[1],
        "class": CLASS,
        "channels": CHANNELS,
        "cases": cases,
    }
    (folder / "concepts.json").write_text(json.dumps(text, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
