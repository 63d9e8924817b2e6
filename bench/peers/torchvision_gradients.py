"""Gradients of torchvision networks from torch autograd, as small files for packages/relprop/test/torchvision.

    python torchvision_gradients.py FOLDER        needs torch, torchvision and onnx

Weights are not stored: every parameter is filled by a hash of (position, number of the parameter), which the test fills
in again, bit for bit. The .onnx files hold the graph alone; each large initializer is external data whose location says
how to make it: `fill/<number>/<low>/<high>`.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
import torchvision
from onnx import external_data_helper, numpy_helper

NETWORKS = {
    "resnet18": 64,
    "squeezenet1_1": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "densenet121": 64,
    "googlenet": 64,
    "shufflenet_v2_x1_0": 64,
    "mnasnet0_5": 64,
    "efficientnet_b0": 64,
    "regnet_y_400mf": 64,
    "inception_v3": 96,
}


def fill(count, number, low, high):
    """Numbers in [low, high), in float32 steps: murmur3's finalizer over position and number."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) ^ np.uint32((number * 0x9E3779B1) & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    unit = (h >> np.uint32(8)).astype(np.float64) / 2**24
    return (low + unit * (high - low)).astype(np.float32)


def bounds(name, tensor):
    """Ranges that keep activations near 1 whatever the depth."""
    if name.endswith("running_var"):
        return 0.8, 1.2
    if name.endswith("running_mean") or name.endswith("bias"):
        return -0.1, 0.1
    if tensor.dim() == 1:
        return 0.8, 1.2
    fan_in = tensor[0].numel()
    return -float(np.round(np.sqrt(6 / fan_in), 4)), float(np.round(np.sqrt(6 / fan_in), 4))


def prepare(name):
    options = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False}
    network = getattr(torchvision.models, name)(**options).eval()
    fills = {}
    for number, (key, tensor) in enumerate(network.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        low, high = bounds(key, tensor)
        tensor.copy_(torch.from_numpy(fill(tensor.numel(), number, low, high)).view_as(tensor))
        fills[key] = (number, low, high)
    return network, fills


def export(network, size, path):
    x = torch.zeros(1, 3, size, size)
    torch.onnx.export(
        network, (x,), path, dynamo=False, opset_version=17, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}},
        training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
    )


def strip(path, network, fills):
    """Replaces the numbers of each parameter by the words that make them."""
    model = onnx.load(path)
    state = network.state_dict()
    for node in model.graph.node:
        node.doc_string = ""
    for initializer in model.graph.initializer:
        if initializer.name not in fills or len(initializer.raw_data) < 256:
            continue
        array = numpy_helper.to_array(initializer)
        assert np.array_equal(array, state[initializer.name].numpy()), initializer.name
        number, low, high = fills[initializer.name]
        external_data_helper.set_external_data(initializer, f"fill/{number}/{low}/{high}", offset=0, length=array.nbytes)
        initializer.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, size in NETWORKS.items():
        network, fills = prepare(name)
        path = folder / f"{name}.onnx"
        export(network, size, path)
        strip(path, network, fills)
        x = torch.from_numpy(fill(3 * size * size, 7777, -1.0, 1.0)).view(1, 3, size, size).double().requires_grad_(True)
        output = network.double()(x)
        target = int(output.argmax())
        (gradient,) = torch.autograd.grad(output[0, target], x)
        gradient.numpy().astype("<f4").tofile(folder / f"{name}.gradient.bin")
        values = output[0].detach().numpy()
        cases.append({"name": name, "size": size, "target": target, "logit": float(values[target])})
        print(name, path.stat().st_size, "bytes, logit", values[target], "gradient up to", float(gradient.abs().max()))
    (folder / "cases.json").write_text(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__, "cases": cases}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
