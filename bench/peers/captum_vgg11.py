"""VGG-11 by captum's own LRP and by relprop: where they differ, and why. Prints the table of docs/referees.md.

    npm run build && python bench/peers/captum_vgg11.py WORK [SEED ...]        WORK: a folder for 2 GB
    python bench/peers/captum_vgg11.py --small FOLDER    a network of one pooling, for packages/relprop/test/captum

needs torch, torchvision, captum, onnx, onnxruntime and pillow

captum passes relevance through max pooling to the winner and through ReLU unchanged, so the result depends on which element
of a window wins, and on which ReLUs are open. Networks as
torchvision initialises them, a photo and noise. Who wins is a matter of rounding where two elements of a window are (nearly)
equal, and so is a ReLU whose input is (nearly) 0. Three forward passes are compared, torch's in float64 and in float32 and
ONNX Runtime's: how many windows have another winner than in float64, how many ReLUs are open in one and closed in the other;
and then captum's rule is computed in float64 with the winners and the ReLUs of each pass held as they were there. What is left is
rounding where z is no larger than epsilon, z / (z + epsilon): so relprop is compared without epsilon, too.
"""

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
import torchvision
from captum.attr import LRP, LayerLRP
from PIL import Image
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
SIZE = 224
# captum's own.
EPSILON = 1e-9


def photo():
    picture = Image.open(ROOT / "examples/photos/chelsea.png").convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
    x = torch.from_numpy(np.array(picture)).float() / 255
    return ((x - MEAN) / STD).permute(2, 0, 1)[None].contiguous()


def noise(seed):
    return torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


def network_of(seed):
    torch.manual_seed(seed)
    return torchvision.models.vgg11(weights=None).eval()


def layers_of(network):
    return [*network.features, network.avgpool, nn.Flatten(), *network.classifier]


def windows(x):
    """The 2 by 2 windows of a tensor [N, C, H, W], flat in their last axis."""
    return x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(-2)


class Decisions:
    """What a forward pass decided: by layer, which ReLUs are open, and which element of a window wins (the first of equals)."""

    def __init__(self, network, values):
        """values: the output of every ReLU, by the layer's number."""
        self.open, self.winner, self.largest, self.tie = {}, {}, {}, {}
        x = None
        for i, layer in enumerate(layers_of(network)):
            if isinstance(layer, nn.ReLU):
                x = values[i]
                self.open[i] = x > 0
            elif isinstance(layer, nn.MaxPool2d):
                inside = windows(x)
                self.largest[i] = inside.amax(-1)
                is_largest = inside == self.largest[i][..., None]
                self.tie[i] = is_largest.sum(-1) > 1
                # argmax of torch takes any of equals; this is the first.
                self.winner[i] = (is_largest.cumsum(-1) == 0).sum(-1)


def decisions_in_torch(network, x):
    values = {}
    for i, layer in enumerate(layers_of(network)):
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            x = values[i] = x.clone()
    return Decisions(network, values)


def relevance_with(network, x, decisions, target, epsilon=EPSILON):
    """captum's epsilon rule in float64, written out, with winners and ReLUs as they were decided."""
    x = x.double()
    steps = []
    for i, layer in enumerate(layers_of(network)):
        if isinstance(layer, nn.ReLU):
            # Relevance passes.
            x = x * decisions.open[i]
            continue
        take = (lambda v, i=i: windows(v).gather(-1, decisions.winner[i][..., None])[..., 0]) if i in decisions.winner else layer
        steps.append((take, x))
        x = take(x)
    relevance = F.one_hot(torch.tensor([target]), x.shape[1]) * x
    for take, x in reversed(steps):
        y, pull_back = torch.func.vjp(take, x)
        if y.shape == x.shape and torch.equal(y, x):
            continue
        denominator = y + torch.where(y >= 0, epsilon, -epsilon)
        relevance = x * pull_back(torch.where(denominator == 0, 0, relevance / denominator))[0]
    return relevance.detach().numpy()


class Ours:
    """The compiled model in ONNX Runtime, with the outputs of its ReLUs, in the order of the network."""

    def __init__(self, network, path, *flags):
        graph = path.with_suffix(".onnx")
        compiled = path.with_suffix(".lrp.onnx")
        torch.onnx.export(network, torch.zeros(1, 3, SIZE, SIZE), graph, dynamo=False, opset_version=17, input_names=["input"], output_names=["output"])
        command = ["npx", "--no-install", "relprop", "compile", graph, "-o", compiled, "--composite", "epsilon", "--dialect", "captum", *flags]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.relus = [node.output[0] for node in onnx.load(graph, load_external_data=False).graph.node if node.op_type == "Relu"]
        model = onnx.load(compiled)
        known = {each.name for each in model.graph.output}
        model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in self.relus if name not in known)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(self, x, target):
        """(relevance, what each ReLU gives)"""
        feeds = {"input": x.numpy(), "target": np.eye(1000, dtype=np.float32)[[target]]}
        relevance, *values = self.session.run(["relevance", *self.relus], feeds)
        return relevance, [torch.from_numpy(value) for value in values]


def decisions_of(network, values):
    numbers = [i for i, layer in enumerate(layers_of(network)) if isinstance(layer, nn.ReLU)]
    return Decisions(network, dict(zip(numbers, values)))


def by_captum(network, x, target):
    return LRP(copy.deepcopy(network)).attribute(x.clone().requires_grad_(True), target=target).detach().numpy()


def distance(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def other(found, exact):
    """(windows that have another winner than in float64, ReLUs that are open in one and closed in the other)"""
    winners = sum(int(((found.winner[i] != winner) & (exact.largest[i] > 0)).sum()) for i, winner in exact.winner.items())
    return winners, sum(int((found.open[i] != is_open).sum()) for i, is_open in exact.open.items())


def row(name, network, ours, without, x):
    exact_network = copy.deepcopy(network).double()
    with torch.no_grad():
        target = int(network(x)[0].argmax())
        exact, rounded = decisions_in_torch(exact_network, x.double()), decisions_in_torch(network, x)
    captum, captum_rounded = by_captum(exact_network, x.double(), target), by_captum(network, x, target)
    relevance, values = ours.run(x, target)
    cells = [name, sum(int((tie & (exact.largest[i] > 0)).sum()) for i, tie in exact.tie.items())]
    for found, decisions in [(captum_rounded, rounded), (relevance, decisions_of(network, values))]:
        held = relevance_with(exact_network, x, decisions, target)
        cells += [f"{distance(found, captum):.0e}", *other(decisions, exact), f"{distance(found, held):.0e}"]
    relevance_without, values = without.run(x, target)
    held = relevance_with(exact_network, x, decisions_of(network, values), target, 0.0)
    median = np.median(np.abs(relevance - captum)) / np.abs(captum).max()
    confirmed = distance(relevance_with(exact_network, x, exact, target), captum)
    cells += [f"{distance(relevance_without, held):.0e}", f"{median:.0e}", f"{confirmed:.0e}"]
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main(work, seeds):
    work.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    per = ["from captum in float64", "other winners", "other ReLUs", "with its decisions held"]
    heads = ["seed, picture", "ties", *(f"{who}: {what}" for who in ("captum in float32", "relprop") for what in per)]
    heads += ["relprop without ε, held", "relprop: median", "the held rule and captum"]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    for seed in seeds:
        network = network_of(seed)
        ours, without = Ours(network, work / "vgg11"), Ours(network, work / "vgg11", "--epsilon", "0")
        for name, x in {"photo": photo(), "photo + 1e-3 noise": photo() + 1e-3 * noise(seed), "noise": noise(seed)}.items():
            row(f"{seed}, {name}", network, ours, without, x)


class SmallNetwork(nn.Module):
    """Convolutions before and after one pooling."""

    def __init__(self):
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.pool, self.after = nn.MaxPool2d(2), nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.classifier = nn.Linear(8 * 8 * 8, 5)

    def forward(self, x):
        return self.classifier(self.after(self.pool(self.before(x))).flatten(1))


def write_small(folder):
    """pooling.bin, in float64: of noise, and of the same with a flat left half, the input, what is pooled, and the relevance of both."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    network, x, numbers = SmallNetwork().eval(), torch.randn(1, 3, 16, 16), []
    names = {"input_names": ["input"], "output_names": ["output"]}
    torch.onnx.export(network, x, folder / "pooling.onnx", dynamo=False, opset_version=17, **names)
    # Flat but for the last bit of its numbers: windows that float32 cannot tell apart, and float64 can.
    flat = x.clone()
    flat[..., :8] = 0.5 + torch.randint(0, 2, flat[..., :8].shape) * 2.0**-24
    network = network.double()
    target = int(network(x.double()).argmax())
    print("target", target)
    for each in (x.double(), flat.double()):
        whole = copy.deepcopy(network)
        pooled = LayerLRP(whole, whole.pool).attribute(each.clone(), target=target, attribute_to_layer_input=True)
        numbers += [each.numpy(), network.before(each).detach().numpy(), pooled.detach().numpy(), by_captum(network, each, target)]
    np.concatenate([each.astype("<f8").ravel() for each in numbers]).tofile(folder / "pooling.bin")


if __name__ == "__main__" and sys.argv[1] == "--small":
    write_small(Path(sys.argv[2]))
elif __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or [0, 1, 2, 3])
