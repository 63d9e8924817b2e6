"""The seed's method in torch, written from its formulas (Fischer 2021; docs/rules.md, composite `fischer`): the referee for VGG.

    python seed_vgg.py checkpoints FOLDER          random VGG-16 weights in both of torch's containers
    python seed_vgg.py compare FOLDER PHOTO RELEVANCE KEEP
                                                   our relevance (.npy) against the method on the same weights and photo
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

CHANNELS = [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EPSILON = 1e-5


class VGG16(nn.Module):
    """torchvision's layout, so that the keys are the ones its checkpoints have."""

    def __init__(self):
        super().__init__()
        layers, before = [], 3
        for channels in CHANNELS:
            if channels:
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
                before = channels
            else:
                layers += [nn.MaxPool2d(2, 2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000)
        )

    def steps(self):
        return [*self.features, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *self.classifier]


def random_network():
    torch.manual_seed(7)
    network = VGG16().eval()
    for parameter in network.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
        else:
            nn.init.normal_(parameter, std=0.05)
    return network


def positive_part(layer):
    """The operator that shares relevance at this layer, or None where relevance passes unchanged."""
    if isinstance(layer, nn.Conv2d):
        return lambda a: nn.functional.conv2d(a, layer.weight.clamp(min=0), None, layer.stride, layer.padding)
    if isinstance(layer, nn.Linear):
        return lambda a: nn.functional.linear(a, layer.weight.clamp(min=0))
    if isinstance(layer, nn.MaxPool2d):
        return lambda a: nn.functional.avg_pool2d(a, 2)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return layer
    return None


def keep_largest(relevance, keep):
    if not 0 < keep < 1:
        return relevance
    flat = relevance.flatten(1)
    values, indices = flat.topk(max(1, int(keep * flat.shape[1])), dim=1)
    return torch.zeros_like(flat).scatter_(1, indices, values).view_as(relevance)


def relevance_of(network, x, keep):
    """[N, 3, H, W] -> [N, H, W]"""
    steps = network.steps()
    inputs = []
    with torch.no_grad():
        value = x
        for layer in steps:
            inputs.append(value)
            value = layer(value)
    inputs[0] = torch.ones_like(x)
    relevance = value.softmax(-1)
    for layer, a in zip(reversed(steps), reversed(inputs)):
        operator = positive_part(layer)
        if operator is None:
            relevance = relevance.view_as(a)
            continue
        relevance = keep_largest(relevance, keep)
        a = a.detach().requires_grad_(True)
        z = operator(a) + EPSILON
        (gradient,) = torch.autograd.grad(z, a, (relevance / z).detach())
        relevance = (a * gradient).detach()
    return relevance.sum(1)


def compare(folder, photo, relevance, keep):
    network = VGG16().eval()
    network.load_state_dict(torch.load(Path(folder) / "vgg16-zip.pth"))
    pixels = torch.from_numpy(np.asarray(Image.open(photo).convert("RGB")).copy()).permute(2, 0, 1).float() / 255
    x = ((pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)).unsqueeze(0)
    expected = relevance_of(network, x, keep).squeeze().numpy()
    ours = np.load(relevance).squeeze()
    distance = np.abs(ours - expected).max() / np.abs(expected).max()
    print(f"{Path(relevance).parent.name} k={keep}: largest difference {distance:.2e} of the largest relevance (allowed 1e-4)")
    return distance < 1e-4


if __name__ == "__main__":
    torch.set_num_threads(2)
    if sys.argv[1] == "checkpoints":
        state = random_network().state_dict()
        torch.save(state, Path(sys.argv[2]) / "vgg16-zip.pth")
        torch.save(state, Path(sys.argv[2]) / "vgg16-legacy.pth", _use_new_zipfile_serialization=False)
    else:
        sys.exit(0 if compare(sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5])) else 1)
