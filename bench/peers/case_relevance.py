"""
Relevance of three small models by zennit in float64 (0.4.6 and 1.0 have the same rules here), for packages/relprop/test/cases.

    python case_relevance.py CASES              prints sums, writes CASES/outputs/detector/relevance.npy

needs torch, numpy, onnx and zennit

detector          element [0, 6, 27] of boxes beside scores, [1, 4 + 5, 64]: class 2 of anchor 27. Relevance starts at its own
                  logit, which stands before the last sigmoid. Epsilon everywhere; SiLU passes relevance on.
image-and-table   picture and table, the highest class. Epsilon-plus.
signal            1-D convolutions, class 1. Epsilon and epsilon-plus.

The networks are built anew here, from their files' weights.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from zennit.composites import LayerMapComposite
from zennit.rules import Epsilon, Norm, Pass, ZPlus
from zennit.types import Activation, AvgPool, Convolution, Linear

cases = Path(sys.argv[1])
torch.set_default_dtype(torch.float64)


def weights_of(folder):
    initializers = onnx.load(cases / folder / "model.onnx").graph.initializer
    return {each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy()).double() for each in initializers}


def array_of(name):
    return torch.from_numpy(np.load(cases / f"{name}.npy")).double()


def with_weights(layer, weight, bias):
    layer.weight.data, layer.bias.data = weight, bias
    return layer


def dense(weight, bias):
    return with_weights(nn.Linear(weight.shape[1], weight.shape[0]), weight, bias)


def composite(convolution):
    layers = [(Activation, Pass()), (nn.SiLU, Pass()), (AvgPool, Norm()), (Convolution, convolution), (Linear, Epsilon())]
    return LayerMapComposite(layers)


def relevance(net, rules, inputs, start):
    """Relevance of the inputs that starts with `start(output)`."""
    inputs = [each.clone().requires_grad_() for each in inputs]
    with rules.context(net) as modified:
        output = modified(*inputs)
        return torch.autograd.grad(output, inputs, start(output.detach()))


def only(*index):
    def start(output):
        chosen = torch.zeros_like(output)
        chosen[index] = output[index]
        return chosen

    return start


def detector():
    w = weights_of("outputs/detector")
    convolution = lambda name, i, o, k, s: with_weights(
        nn.Conv2d(i, o, k, s, k // 2), w[f"{name}.weight"], w[f"{name}.bias"]
    )
    net = nn.Sequential(
        convolution("f.0", 3, 8, 3, 2), nn.SiLU(), convolution("f.2", 8, 12, 3, 2), nn.SiLU(),
        convolution("f.4", 12, 12, 3, 2), nn.SiLU(), convolution("cls", 12, 5, 1, 1), nn.Flatten(2),
    )  # fmt: skip
    image = array_of("outputs/detector/input")
    (R,) = relevance(net, composite(Epsilon()), [image], only(0, 2, 27))
    np.save(cases / "outputs/detector/relevance.npy", R.numpy().astype(np.float32))
    print(f"detector: logit {net(image)[0, 2, 27]:.8f}, relevance {R.sum():.8f}")


class ImageAndTable(nn.Module):
    def __init__(self, w):
        super().__init__()
        convolution = with_weights(nn.Conv2d(1, 6, 3, padding=1), w["c.0.weight"], w["c.0.bias"])
        self.image = nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(4), nn.Flatten())
        self.table = nn.Sequential(dense(w["t.0.weight"], w["t.0.bias"]), nn.ReLU())
        self.both = nn.Sequential(
            dense(w["o.0.weight"], w["o.0.bias"]), nn.ReLU(), dense(w["o.2.weight"], w["o.2.bias"])
        )

    def forward(self, image, table):
        return self.both(torch.cat([self.image(image), self.table(table)], 1))


def image_and_table():
    net = ImageAndTable(weights_of("inputs/image-and-table"))
    inputs = [array_of("inputs/image-and-table/input"), array_of("inputs/image-and-table/clinical")]
    best = net(*inputs).argmax().item()
    image, table = relevance(net, composite(ZPlus()), inputs, only(0, best))
    print(f"image-and-table: class {best}, picture {image.sum():.8f}, table {table.sum():.8f}")


def signal():
    w = weights_of("inputs/signal")
    net = nn.Sequential(
        with_weights(nn.Conv1d(8, 16, 5, padding=2), w["onnx::Conv_28"], w["onnx::Conv_29"]), nn.ReLU(), nn.MaxPool1d(2),
        with_weights(nn.Conv1d(16, 16, 5, groups=4), w["onnx::Conv_31"], w["onnx::Conv_32"]), nn.ReLU(), nn.AvgPool1d(4),
        nn.Flatten(), dense(w["fc.weight"], w["fc.bias"]),
    )  # fmt: skip
    for name, rules in {"epsilon": composite(Epsilon()), "epsilon-plus": composite(ZPlus())}.items():
        (R,) = relevance(net, rules, [array_of("inputs/signal/input")], only(0, 1))
        print(f"signal: {name} {R.sum():.8f}")


detector()
image_and_table()
signal()
