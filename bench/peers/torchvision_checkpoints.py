"""Checkpoints of torchvision and timm networks with reproducible weights, and what the networks answer: the referee of
the architectures that relprop builds from state dicts.

    python torchvision_checkpoints.py FOLDER [NAME …]     needs torch, torchvision, safetensors; timm for timm:NAME
    python torchvision_checkpoints.py --tests FILE        writes packages/relprop/test/zoo/architectures.json

Every parameter is filled by a hash of (position, number of the parameter), which a test fills in again, bit for bit. For
each network FOLDER gets NAME.pth or NAME.safetensors, and NAME.json: the size of the input and the logits in float64.
FILE gets names and shapes of the state dicts of small networks, one or more a family, and their logits.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torchvision

from torchvision_gradients import fill

SMALL = 64
TORCHVISION = {
    "alexnet": 96, "squeezenet1_0": SMALL, "squeezenet1_1": SMALL,
    "vgg11": SMALL, "vgg11_bn": SMALL,
    "resnet18": SMALL, "resnet34": SMALL, "resnet50": SMALL, "resnet101": SMALL, "resnet152": SMALL,
    "wide_resnet50_2": SMALL, "wide_resnet101_2": SMALL,
    "resnext50_32x4d": SMALL, "resnext101_32x8d": SMALL, "resnext101_64x4d": SMALL,
    "densenet121": SMALL, "densenet161": SMALL, "densenet169": SMALL, "densenet201": SMALL,
    "mobilenet_v2": SMALL, "mobilenet_v3_small": SMALL, "mobilenet_v3_large": SMALL,
    **{f"efficientnet_b{i}": SMALL for i in range(8)},
    "efficientnet_v2_s": SMALL, "efficientnet_v2_m": SMALL, "efficientnet_v2_l": SMALL,
    "convnext_tiny": SMALL, "convnext_small": SMALL, "convnext_base": SMALL, "convnext_large": SMALL,
    "vit_b_16": 224, "vit_b_32": 224, "vit_l_16": 224, "vit_l_32": 224,
}
TIMM = {
    "timm:resnet18": SMALL, "timm:resnext50_32x4d": SMALL,
    "timm:convnext_tiny": SMALL, "timm:vit_tiny_patch16_224": 224, "timm:deit_tiny_patch16_224": 224,
    "timm:vit_base_patch32_224": 224,
}


# Gains of the normalisations. With gains near 1, EfficientNetV2 amplifies float32's rounding until torch itself differs
# from its float64 by half of the largest logit.
GAIN = (0.8, 1.2)
LESS_GAIN = (0.5, 0.9)


def bounds(name, tensor, gain):
    """Ranges that keep activations near 1 whatever the depth; layer scales as they are after training."""
    if name.endswith("running_var"):
        return 0.8, 1.2
    if name.endswith(("running_mean", "bias", "cls_token", "class_token", "pos_embed", "pos_embedding")):
        return -0.1, 0.1
    if name.endswith(("layer_scale", "gamma")):
        return 0.1, 0.3
    if tensor.dim() == 1:
        return gain
    fan_in = tensor[0].numel()
    limit = float(np.round(np.sqrt(6 / fan_in), 4))
    return -limit, limit


def network_of(name):
    if name.startswith("timm:"):
        import timm

        return timm.create_model(name.removeprefix("timm:"), pretrained=False).eval()
    return getattr(torchvision.models, name)(weights=None).eval()


def fill_weights(network, gain=GAIN):
    weights = [(key, tensor) for key, tensor in network.state_dict().items() if tensor.is_floating_point()]
    for number, (key, tensor) in enumerate(weights):
        low, high = bounds(key, tensor, gain)
        tensor.copy_(torch.from_numpy(fill(tensor.numel(), number, low, high)).view_as(tensor))


def save(state, path, number):
    """In turn the three containers that people have."""
    if number % 3 == 0:
        from safetensors.torch import save_file

        save_file(state, path.with_suffix(".safetensors"))
    else:
        torch.save(state, path.with_suffix(".pth"), _use_new_zipfile_serialization=number % 3 == 1)


def logits(network, size):
    x = torch.from_numpy(fill(3 * size * size, 7777, -1.0, 1.0)).view(1, 3, size, size).double()
    with torch.no_grad():
        return [round(value, 7) for value in network.double()(x)[0].tolist()]


def thin_alexnet():
    """AlexNet with an eighth of its channels: its own have 61 million weights."""
    network = torchvision.models.alexnet(num_classes=10)
    for part in (network.features, network.classifier):
        for i, layer in enumerate(part):
            if isinstance(layer, torch.nn.Conv2d):
                inputs = layer.in_channels if i == 0 else layer.in_channels // 8
                part[i] = torch.nn.Conv2d(inputs, layer.out_channels // 8, layer.kernel_size, layer.stride, layer.padding)
            elif isinstance(layer, torch.nn.Linear):
                outputs = layer.out_features if layer.out_features == 10 else layer.out_features // 8
                part[i] = torch.nn.Linear(layer.in_features // 8, outputs)
    return network


def small_networks():
    """(name, size, network): the smallest of each family, or one of its layout and fewer blocks."""
    from timm.models.convnext import ConvNeXt as TimmConvNeXt
    from timm.models.vision_transformer import VisionTransformer as TimmVisionTransformer
    from torchvision.models import convnext, densenet, resnet, vision_transformer

    models, ten = torchvision.models, {"num_classes": 10}
    blocks = [convnext.CNBlockConfig(24 << i, 24 << (i + 1) if i < 3 else None, 1) for i in range(4)]
    tiny = {"embed_dim": 192, "depth": 2, "num_heads": 3}
    yield "alexnet", 96, thin_alexnet()
    yield "squeezenet1_0", 64, models.squeezenet1_0(**ten)
    yield "squeezenet1_1", 64, models.squeezenet1_1(**ten)
    yield "resnet18", 64, models.resnet18(**ten)
    yield "resnet of bottlenecks in groups", 64, resnet.ResNet(resnet.Bottleneck, [1, 2, 1, 1], groups=4, width_per_group=8, **ten)
    yield "densenet", 64, densenet.DenseNet(8, (2, 3, 2, 2), 16, **ten)
    yield "mobilenet_v2", 64, models.mobilenet_v2(**ten)
    yield "mobilenet_v3_small", 64, models.mobilenet_v3_small(**ten)
    yield "mobilenet_v3_large", 64, models.mobilenet_v3_large(width_mult=0.5, **ten)
    yield "efficientnet_b0", 64, models.efficientnet_b0(**ten)
    yield "convnext", 64, convnext.ConvNeXt(blocks, **ten)
    yield "convnext of timm", 64, TimmConvNeXt(depths=(1, 1, 2, 1), dims=(24, 48, 96, 192), **ten)
    yield "vit", 48, vision_transformer.VisionTransformer(48, 16, 2, 3, 192, 384, **ten)
    yield "vit of timm", 48, TimmVisionTransformer(48, 16, mlp_ratio=2, **tiny, **ten)


def write_tests(path):
    cases = []
    for name, size, network in small_networks():
        network = network.eval()
        fill_weights(network)
        state = {key: list(tensor.shape) for key, tensor in network.state_dict().items() if tensor.is_floating_point()}
        cases.append({"name": name, "size": size, "logits": logits(network, size), "state": state})
    path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--tests", type=Path)
    options = parser.parse_args()
    if options.tests:
        write_tests(options.tests)
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        sizes = TORCHVISION | TIMM
        for number, name in enumerate(options.names or sizes):
            network = network_of(name)
            fill_weights(network, LESS_GAIN if name.startswith("efficientnet_v2") else GAIN)
            path = options.folder / name.replace(":", "-")
            save(network.state_dict(), path, number)
            answer = {"name": name, "size": sizes[name], "logits": logits(network, sizes[name])}
            path.with_suffix(".json").write_text(json.dumps(answer, separators=(",", ":")))
            print(name, flush=True)


if __name__ == "__main__":
    main()
