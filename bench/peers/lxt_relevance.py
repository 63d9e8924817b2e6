"""
AttnLRP and CP-LRP by lxt 2.1 (https://pypi.org/project/lxt), in float64, for packages/relprop/test/lxt.

    python lxt_relevance.py FOLDER              writes cases.json and relevance.bin
    python lxt_relevance.py --vit-b-16 FOLDER   torchvision's vit_b_16 at 224 pixels, with its weights (345 MB), for a
                                                comparison by hand: model.onnx, input.bin, and
                                                <composite>.bin, <composite>.epsilon-0.bin

needs torch, torchvision, transformers, lxt, zennit (0.5 or later: its gamma was another before) and onnx

The networks are those of architectures/, whose graphs the test of packages/relprop/test/architectures keeps; weights
and inputs are hashes, as there. lxt 2.1 comes in two forms. `lxt.explicit` has the formulas of Achtibat et al. 2024, one
function each, and is the referee here. Its own way of putting them into a network, by tracing, needs a module that
transformers 5 no longer has, so `Rules` below puts them in place of torch's functions while the network runs.
`lxt.efficient` patches networks so that input times gradient is the relevance: the same formulas with no stabiliser but
1e-10 in activations; lxt_small_models.py compares the two. Of torchvision's ViT it has CP-LRP alone.

What a convention decides: relevance starts with the logit; dense layers get epsilon 1e-6, convolutions gamma 0.25, which
lxt leaves to zennit; activations pass all of it; a constant factor takes none. CP-LRP is what lxt's
`MultiheadAttention_CP` does: attention weights are constant, the product with the values gets epsilon 1e-6. lxt adds
epsilon without the sign of z, so a z near -1e-6 has next to no denominator, and float32 cannot tell what comes of it.
Among the tens of millions of numbers in vit_b_16 there are such z: on the two inputs tried lxt itself differs by 7e-3 to
2e-2 between float32 and float64. So relevance is written with every epsilon of lxt's at 0, too, where it differs by 2e-6.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lxt.explicit import functional as lf
from lxt.explicit import rules as lr
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers.activations import NewGELUActivation
from zennit.rules import Gamma

sys.path.insert(0, str(Path(__file__).parent / "architectures"))
import reference  # noqa: E402
from architecture import Architecture  # noqa: E402
from fills import fill, fill_network  # noqa: E402
from registry import ALL  # noqa: E402

NETWORKS = ["vit_tv", "bert", "gpt2"]
COMPOSITES = ["attnlrp", "cp-lrp"]
# lxt's own, in layers and in sums and products of tensors.
IN_LAYERS, IN_TENSORS = 1e-6, 1e-8
# Largest distance of lxt in float32 from lxt in float64, of the largest number: other inputs are tried above it.
ROUNDING = 1e-4
TRIES = 12

# What moves elements: its gradient is its relevance. Functions that start with "__get" read a property.
ROUTING = {
    *("view", "reshape", "permute", "transpose", "contiguous", "expand", "cat", "__getitem__", "split", "split_with_sizes"),
    *("chunk", "squeeze", "unsqueeze", "flatten", "type", "to", "size", "dim", "dropout", "view_as", "clone", "where"),
}


def carries(value):
    """Whether relevance is to go there."""
    if isinstance(value, (tuple, list)):
        return any(carries(each) for each in value)
    return isinstance(value, Tensor) and value.requires_grad


class Rules(TorchFunctionMode):
    """While it is entered, torch's functions are lxt's, whose gradients are relevance."""

    def __init__(self, composite, has_epsilon=True):
        super().__init__()
        self.in_layers, self.in_tensors = (IN_LAYERS, IN_TENSORS) if has_epsilon else (0.0, 0.0)
        self.attention_is_constant = composite == "cp-lrp"
        self.rules = {
            F.linear: self.linear,
            torch.addmm: lambda bias, x, weight: self.linear(x, weight.T, bias),
            F.layer_norm: lambda x, shape, weight, bias, eps: lf.layer_norm_grad_fn.apply(x, weight, bias, eps, self.in_layers),
            F.gelu: lambda x, **options: lr.identity(lambda v: F.gelu(v, **options), x),
            torch.tanh: lambda x: lr.identity(torch.tanh, x),
            torch.matmul: self.product,
            F.softmax: lambda x, dim, **_: self.softmax(x, dim),
            F.multi_head_attention_forward: self.attention,
            F.conv2d: None,  # zennit's hook replaces its gradient
        }
        for names, rule in [
            # `x += y` is add_ to torch: x becomes what is returned.
            (("add", "__add__", "__radd__", "__iadd__", "add_"), self.plus),
            (("mul", "__mul__", "__rmul__"), self.times),
            (("div", "__truediv__"), lambda x, divisor: self.times(x, 1 / divisor)),
        ]:
            self.rules |= {getattr(Tensor, name): rule for name in names}
        self.rules[Tensor.matmul] = self.rules[Tensor.__matmul__] = self.product

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not carries(args) and not carries(list(kwargs.values())):
            return function(*args, **kwargs)
        if self.rules.get(function):
            return self.rules[function](*args, **kwargs)
        name = function.__name__
        if function not in self.rules and name not in ROUTING and not name.startswith("__get"):
            raise NotImplementedError(f"no rule for {name}")
        return function(*args, **kwargs)

    def linear(self, x, weight, bias=None):
        return lf.linear_epsilon(x, weight, bias, self.in_layers)

    def plus(self, a, b):
        return lf.add2(a, b, epsilon=self.in_tensors)

    def times(self, a, b):
        return lf.mul2(a, b)

    def product(self, a, b):
        """Half to each factor; all to the one that relevance can go to, if there is but one."""
        if carries(a) and carries(b):
            return lf.matmul(a, b, epsilon=self.in_tensors)
        return lr.epsilon_lrp(torch.matmul, self.in_layers, a, b)

    def softmax(self, x, dim):
        y = lf.softmax(x, dim)
        return y.detach() if self.attention_is_constant else y

    def attention(self, query, key, value, width, heads, weight, bias, *others, **options):
        """Attention as torch computes it, of tensors [length, batch, width], without masks."""
        out_weight, out_bias = others[4:6]
        head = width // heads

        def projected(x, part):
            rows = slice(part * width, (part + 1) * width)
            y = self.linear(x, weight[rows], bias[rows])
            return y.transpose(0, 1).unflatten(2, (heads, head)).transpose(1, 2)

        q, k, v = (projected(x, part) for part, x in enumerate((query, key, value)))
        scores = self.product(self.times(q, head**-0.5), k.transpose(-1, -2))
        y = self.product(self.softmax(scores, -1), v)
        y = y.transpose(1, 2).flatten(2).transpose(0, 1)
        return self.linear(y, out_weight, out_bias), None


def prepare(network):
    """gamma on convolutions; GPT-2's GELU, which is spelled out, as the function that it is."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            Gamma(gamma=0.25).register(module)
        if isinstance(module, NewGELUActivation):
            module.forward = lambda x: F.gelu(x, approximate="tanh")
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def relevance_of(network, architecture, inputs, composite, target=None, has_epsilon=True):
    """(target, its value, relevance of the input, or of the token embeddings), in the network's precision."""
    kept = []
    hooks = []
    if architecture.kind == "text":
        module = architecture.embedding(network)
        keep = lambda _m, _i, out: kept.append(out.detach().requires_grad_(True)) or kept[0]  # noqa: E731
        hooks.append(module.register_forward_hook(keep))
    else:
        kept.append(inputs[0].to(next(network.parameters()).dtype).requires_grad_(True))
        inputs = kept
    with Rules(composite, has_epsilon):
        outputs = network(*inputs)
    for hook in hooks:
        hook.remove()
    target = target or reference.target_of(outputs)
    start, count = target
    explained = outputs[0].flatten()[start : start + count]
    (relevance,) = torch.autograd.grad(explained, kept[0], explained.detach())
    return target, explained.sum().item(), relevance.numpy()


def compare(architecture):
    """Relevance by both composites, with epsilon and without, on an input where float32 and float64 agree."""
    network, _ = reference.filled(architecture)
    prepare(network)
    best = None
    for number in range(reference.first_number(architecture), reference.first_number(architecture) + TRIES):
        inputs = reference.inputs_of(architecture, number)
        found, rounding = {}, 0.0
        for composite in COMPOSITES:
            target, value, found[composite] = relevance_of(network.double(), architecture, inputs, composite)
            rounded = relevance_of(network.float(), architecture, inputs, composite, target)[2]
            rounding = max(rounding, float(np.abs(rounded - found[composite]).max() / np.abs(found[composite]).max()))
        if best is None or rounding < best[0]:
            best = (rounding, number, target, value, found)
        if rounding < ROUNDING:
            break
    rounding, number, target, value, found = best
    inputs = reference.inputs_of(architecture, number)
    for composite in COMPOSITES:
        found[f"{composite}, no epsilon"] = relevance_of(network.double(), architecture, inputs, composite, target, False)[2]
    return best


def write_cases(folder):
    folder.mkdir(parents=True, exist_ok=True)
    cases, numbers = [], []
    offset = 0
    for name in NETWORKS:
        rounding, number, (start, _), value, found = compare(ALL[name])
        case = {"name": name, "inputNumber": number, "start": start, "value": value, "rounding": rounding, "relevance": {}}
        for composite, relevance in found.items():
            case["relevance"][composite] = {"offset": offset, "count": relevance.size, "sum": float(relevance.sum())}
            numbers.append(relevance.astype("<f4").reshape(-1))
            offset += relevance.size
            print(name, composite, "input", number, "logit", value, "sum", relevance.sum(), "largest", np.abs(relevance).max(), "rounding", rounding)
        cases.append(case)
    np.concatenate(numbers).tofile(folder / "relevance.bin")
    versions = {name: __import__("importlib.metadata").metadata.version(name) for name in ("lxt", "torch", "torchvision", "transformers", "zennit")}
    (folder / "cases.json").write_text(json.dumps({"versions": versions, "cases": cases}, indent=1) + "\n")


def write_vit_b_16(folder):
    import torchvision

    folder.mkdir(parents=True, exist_ok=True)
    architecture = Architecture("vit_b_16", "torchvision", lambda: torchvision.models.vit_b_16(weights=None), 224)
    inputs = reference.inputs_of(architecture, reference.INPUT_NUMBER)
    network = architecture.build().eval()
    fill_network(network, lambda: network(*inputs))
    names = {"input_names": ["input"], "output_names": ["output"], "dynamic_axes": {"input": {0: "N"}, "output": {0: "N"}}}
    torch.onnx.export(network, inputs, folder / "model.onnx", dynamo=False, opset_version=17, **names)
    inputs[0].numpy().tofile(folder / "input.bin")
    prepare(network)
    for composite in COMPOSITES:
        for has_epsilon in (True, False):
            started = time.time()
            target, value, rounded = relevance_of(network.float(), architecture, inputs, composite, None, has_epsilon)
            seconds = time.time() - started
            found = relevance_of(network.double(), architecture, inputs, composite, target, has_epsilon)[2]
            distance = np.abs(rounded - found).max() / np.abs(found).max()
            name = composite if has_epsilon else f"{composite}.epsilon-0"
            found.astype("<f4").tofile(folder / f"{name}.bin")
            print(name, "target", target[0], "logit", value, "sum", found.sum(), f"float32 differs by {distance:.1e}, {seconds:.2f} s")


if __name__ == "__main__":
    if sys.argv[1] == "--vit-b-16":
        write_vit_b_16(Path(sys.argv[2]))
    else:
        write_cases(Path(sys.argv[1]))
