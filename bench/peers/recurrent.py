"""
Exports small recurrent networks by both exporters of PyTorch, with open batch and length, and their gradients by torch
autograd in float64, for packages/relprop/test/torch-recurrent.

    python recurrent.py OUT

needs torch, onnx, onnxscript
"""

import gzip
import json
import sys
import warnings
from pathlib import Path

import torch
from torch import nn

warnings.filterwarnings("ignore")

FEATURES, HIDDEN, CLASSES, SAMPLES, STEPS = 5, 4, 3, 2, 6


class Sequence(nn.Module):
    """A recurrent layer, or several, and a dense layer on what `take` makes of its answer."""

    def __init__(self, kind, take, layers=1, both=False, first=True, words=0):
        super().__init__()
        self.words = nn.Embedding(words, FEATURES) if words else None
        self.layer = getattr(nn, kind)(FEATURES, HIDDEN, num_layers=layers, bidirectional=both, batch_first=first)
        self.head, self.take = nn.Linear(HIDDEN * (2 if both else 1), CLASSES), take

    def forward(self, x):
        vectors = self.words(x) if self.words else x
        outputs, last = self.layer(vectors)
        return self.head(self.take(outputs, last[0] if isinstance(last, tuple) else last))


class Residual(nn.Module):
    """Two layers with a shortcut, and attention over steps."""

    def __init__(self):
        super().__init__()
        self.first, self.second = (nn.GRU(FEATURES, FEATURES, batch_first=True) for _ in range(2))
        self.weight, self.head = nn.Linear(FEATURES, 1), nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        y = x + self.first(x)[0]
        z = y + self.second(y)[0]
        return self.head((torch.softmax(self.weight(z), 1) * z).sum(1))


class Rows(nn.Module):
    """Tatsunami & Taki 2022 (Sequencer): LSTMs along the columns and the rows of a picture."""

    def __init__(self):
        super().__init__()
        self.down, self.along = (nn.LSTM(FEATURES, HIDDEN, batch_first=True, bidirectional=True) for _ in range(2))
        self.norm, self.join, self.head = nn.LayerNorm(FEATURES), nn.Linear(4 * HIDDEN, FEATURES), nn.Linear(FEATURES, CLASSES)

    def forward(self, x):
        n, height, width, features = x.shape
        y = self.norm(x)
        columns = self.down(y.permute(0, 2, 1, 3).reshape(-1, height, features))[0]
        columns = columns.reshape(n, width, height, 2 * HIDDEN).permute(0, 2, 1, 3)
        rows = self.along(y.reshape(-1, width, features))[0].reshape(n, height, width, 2 * HIDDEN)
        return self.head((x + self.join(torch.cat([columns, rows], -1))).mean((1, 2)))


class ConvLSTM(nn.Module):
    """Shi et al. 2015: convolutions in place of products, written out step by step."""

    def __init__(self):
        super().__init__()
        self.both, self.head = nn.Conv2d(2 + HIDDEN, 4 * HIDDEN, 3, padding=1), nn.Linear(HIDDEN, CLASSES)

    def forward(self, x):
        h = c = torch.zeros_like(x[:, 0, :1]).repeat(1, HIDDEN, 1, 1)
        for step in range(3):
            i, f, o, g = self.both(torch.cat([x[:, step], h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.head(h.mean((2, 3)))


last = lambda outputs, state: outputs[:, -1]
sequence = (SAMPLES, STEPS, FEATURES)
NETWORKS = {
    "lstm": (Sequence("LSTM", last), sequence),
    "gru": (Sequence("GRU", last), sequence),
    "rnn": (Sequence("RNN", last), sequence),
    "lstm_steps_first": (Sequence("LSTM", lambda outputs, state: outputs[-1], first=False), (STEPS, SAMPLES, FEATURES)),
    "lstm_stacked_states": (Sequence("LSTM", lambda outputs, state: torch.cat([state[-2], state[-1]], 1), 2, True), sequence),
    "gru_stacked_mean": (Sequence("GRU", lambda outputs, state: outputs.mean(1), 2, True), sequence),
    "lstm_text": (Sequence("LSTM", lambda outputs, state: outputs.amax(1), both=True, words=20), (SAMPLES, STEPS)),
    "residual": (Residual(), sequence),
    "sequencer": (Rows(), (SAMPLES, 4, 3, FEATURES)),
    "conv_lstm": (ConvLSTM(), (SAMPLES, 3, 2, 6, 6)),
}


def open_axes(name):
    if name in ("sequencer", "conv_lstm"):
        return {0: "N"}
    return {0: "T", 1: "N"} if name == "lstm_steps_first" else {0: "N", 1: "T"}


def export(name, network, x, exporter, path):
    axes = open_axes(name)
    common = {"input_names": ["x"], "output_names": ["output"]}
    if exporter == "script":
        axis = {"x": axes, "output": {0: "N"}}
        torch.onnx.export(network, (x,), path, opset_version=17, dynamo=False, dynamic_axes=axis, **common)
    else:
        sizes = {axis: torch.export.Dim(size, min=1, max=64) for axis, size in axes.items()}
        torch.onnx.export(network, (x,), path, opset_version=18, dynamo=True, dynamic_shapes=(sizes,), external_data=False, verbose=False, **common)


def main(out):
    out, cases = Path(out), []
    for number, (name, (network, dims)) in enumerate(NETWORKS.items()):
        torch.manual_seed(number)
        for parameter in network.parameters():
            nn.init.uniform_(parameter, -0.7, 0.7)
        text = len(dims) == 2
        x = torch.randint(0, 20, dims) if text else torch.randn(dims)
        network.eval()
        exporters = []
        for exporter in ("script", "dynamo"):
            path = out / f"{name}.{exporter}.onnx"
            try:
                export(name, network, x, exporter, str(path))
            except Exception as error:
                print(f"{name}, {exporter}: {error}", file=sys.stderr)
                continue
            path.with_suffix(".onnx.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            path.unlink()
            exporters.append(exporter)
        network.double()
        given = (network.words(x) if text else x.double()).detach().requires_grad_(True)
        words, network.words = getattr(network, "words", None), None
        outputs = network(given)
        outputs[:, 1].sum().backward()
        cases.append({
            "name": name, "exporters": exporters, "dims": list(dims), "isText": text, "x": x.flatten().tolist(),
            "outputs": outputs.detach().flatten().tolist(),
            # Of a text: the length of each token's gradient.
            "gradient": (given.grad.norm(dim=-1) if text else given.grad).flatten().tolist(),
        })
        network.words = words
    (out / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main(sys.argv[1])
