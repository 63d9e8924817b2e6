"""A filled network, what it is run on, and the gradient of its target by torch autograd in float64."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from fills import INPUT_NUMBER, POSITION_NUMBER, TOKEN_NUMBER, below, fill, fill_network

POSITIONS = 512
TRIES = 12
ROUNDING = 1e-4
SHAKES = 3
SHAKE = 1e-6


@dataclass
class Reference:
    """`start` and `count`: which elements of the first sample's output, flattened, are summed and explained."""

    input_number: int
    output_shape: list
    start: int
    count: int
    value: float
    rounding: float  # change of the gradient in float32 and in small steps, of its largest number
    outputs: np.ndarray
    gradient: np.ndarray
    tokens: np.ndarray | None = None  # embedding x gradient, summed per token


def inputs_of(architecture, number, batch=1):
    """What the network is run on, as tensors."""
    size = architecture.size
    if architecture.kind == "text":
        tokens = below(batch * size, number, architecture.vocabulary - 5) + 5
        ids = torch.from_numpy(tokens).view(batch, size)
        mask = torch.ones_like(ids)
        mask[:, -2:] = 0 if architecture.masked else 1
        return ids, mask
    count = batch * architecture.channels * size * size
    return (torch.from_numpy(fill(count, number, -1.0, 1.0)).view(batch, architecture.channels, size, size),)


def first_number(architecture):
    return TOKEN_NUMBER if architecture.kind == "text" else INPUT_NUMBER


def filled(architecture):
    torch.manual_seed(0)
    network = architecture.build().eval()
    inputs = inputs_of(architecture, first_number(architecture), batch=2)
    fills = fill_network(network, lambda: network(*inputs))
    return network, fills


def tidy_gradients(network):
    """
    torch 2.14's CPU batch normalisation takes a gradient of one sample whose strides are those of channels-last, but
    not flagged as such, for a contiguous one: its backward is wrong then. LeViT's is, where maps become tokens.
    """

    def tidy(_module, _inputs, output):
        if output.requires_grad:
            output.register_hook(lambda gradient: gradient.contiguous())

    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.register_forward_hook(tidy)


def run_from(network, architecture, inputs, shift=None):
    """(what the gradient belongs to: the image or the token embeddings, outputs), with a shift added to the former."""
    kept = []

    def keep(_module, _inputs, x):
        x = x if shift is None else x + shift
        kept.append(x.detach().requires_grad_(True))
        return kept[0]

    if architecture.kind == "text":
        hook = architecture.embedding(network).register_forward_hook(keep)
        outputs = network(*inputs)
        hook.remove()
    else:
        x = keep(None, None, inputs[0].to(next(network.parameters()).dtype))
        outputs = network(x)
    return kept[0], outputs


def value_of(outputs, target):
    start, count = target
    return outputs[0].flatten()[start : start + count].sum()


def gradient_of(network, architecture, inputs, target=None):
    """(target, its value, outputs, gradient, what the gradient belongs to), in the network's precision."""
    x, outputs = run_from(network, architecture, inputs)
    target = target or target_of(outputs)
    value = value_of(outputs, target)
    (gradient,) = torch.autograd.grad(value, x)
    return target, value.item(), outputs.detach().numpy(), gradient.detach(), x.detach().numpy()


def shaken_gradient(network, architecture, inputs, target, seed):
    """The gradient a step of float32's rounding away."""
    x, _ = run_from(network, architecture, inputs)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype) * SHAKE
    x, outputs = run_from(network, architecture, inputs, noise)
    return torch.autograd.grad(value_of(outputs, target), x)[0].numpy()


def confirm(network, architecture, inputs, target, gradient):
    """The slope along the gradient is its length; else torch's backward is wrong."""
    length = gradient.norm()
    step = 1e-5 * gradient / gradient.abs().max()
    with torch.no_grad():
        ahead, behind = (value_of(run_from(network, architecture, inputs, sign * step)[1], target) for sign in (1, -1))
    slope = (ahead - behind) / (2 * step.norm())
    if abs(slope - length) > 1e-2 * length:
        raise ValueError(f"autograd's gradient has the length {length}, the slope along it is {slope}")


def target_of(outputs):
    """The highest class; of a map [C, H, W] its channel; of a list of rows the highest number of the row before last."""
    first = outputs[0].detach()
    if first.dim() == 3:
        per = first[0].numel()
        return int(first.sum((1, 2)).argmax()) * per, per
    if first.dim() == 2:
        row = max(first.shape[0] - 3, 0)
        return row * first.shape[1] + int(first[row].argmax()), 1
    return int(first.argmax()), 1


def refer(network, architecture):
    """
    Rounding moves the kinks of ReLU and of max pooling a little, and with them a few numbers of the gradient by a lot.
    That says nothing of the implementation, so inputs are tried until float32 and float64 agree in torch itself, and
    until steps as small as rounding change nothing either.
    """
    exact = copy.deepcopy(network).double()
    single = copy.deepcopy(network)
    for each in (exact, single):
        tidy_gradients(each)
    best = None
    for step in range(TRIES):
        number = first_number(architecture) + step
        inputs = inputs_of(architecture, number)
        target, value, outputs, gradient, x = gradient_of(exact, architecture, inputs)
        confirm(exact, architecture, inputs, target, gradient)
        gradient = gradient.numpy()
        rounded = gradient_of(single, architecture, inputs, target)[3].numpy()
        shaken = [shaken_gradient(exact, architecture, inputs, target, seed) for seed in range(SHAKES)]
        rounding = max(float(np.abs(each - gradient).max() / np.abs(gradient).max()) for each in (rounded, *shaken))
        found = Reference(number, list(outputs.shape), *target, value, rounding, outputs, gradient)
        if architecture.kind == "text":
            found.tokens = (x * gradient).sum(-1)[0]
        if best is None or rounding < best.rounding:
            best = found
        if rounding < ROUNDING:
            break
    return best


def sampled(gradient):
    """The numbers at hash-chosen positions; all of them where there are few."""
    flat = gradient.reshape(-1)
    if flat.size <= POSITIONS:
        return flat
    return flat[below(POSITIONS, POSITION_NUMBER, flat.size)]
