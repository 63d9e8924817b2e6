"""
Takes the weights out of an exported model: each initializer becomes external data whose location says how to make it.

    fill/NUMBER,LOW,HIGH                                    a parameter as it was filled
    transposed/NUMBER,LOW,HIGH/ROWS/COLUMNS                 a parameter, taken as [ROWS, COLUMNS], transposed
    scaled/FILL/GAMMA/VARIANCE/EPSILON/OUTER/K/INNER        a weight [OUTER, K, INNER] times gamma / sqrt(variance + epsilon) [K]
    shifted/FILL or none/GAMMA/BETA/MEAN/VARIANCE/EPSILON   the bias that goes with it

The last two undo what both exporters do: fold a batch normalisation into the convolution before it.
"""

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, numpy_helper

SMALLEST = 256  # bytes; what is smaller stays


@dataclass(frozen=True)
class Norm:
    """A batch normalisation's parameters by name; `scale` and what it takes to make a bias."""

    fills: tuple
    epsilon: float
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @property
    def scale(self):
        return self.gamma / np.sqrt(self.variance.astype(np.float64) + self.epsilon)


def text(found):
    number, low, high = found
    return f"{number},{low!r},{high!r}"


def norms_of(network, fills):
    for prefix, module in network.named_modules():
        keys = [f"{prefix}.{name}" for name in ("weight", "bias", "running_mean", "running_var")]
        if not all(key in fills.by_name for key in keys):
            continue
        arrays = [getattr(module, key.rpartition(".")[2]).detach().numpy() for key in keys]
        yield Norm(tuple(text(fills.by_name[key]) for key in keys), module.eps, *arrays)


class Recipes:
    """Finds out how an exported initializer was made from a network's parameters."""

    def __init__(self, network, fills):
        self.parameters = {}
        for key, found in fills.by_name.items():
            owner, _, name = key.rpartition(".")
            array = getattr(network.get_submodule(owner), name).detach().numpy()
            self.parameters[key] = (array, found)
        self.exact = {array.tobytes(): f"fill/{text(found)}" for array, found in self.parameters.values()}
        self.transposed = {}
        for array, found in self.parameters.values():
            if array.ndim >= 2:
                rows = array.reshape(array.shape[0], -1)
                self.transposed[np.ascontiguousarray(rows.T).tobytes()] = f"transposed/{text(found)}/{rows.shape[0]}/{rows.shape[1]}"
        self.norms = list(norms_of(network, fills))
        self.by_shape = {}
        for key, (array, _) in self.parameters.items():
            if array.ndim >= 2:
                self.by_shape.setdefault(array.shape, []).append(key)

    def of(self, array):
        """The recipe of an initializer, if it is a parameter."""
        found = array.tobytes()
        return self.exact.get(found) or self.transposed.get(found)

    def folded(self, weight, bias, axis):
        """(recipe of the weight, recipe of the bias) of a convolution that took a batch normalisation in."""
        for key in self.by_shape.get(weight.shape, []):
            array, found = self.parameters[key]
            lines, own = np.moveaxis(weight, axis, 0).reshape(weight.shape[axis], -1), np.moveaxis(array, axis, 0).reshape(weight.shape[axis], -1)
            scale = (lines * own).sum(1) / (own * own).sum(1)
            if not np.allclose(lines[:, :8], own[:, :8] * scale[:, None], rtol=1e-4, atol=1e-6):
                continue
            norm = next((each for each in self.norms if each.gamma.shape == scale.shape and np.allclose(each.scale, scale, rtol=1e-5)), None)
            if norm is None:
                continue
            gamma, beta, mean, variance = norm.fills
            outer, inner = int(np.prod(weight.shape[:axis])), int(np.prod(weight.shape[axis + 1 :]))
            recipe = f"scaled/{text(found)}/{gamma}/{variance}/{norm.epsilon!r}/{outer}/{weight.shape[axis]}/{inner}"
            own_bias = self.parameters.get(key.rpartition(".")[0] + ".bias")
            start = own_bias[0] if own_bias else 0.0
            if bias is None or not np.allclose(bias, (start - norm.mean) * norm.scale + norm.beta, rtol=1e-4, atol=1e-5):
                continue
            return recipe, f"shifted/{text(own_bias[1]) if own_bias else 'none'}/{gamma}/{beta}/{mean}/{variance}/{norm.epsilon!r}"
        return None


AXES = {"Conv": 0, "ConvTranspose": 1}


def strip(model, recipes):
    """Strips in place; returns how many bytes of constants of 1 kB and more stay, and their names."""
    for each in [model, model.graph, *model.graph.node, *model.graph.initializer, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        each.doc_string = ""
        if hasattr(each, "metadata_props"):
            del each.metadata_props[:]
    arrays = {each.name: each for each in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type not in AXES or len(node.input) < 3 or node.input[1] not in arrays or node.input[2] not in arrays:
            continue
        weight, bias = (numpy_helper.to_array(arrays[name]) for name in node.input[1:3])
        if recipes.of(weight):
            continue
        pair = recipes.folded(weight, bias, AXES[node.op_type])
        if pair:
            found |= dict(zip(node.input[1:3], pair))
    left = []
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.nbytes < SMALLEST:
            continue
        recipe = found.get(initializer.name) or (recipes.of(array) if array.dtype == np.float32 else None)
        if recipe is None:
            if array.nbytes >= 1024:
                left.append((initializer.name, array.nbytes))
            continue
        initializer.ClearField("raw_data")
        set_location(initializer, recipe, array.nbytes)
    return left


def set_location(initializer, location, length):
    initializer.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        entry = initializer.external_data.add()
        entry.key, entry.value = key, value

