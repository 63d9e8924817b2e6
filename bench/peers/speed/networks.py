"""The networks of the benchmark: torchvision's, random weights from a fixed seed, and their graphs.

    python networks.py export FOLDER JSON   networks and pictures: {"models": [...], "sizes": [...], "batch": n}
    python networks.py graphs FOLDER        graphs without weights, for packages/relprop/test/work

Batch-norm statistics are measured on random pictures, so that activations keep the size that they have in a trained
network: without that they die out or grow by the layer, and denormal numbers would be timed.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
import torchvision
from onnx import external_data_helper
from torch import nn

NETWORKS = ["vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0", "vit_b_16"]
SEED = 7
# Black and white after ImageNet's normalisation, the widest over the channels: bounds for z-box.
LOW, HIGH = -2.1179039, 2.64
# Initializers of fewer numbers stay in a graph without weights: sizes, constants of functions.
SMALL = 32


def network(name):
    """The same weights for the same name, in every process."""
    torch.manual_seed(SEED)
    built = getattr(torchvision.models, name)(weights=None)
    for module in built.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():
            nn.init.normal_(module.weight, std=0.02)
    norms = [module for module in built.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    if norms:
        with torch.no_grad():
            built.train()(pictures(4, 128, SEED))
    for parameter in built.parameters():
        parameter.requires_grad_(False)
    return built.eval()


def pictures(batch, size, seed=SEED + 1):
    """Noise within the bounds of normalised pictures, [N, 3, H, W]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, size, size, generator=generator) * (HIGH - LOW) + LOW


def export(name, path, size=224):
    """What torch.onnx.export makes of it, batch-norms folded, the batch open."""
    options = {"input_names": ["input"], "output_names": ["output"], "dynamic_axes": {"input": {0: "N"}, "output": {0: "N"}}}
    # Attention as one fused function has no operator in ONNX.
    torch.backends.mha.set_fastpath_enabled(False)
    torch.onnx.export(network(name), (pictures(1, size),), path, dynamo=False, opset_version=17, **options)


def strip(path, out):
    """The graph without the numbers of its weights, gzipped."""
    model = onnx.load(path)
    for node in model.graph.node:
        node.doc_string = ""
    for initializer in model.graph.initializer:
        if np.prod(initializer.dims, dtype=int) >= SMALL and initializer.data_type == onnx.TensorProto.FLOAT:
            length = len(initializer.raw_data)
            external_data_helper.set_external_data(initializer, "weights", offset=0, length=length)
            initializer.ClearField("raw_data")
    out.write_bytes(gzip.compress(model.SerializeToString(), mtime=0))
    print(out.name, out.stat().st_size, "bytes")


def export_all(folder, wanted):
    """Networks that are there already stay; only a whole file gets the name that later runs look for."""
    for size in wanted["sizes"]:
        pictures(wanted["batch"], size).numpy().tofile(folder / f"input-{size}.bin")
        for name in wanted["models"]:
            path, unfinished = folder / f"{name}-{size}.onnx", folder / "unfinished.onnx"
            if not path.exists() and (size == 224 or not name.startswith("vit")):
                export(name, unfinished, size)
                unfinished.rename(path)


def strip_all(folder):
    for name in NETWORKS:
        whole = folder / f"{name}.onnx"
        export(name, whole)
        strip(whole, folder / f"{name}.onnx.gz")
        whole.unlink()


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if sys.argv[1] == "export":
        export_all(folder, json.loads(sys.argv[3]))
    else:
        strip_all(folder)
