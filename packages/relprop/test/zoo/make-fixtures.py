"""Writes the checkpoints in fixtures/ and, in fixtures/expected.json, what a reader must find in them.

    python make-fixtures.py     # needs torch and safetensors; run only to change the fixtures
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file

folder = Path(__file__).parent / "fixtures"
folder.mkdir(exist_ok=True)
expected = {}


def ramp(*shape, dtype=torch.float32):
    count = torch.Size(shape).numel()
    return (torch.arange(count, dtype=torch.float64) / 4 - 1).reshape(shape).to(dtype)


def record(file, tensors):
    expected[file] = {
        name: {
            "dataType": str(t.dtype).removeprefix("torch."),
            "dims": list(t.shape),
            "numbers": t.detach().double().flatten().tolist(),
        }
        for name, t in tensors.items()
    }


def save(name, saved, tensors):
    for suffix, zipped in (("zip", True), ("legacy", False)):
        file = f"{name}.{suffix}.pth"
        torch.save(saved, folder / file, _use_new_zipfile_serialization=zipped)
        record(file, tensors)


model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
with torch.no_grad():
    for i, parameter in enumerate(model.parameters()):
        parameter.copy_(ramp(*parameter.shape) + i)
save("module", model.state_dict(), model.state_dict())

block = ramp(4, 6)
kinds = OrderedDict(
    parameter=torch.nn.Parameter(ramp(2, 2)),
    half=ramp(5, dtype=torch.float16),
    bfloat=ramp(3, dtype=torch.bfloat16),
    double=ramp(3, dtype=torch.float64),
    long=torch.tensor([1, -2, 2**40]),
    int=torch.tensor([7, -8], dtype=torch.int32),
    short=torch.tensor([7, -8], dtype=torch.int16),
    char=torch.tensor([7, -8], dtype=torch.int8),
    byte=torch.tensor([7, 200], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
    scalar=torch.tensor(2.5),
    empty=torch.zeros(0, 3),
    whole=block,
    row=block[2],
    transposed=block.t(),
    stepped=block[::2, 1::2],
)
save("kinds", kinds, kinds)

inner = {"a": ramp(2), "b": ramp(3)}
save(
    "training",
    {"epoch": 3, "arch": "vgg16", "best": 0.5, "optimizer": {"lr": [0.1]},
     "state_dict": {f"module.{name}": tensor for name, tensor in inner.items()}},
    inner,
)

save_file({**inner, "half": kinds["half"], "__proto__": ramp(1)}, folder / "plain.safetensors", {"format": "pt"})
record("plain.safetensors", {**inner, "half": kinds["half"], "__proto__": ramp(1)})

torch.save(torch.nn.Linear(2, 2), folder / "whole-module.pth")
torch.jit.script(torch.nn.Linear(2, 2)).save(folder / "torchscript.pt")

# VGG 11 with batch normalisation as torchvision builds it, but 2 to 4 channels wide.
widths = [2, 3, 4, 4, 4]
torch.manual_seed(7)
layers, channels = [], 3
for width, count in zip(widths, [1, 1, 2, 2, 2]):
    for _ in range(count):
        layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.BatchNorm2d(width), torch.nn.ReLU()]
        channels = width
    layers.append(torch.nn.MaxPool2d(2, 2))


class Vgg(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(*layers)
        self.avgpool = torch.nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = torch.nn.Sequential(
            torch.nn.Linear(channels * 49, 5), torch.nn.ReLU(), torch.nn.Dropout(),
            torch.nn.Linear(5, 5), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(5, 6))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def pixels(*shape):
    """The input that the test computes as well: 7919 i mod 251, as fractions."""
    count = torch.Size(shape).numel()
    return (torch.arange(count) * 7919 % 251).reshape(shape) / 250


vgg = Vgg()
with torch.no_grad():
    for module in vgg.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5)
            module.bias.uniform_(0, 0.5)
    vgg.train()
    for _ in range(50):
        vgg(pixels(2, 3, 64, 64))
    vgg.eval()
    # float16 keeps the file small and the conversion tested.
    state = {name: tensor.half() for name, tensor in vgg.state_dict().items() if "num_batches" not in name}
    save_file(state, folder / "vgg11_bn-tiny.safetensors")
    vgg.load_state_dict(state, strict=False)
    sizes = [(32, 32), (64, 100), (224, 224), (224, 448), (300, 260)]
    vgg_expected = {f"{h},{w}": vgg(pixels(2, 3, h, w)).tolist() for h, w in sizes}
(folder / "vgg11_bn-tiny.json").write_text(json.dumps(vgg_expected) + "\n")

(folder / "expected.json").write_text(json.dumps(expected) + "\n")
