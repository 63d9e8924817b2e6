"""
Small networks in the forms that quantisers write, for packages/relprop/test/quantized.

    python quantized_models.py FOLDER

needs torch, numpy, onnx and onnxruntime (1.32)

cnn, gates, tokens, patches   float networks: convolutions with a residual and poolings; squeeze-and-excitation; a transformer
                              block on token ids; one on patches. NAME.float.onnx, with the input in NAME.npy
dynamic*                      onnxruntime.quantization.quantize_dynamic; pc: per channel, u: uint8 weights, all: activations, too
qoperator*, qdq*              quantize_static; pc: per channel, s: int8 activations, 16: uint16 activations
nbits*, bnb4*                 weights in blocks; NAME.FORM.real.onnx has the same weights as float32, dequantized here by the formulas
                              of ONNX Runtime's documentation
"""

import gzip
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_bnb4_quantizer import MatMulBnb4Quantizer
from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
logging.disable(logging.ERROR)
torch.manual_seed(3)
random = np.random.default_rng(3)
folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.b, self.c = nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.head = nn.Linear(16, 5)
        for each, low, high in [(self.norm.running_mean, -0.2, 0.2), (self.norm.running_var, 0.5, 1.5), (self.norm.weight.data, 0.5, 1.5)]:
            each.uniform_(low, high)

    def forward(self, x):
        x = torch.relu(self.norm(self.a(x)))
        x = F.max_pool2d(x + torch.relu(self.b(x)), 2)
        return self.head(F.avg_pool2d(F.leaky_relu(self.c(x)), 2).mean((2, 3)))


class Gates(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.gate, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.Linear(16, 5)

    def forward(self, x):
        x = torch.relu(self.a(x))
        gated = x * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(x, 1)))
        both = F.adaptive_avg_pool2d(torch.cat([x, gated], 1), 1)
        return torch.softmax(self.head(both.flatten(1)), -1)


class Block(nn.Module):
    def __init__(self, width=32, heads=4):
        super().__init__()
        self.heads = heads
        self.before, self.behind = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        y = self.before(x)
        q, k, v = (each(y).reshape(n, length, self.heads, -1).transpose(1, 2) for each in (self.q, self.k, self.v))
        weights = torch.softmax(q @ k.transpose(-1, -2) / (width / self.heads) ** 0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, length, width))
        return x + self.down(F.gelu(self.up(self.behind(x))))


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.block, self.head = nn.Embedding(40, 32), Block(), nn.Linear(32, 5)
        self.positions = nn.Parameter(torch.randn(1, 8, 32) * 0.2)

    def forward(self, ids):
        return self.head(self.block(self.table(ids) + self.positions).mean(1))


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.cut, self.block, self.head = nn.Conv2d(3, 32, 4, stride=4), Block(), nn.Linear(32, 5)
        self.positions = nn.Parameter(torch.randn(1, 9, 32) * 0.2)

    def forward(self, x):
        return self.head(self.block(self.cut(x).flatten(2).transpose(1, 2) + self.positions).mean(1))


def picture():
    return random.standard_normal((1, 3, 12, 12)).astype(np.float32)


def text():
    return random.integers(0, 40, (1, 8)).astype(np.int64)


class Reader(CalibrationDataReader):
    def __init__(self, name, make):
        self.left = iter([{name: make()} for _ in range(32)])

    def get_next(self):
        return next(self.left, None)


def write(name, model):
    data = model if isinstance(model, bytes) else model.SerializeToString()
    (folder / f"{name}.onnx.gz").write_bytes(gzip.compress(data, mtime=0))


def digits(data, bits, count):
    """Whole numbers that are packed into bytes, the lowest bits first."""
    flat = np.stack([(data >> shift) & (2**bits - 1) for shift in range(0, 8, bits)], -1)
    return flat.reshape(*data.shape[:-1], -1)[..., :count].astype(np.float64)


NF4 = [-1, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.09105004, 0, 0.0795803, 0.1609302, 0.2461123, 0.3379152, 0.4407098, 0.562617, 0.7229568, 1]
FP4 = [0, 0.0052083333, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4]
FP4 += [-each for each in FP4]


def real_weights(node, at):
    """W [K, N] of a MatMulNBits or MatMulBnb4."""
    attribute = {each.name: each.i for each in node.attribute}
    k, n, block = attribute["K"], attribute["N"], attribute["block_size"]
    if node.op_type == "MatMulBnb4":
        packed = at(node.input[1])
        codes = np.stack([packed >> 4, packed & 15], -1).reshape(-1)[: n * k]
        values = np.array(FP4 if attribute["quant_type"] == 0 else NF4)[codes]
        return (values.reshape(-1, block) * at(node.input[2]).astype(np.float64)[:, None]).reshape(n, k).T
    bits, blocks = attribute["bits"], -(-k // block)
    q = digits(at(node.input[1]).reshape(n, -1), bits, blocks * block).reshape(n, blocks, block)
    zero = np.full((n, blocks), 2.0 ** (bits - 1))
    if len(node.input) > 3 and node.input[3]:
        zero = digits(at(node.input[3]).reshape(n, -1), bits, blocks)
    scale = at(node.input[2]).reshape(n, blocks).astype(np.float64)
    return ((q - zero[..., None]) * scale[..., None]).reshape(n, -1)[:, :k].T


def real_twin(model):
    """The model with float32 weights in place of packed ones."""
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    stored = {each.name: numpy_helper.to_array(each) for each in twin.graph.initializer}
    for node in twin.graph.node:
        if node.op_type not in ("MatMulNBits", "MatMulBnb4"):
            continue
        name = f"{node.output[0]}_real"
        twin.graph.initializer.append(numpy_helper.from_array(real_weights(node, stored.get).astype(np.float32), name))
        inputs = [node.input[0], name]
        node.op_type, node.domain = "MatMul", ""
        del node.input[:], node.attribute[:]
        node.input.extend(inputs)
    used = {each for node in twin.graph.node for each in node.input}
    kept = [each for each in twin.graph.initializer if each.name in used]
    del twin.graph.initializer[:]
    twin.graph.initializer.extend(kept)
    return twin


def dynamic(source, target, **options):
    quantize_dynamic(source, target, **options)


def static(source, target, reader, form, activations, weights, per_channel):
    quantize_static(source, target, reader, quant_format=form, per_channel=per_channel, activation_type=activations, weight_type=weights)


u8, s8, u16 = QuantType.QUInt8, QuantType.QInt8, QuantType.QUInt16
networks = {"cnn": (Cnn, picture, "x"), "gates": (Gates, picture, "x"), "tokens": (Tokens, text, "ids"), "patches": (Patches, picture, "x")}

with tempfile.TemporaryDirectory() as place:
    for name, (make, feed, given) in networks.items():
        network, x = make().eval(), feed()
        source, before, target = (f"{place}/{name}.{each}.onnx" for each in ("float", "before", "target"))
        torch.onnx.export(network, (torch.from_numpy(x),), source, input_names=[given], output_names=["y"], opset_version=17, dynamo=False)
        quant_pre_process(source, before, skip_symbolic_shape=True)
        np.save(folder / f"{name}.npy", x)
        write(f"{name}.float", Path(source).read_bytes())

        def written(form, quantize, *args, **options):
            quantize(*args, **options)
            write(f"{name}.{form}", Path(target).read_bytes())

        written("dynamic", dynamic, source, target, weight_type=s8)
        if name in ("cnn", "tokens"):
            written("dynamic-u", dynamic, source, target, weight_type=u8)
            written("dynamic-pc", dynamic, before, target, weight_type=s8, per_channel=True)
        if name in ("tokens",):
            written("dynamic-all", dynamic, before, target, weight_type=s8, extra_options={"MatMulConstBOnly": False})
        reader = lambda: Reader(given, feed)
        written("qoperator", static, before, target, reader(), QuantFormat.QOperator, u8, s8, False)
        if name in ("cnn", "patches"):
            written("qoperator-pc", static, before, target, reader(), QuantFormat.QOperator, u8, s8, True)
            written("qoperator-s", static, before, target, reader(), QuantFormat.QOperator, s8, s8, False)
            written("qdq-pc", static, before, target, reader(), QuantFormat.QDQ, u8, s8, True)
        if name in ("patches",):
            written("qdq-16", static, before, target, reader(), QuantFormat.QDQ, u16, s8, False)
        if name != "tokens":
            continue
        # Of opset 20, since files with numbers of four bits are of 21.
        torch.onnx.export(network, (torch.from_numpy(x),), source, input_names=[given], output_names=["y"], opset_version=20, dynamo=False)
        for bits, symmetric, block in [(4, True, 32), (4, False, 16), (8, False, 16), (2, False, 16)]:
            config = DefaultWeightOnlyQuantConfig(block_size=block, is_symmetric=symmetric, bits=bits, quant_format=QuantFormat.QOperator)
            quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
            quantizer.process()
            form = f"{name}.nbits-{bits}{'s' if symmetric else 'a'}"
            write(form, quantizer.model.model)
            write(f"{form}.real", real_twin(quantizer.model.model))
        for kind, word in enumerate(("fp", "nf")):
            quantizer = MatMulBnb4Quantizer(onnx.load(source), quant_type=kind, block_size=32)
            quantizer.process()
            write(f"{name}.bnb4-{word}", quantizer.model.model)
            write(f"{name}.bnb4-{word}.real", real_twin(quantizer.model.model))
        config = DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=False, bits=4, quant_format=QuantFormat.QDQ)
        quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
        quantizer.process()
        write(f"{name}.int4-qdq", quantizer.model.model)
        config = DefaultWeightOnlyQuantConfig(block_size=16, is_symmetric=False, bits=4, quant_format=QuantFormat.QOperator, op_types_to_quantize=("MatMul", "Gather"))
        quantizer = MatMulNBitsQuantizer(onnx.load(source), algo_config=config)
        quantizer.process()
        write(f"{name}.nbits-lookup", quantizer.model.model)
