"""ResNet-18 by captum's LRP and by relprop: unlike by construction, and why. Prints the table of docs/referees.md.

    npm run build && python bench/peers/captum_resnet18.py WORK [SEED ...]
    python bench/peers/captum_resnet18.py --small FOLDER    a residual network of 2 blocks, for packages/relprop/test/captum

needs torch, torchvision, captum, onnxruntime and pillow

captum has rules for modules alone, and says that every addition in a forward function is to be replaced by its
Addition_Module. torchvision's ResNet adds with `out += identity`, which captum then takes for what autograd takes it for: both
summands get all of the relevance. And where a block has no downsampling, its input x is the identity and the input of conv1 at
once: captum's hook on x multiplies everything that arrives there by x, also the relevance of the identity, which is no gradient
any more. So a block of input x and relevance R gives x * (g + R), where g is what comes back through conv1 before it is
multiplied by x; the epsilon rule gives x * (g' + R / (out + identity)), g' from the part of R that the branch owns.

With Addition_Module captum is the epsilon rule, and what is left is what captum_vgg11.py finds on VGG-11: windows and ReLUs
that float32 decides otherwise than float64, and epsilon. So captum runs in float64 with relprop's decisions held, too, and
once more without epsilon.
"""

import copy
import sys
import warnings
from pathlib import Path

import captum_vgg11 as vgg
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from captum.attr import LRP
from captum.attr._utils.custom_modules import Addition_Module
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn
from torchvision.models.resnet import BasicBlock


class SmallResNet(nn.Module):
    """Two blocks, the second with downsampling, under torchvision's names."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.maxpool = nn.MaxPool2d(2)
        downsample = nn.Sequential(nn.Conv2d(8, 12, 1, 2, bias=False), nn.BatchNorm2d(12))
        self.layer1, self.layer2 = nn.Sequential(BasicBlock(8, 8)), nn.Sequential(BasicBlock(8, 12, 2, downsample))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(12, 5)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(self.avgpool(self.layer2(self.layer1(x))).flatten(1))


LAYERS = ("layer1", "layer2", "layer3", "layer4")
# Keeps 0 / 0 at 0, and is lost in any other number.
NO_EPSILON = 1e-300


def network_of(seed, build=lambda: torchvision.models.resnet18(weights=None)):
    """torchvision's own initialisation, and batch-norms with statistics as after some training."""
    torch.manual_seed(seed)
    network = build().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
    return network


class AddingBlock(nn.Module):
    """A BasicBlock with a module for every step, as captum wants it."""

    def __init__(self, block):
        super().__init__()
        self.branch = nn.Sequential(block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2)
        self.downsample, self.add, self.relu = block.downsample, Addition_Module(), nn.ReLU()

    def forward(self, x):
        return self.relu(self.add(self.branch(x), self.downsample(x) if self.downsample else x))


def with_modules(network):
    network = copy.deepcopy(network)
    for name in LAYERS:
        if hasattr(network, name):
            setattr(network, name, nn.Sequential(*(AddingBlock(block) for block in getattr(network, name))))
    return network


def gradient_of(layers, x, relevance, epsilon=vgg.EPSILON):
    """What comes back through layers with the epsilon rule, before it is multiplied by x; ReLU passes relevance."""
    steps = []
    for layer in layers:
        steps.append((layer, x))
        x = layer(x)
    for i, (layer, x) in reversed(list(enumerate(steps))):
        if isinstance(layer, nn.ReLU):
            continue
        y, pull_back = torch.func.vjp(layer, x)
        gradient = pull_back(relevance / (y + torch.where(y >= 0, epsilon, -epsilon)))[0]
        if i == 0:
            return gradient
        relevance = x * gradient


def as_captum_does(network, x, target):
    """captum's relevance of torchvision's ResNet in float64, by the formula above."""
    blocks = [block for name in LAYERS for block in getattr(network, name, [])]
    relu = nn.ReLU()
    stem = [network.conv1, network.bn1, relu, network.maxpool]
    head = [network.avgpool, nn.Flatten(), network.fc]
    inputs = [nn.Sequential(*stem)(x)]
    for block in blocks:
        inputs.append(block(inputs[-1]))
    scores = nn.Sequential(*head)(inputs[-1])
    relevance = nn.functional.one_hot(torch.tensor([target]), scores.shape[1]) * scores
    relevance = inputs[-1] * gradient_of(head, inputs[-1], relevance)
    for block, start in reversed(list(zip(blocks, inputs))):
        branch = [block.conv1, block.bn1, relu, block.conv2, block.bn2]
        identity = gradient_of(block.downsample, start, relevance) if block.downsample else relevance
        relevance = start * (gradient_of(branch, start, relevance) + identity)
    return (x * gradient_of(stem, x, relevance)).detach().numpy()


def by_captum(network, x, target, epsilon=vgg.EPSILON):
    network = copy.deepcopy(network)
    for module in network.modules():
        if not list(module.children()) and not isinstance(module, nn.ReLU):
            module.rule = EpsilonRule(epsilon)
    return LRP(network).attribute(x.clone().requires_grad_(True), target=target).detach().numpy()


def with_decisions(network, values):
    """The network with its ReLUs and its pooling as they were decided where ReLUs gave these values."""
    network = copy.deepcopy(network)
    for relu, value in zip([each for each in network.modules() if isinstance(each, nn.ReLU)], values, strict=True):
        relu.forward = lambda x, is_open=value > 0: x * is_open
    pool = network.maxpool
    indices = F.max_pool2d(values[0], pool.kernel_size, pool.stride, pool.padding, return_indices=True)[1]
    pool.forward = lambda x: x.flatten(2).gather(2, indices.flatten(2)).reshape(indices.shape)
    return network


def main(work, seeds):
    work.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    heads = ["seed, picture", "captum as it is: sum of relevance, of the logit", "the formula from it", "relprop: its correlation with it"]
    heads += ["captum with Addition_Module: float32 from float64", "relprop from captum with Addition_Module", "median"]
    heads += ["with relprop's decisions held", "and without ε"]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    for seed in seeds:
        network = network_of(seed)
        ours, without = vgg.Ours(network, work / "resnet18"), vgg.Ours(network, work / "resnet18", "--epsilon", "0")
        exact = copy.deepcopy(network).double()
        apart = with_modules(exact)
        for name, x in {"photo": vgg.photo(), "noise": vgg.noise(seed)}.items():
            with torch.no_grad():
                scores = network(x)[0]
            target, logit, wide = int(scores.argmax()), float(scores.max()), x.double()
            relevance, values = ours.run(x, target)
            plain, added = by_captum(exact, wide, target), by_captum(apart, wide, target)
            cells = [plain.sum() / logit, vgg.distance(as_captum_does(exact, wide, target), plain), np.corrcoef(relevance.ravel(), plain.ravel())[0, 1]]
            cells += [vgg.distance(by_captum(with_modules(network), x, target), added), vgg.distance(relevance, added)]
            cells += [np.median(np.abs(relevance - added)) / np.abs(added).max()]
            cells += [vgg.distance(relevance, by_captum(with_decisions(apart, values), wide, target))]
            relevance, values = without.run(x, target)
            cells += [vgg.distance(relevance, by_captum(with_decisions(apart, values), wide, target, NO_EPSILON))]
            print(f"| {seed}, {name} | " + " | ".join(f"{cell:.0e}" for cell in cells) + " |", flush=True)


def write_small(folder):
    folder.mkdir(parents=True, exist_ok=True)
    network = network_of(0, SmallResNet)
    x = torch.randn(1, 3, 16, 16)
    names = {"input_names": ["input"], "output_names": ["output"]}
    torch.onnx.export(network, x, folder / "residual.onnx", dynamo=False, opset_version=17, **names)
    network, x = network.double(), x.double()
    target = int(network(x)[0].argmax())
    plain, added = by_captum(network, x, target), by_captum(with_modules(network), x, target)
    print("target", target, "the formula differs by", vgg.distance(as_captum_does(network, x, target), plain))
    np.concatenate([each.astype("<f4").ravel() for each in (x.numpy(), added, plain)]).tofile(folder / "residual.bin")


if __name__ == "__main__" and sys.argv[1] == "--small":
    write_small(Path(sys.argv[2]))
elif __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or [0, 1, 2])
