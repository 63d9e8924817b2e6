"""Random weights that need not be stored: a hash of (position, number of the parameter) within bounds."""

import numpy as np
import torch
from torch import nn

INPUT_NUMBER = 7777
POSITION_NUMBER = 4242
TOKEN_NUMBER = 5555


def hashed(count, number):
    """Unsigned 32-bit numbers: murmur3's finalizer over position and number."""
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) ^ np.uint32((number * 0x9E3779B1) & 0xFFFFFFFF)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def fill(count, number, low, high):
    """Numbers in [low, high), in float32 steps."""
    unit = (hashed(count, number) >> np.uint32(8)).astype(np.float64) / 2**24
    return (low + unit * (high - low)).astype(np.float32)


def below(count, number, limit):
    """Integers in [0, limit)."""
    return hashed(count, number).astype(np.int64) % limit


def short(value):
    """A number of four digits, so that its text is the number."""
    return float(f"{value:.3e}")


def symmetric(size):
    return -short(size), short(size)


def bounds(module, name, tensor):
    """Bounds that keep activations near 1, by what the parameter is for."""
    if name == "beta" or name.endswith("bias") or ("bias" in name and tensor.dim() == 1):
        return -0.1, 0.1
    if isinstance(module, nn.Embedding):
        return -1.0, 1.0
    if "logit_scale" in name:
        return 2.0, 2.6
    if tensor.numel() == 1 or tensor.dim() == 1:
        return 0.8, 1.2
    is_scale = name in ("gamma", "weight") and tensor.dim() == 4 and tensor.shape[0] == tensor.shape[2] == 1
    if is_scale or isinstance(module, (nn.LayerNorm, nn.GroupNorm)):
        return 0.8, 1.2
    if any(word in name for word in ("token", "pos_embed", "position", "bias_table", "pos_emb", "class_embedding")):
        return -0.5, 0.5
    if any(word in name for word in ("gamma", "alpha", "gain")):
        return 0.8, 1.2
    if type(module).__name__ == "Conv1D":  # GPT-2 keeps its dense weights as [in, out]
        fan_in = tensor.shape[0]
    elif isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
        fan_in = tensor.shape[0] * tensor[0, 0].numel() / np.prod(module.stride)
    else:
        fan_in = tensor[0].numel()
    # Variance 2 / fan-in before ReLU and its like, which halve it; 1 / fan-in in dense layers, mostly of transformers.
    is_dense = isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    return symmetric(np.sqrt((3 if is_dense else 6) / fan_in))


class Fills:
    """Which parameter was filled how: its name in the network -> (number, low, high)."""

    def __init__(self):
        self.by_name = {}

    def put(self, key, tensor, number, low, high):
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(fill(tensor.numel(), number, low, high)).view(tensor.shape))
        self.by_name[key] = (number, low, high)


def fill_network(network, run):
    """
    Fills every parameter; then runs the network once, and gives each batch normalisation statistics near those that
    it meets, so that activations stay near 1 at any depth.
    """
    fills = Fills()
    seen = set()
    statistics = {}
    number = 0
    for prefix, module in network.named_modules():
        own = dict(module.named_parameters(recurse=False))
        own |= {name: tensor for name, tensor in module.named_buffers(recurse=False) if name in ("running_mean", "running_var")}
        for name, tensor in own.items():
            number += 1
            key = f"{prefix}.{name}" if prefix else name
            if not tensor.is_floating_point() or tensor.data_ptr() in seen or tensor.numel() == 0:
                continue
            seen.add(tensor.data_ptr())
            if name in ("running_mean", "running_var"):
                statistics.setdefault(module, {})[name] = (key, tensor, number)
            else:
                fills.put(key, tensor.data, number, *bounds(module, name, tensor))

    def calibrate(module, inputs):
        if module not in statistics:
            return
        x = inputs[0].detach()
        mean, deviation = x.mean().item(), max(x.std().item(), 1e-3)
        low, high = short(mean - 0.1 * deviation), short(mean + 0.1 * deviation)
        for name, (key, tensor, count) in statistics.pop(module).items():
            if name == "running_mean":
                fills.put(key, tensor, count, low, high)
            else:
                fills.put(key, tensor, count, short(0.8 * deviation**2), short(1.2 * deviation**2))

    hooks = [module.register_forward_pre_hook(calibrate) for module in statistics]
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()
    for parts in statistics.values():  # never run
        for name, (key, tensor, count) in parts.items():
            fills.put(key, tensor, count, *((-0.1, 0.1) if name == "running_mean" else (0.8, 1.2)))
    return fills
