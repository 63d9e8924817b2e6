"""
Graphs of a few nodes that compute with whole numbers, each beside one of real numbers (NAME.real.onnx) that stands for the
same, dequantized here by the formulas of ONNX and ONNX Runtime, for packages/relprop/test/quantized/cases.

    python quantized_cases.py FOLDER

needs numpy and onnx
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node as node

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
random = np.random.default_rng(5)
f32 = np.float32


def save(name, nodes, constants, x, y, opset=17, kind=TensorProto.FLOAT):
    stored = [v if isinstance(v, onnx.TensorProto) else numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    ends = [helper.make_tensor_value_info(k, t, dims) for k, t, dims in (("x", kind, x), ("y", TensorProto.FLOAT, y))]
    graph = helper.make_graph(nodes, name, ends[:1], ends[1:], stored)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10 if opset > 20 else 8), folder / f"{name}.onnx")


def whole(*dims, dtype=np.int8):
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return random.integers(low, high, dims).astype(dtype)


def real(*dims):
    return random.standard_normal(dims).astype(f32)


def digits(data, bits):
    return np.stack([(data >> shift) & (2**bits - 1) for shift in range(0, 8, bits)], -1).astype(np.float64)


W = real(12, 5)
quantize, dequantize = node("QuantizeLinear", ["x", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["f"])
dynamic = node("DynamicQuantizeLinear", ["x"], ["q", "xs", "xz"])

# Whole numbers are moved, padded (with a zero point) and compared, before they become real ones.
steps = {"s": f32(0.02), "z": np.int8(5), "pads": np.array([0, 0, 0, 0, 0, 1]), "shape": np.array([1, 12]), "W": W}
moves = lambda x, pad, y: [
    node("Transpose", [x], ["t"], perm=[0, 2, 1]),
    node("Pad", ["t", "pads", *pad], ["p"]),
    node("MaxPool", ["p"], ["m"], kernel_shape=[2], strides=[1]),
    node("Reshape", ["m", "shape"], [y]),
]
product = node("MatMul", ["f", "W"], ["y"])
save("moved", [quantize, *moves("q", [], "r"), node("DequantizeLinear", ["r", "s", "z"], ["f"]), product], steps, [1, 4, 3], [1, 5])
first = node("DequantizeLinear", ["q", "s", "z"], ["xf"])
save("moved.real", [quantize, first, *moves("xf", ["border"], "f"), product], {**steps, "border": f32(-5 * 0.02)}, [1, 4, 3], [1, 5])

# They are cut and joined.
steps = {"s": f32(0.02), "z": np.uint8(100), "W": W}
cut = lambda x, y: [node("Split", [x], ["a", "b"], axis=1), node("Concat", ["b", "a"], [y], axis=1)]
save("split", [quantize, *cut("q", "c"), node("DequantizeLinear", ["c", "s", "z"], ["f"]), product], steps, [1, 12], [1, 5])
save("split.real", [quantize, first, *cut("xf", "f"), product], steps, [1, 12], [1, 5])

# A scale for each channel, one zero point, and the scales one after the other.
Wq, scales, bias, V = whole(4, 3, 3, 3), random.uniform(0.01, 0.03, (1, 4, 1, 1)).astype(f32), real(1, 4, 1, 1), real(4, 5)
tail = [
    node("Add", ["m", "b"], ["a"]),
    node("Relu", ["a"], ["r"]),
    node("GlobalAveragePool", ["r"], ["g"]),
    node("Flatten", ["g"], ["fl"]),
    node("MatMul", ["fl", "V"], ["y"]),
]
conv = [
    dynamic,
    node("ConvInteger", ["q", "Wq", "xz", "wz"], ["i"], pads=[1] * 4),
    node("Cast", ["i"], ["c"], to=1),
    node("Mul", ["c", "xs"], ["m0"]),
    node("Mul", ["ws", "m0"], ["m"]),
]
save("conv-integer", [*conv, *tail], {"Wq": Wq, "wz": np.int8(3), "ws": scales, "b": bias, "V": V}, [1, 3, 6, 6], [1, 5])
rounded = [dynamic, node("DequantizeLinear", ["q", "xs", "xz"], ["xf"])]
weights = ((Wq.astype(np.float64) - 3) * scales.reshape(4, 1, 1, 1)).astype(f32)
save("conv-integer.real", [*rounded, node("Conv", ["xf", "W"], ["m"], pads=[1] * 4), *tail], {"W": weights, "b": bias, "V": V}, [1, 3, 6, 6], [1, 5])

# One scale, a zero point for each column.
Bq, zeros = whole(12, 5, dtype=np.uint8), random.integers(100, 150, 5).astype(np.uint8)
matmul = [dynamic, node("MatMulInteger", ["q", "B", "xz", "bz"], ["i"]), node("Cast", ["i"], ["c"], to=1)]
save("zero-points", [*matmul, node("Mul", ["xs", "bs"], ["s"]), node("Mul", ["c", "s"], ["y"])], {"B": Bq, "bz": zeros, "bs": f32(0.01)}, [2, 12], [2, 5])
save("zero-points.real", [*rounded, node("MatMul", ["xf", "W"], ["y"])], {"W": ((Bq.astype(np.float64) - zeros) * f32(0.01)).astype(f32)}, [2, 12], [2, 5])

# One constant for both scales, and weights that the graph transposes.
Bq = whole(64, 96)
static = [
    quantize,
    node("Transpose", ["B"], ["Bt"], perm=[1, 0]),
    node("MatMulInteger", ["q", "Bt", "z"], ["i"]),
    node("Cast", ["i"], ["c"], to=1),
    node("Mul", ["c", "k"], ["y"]),
]
steps = {"s": f32(0.02), "z": np.uint8(128)}
save("static", static, {**steps, "B": Bq, "k": f32(0.02 * 0.013)}, [2, 96], [2, 64])
save("static.real", [quantize, dequantize, product], {**steps, "W": (Bq.T.astype(np.float64) * 0.013).astype(f32)}, [2, 96], [2, 64])

# Blocks that K does not fill, real zero points, a bias; inputs that are sorted into groups.
K, N, block, blocks = 40, 6, 16, 3
for bits in (2, 4):
    B, scales = random.integers(0, 256, (N, blocks, block * bits // 8)).astype(np.uint8), random.uniform(0.01, 0.05, N * blocks).astype(f32)
    zeros, bias = random.uniform(2, 6, (N, blocks)).astype(f32), real(N)
    q = digits(B, bits).reshape(N, blocks, block)
    size = {"domain": "com.microsoft", "K": K, "N": N, "bits": bits, "block_size": block}
    weights = ((q - zeros[..., None]) * scales.reshape(N, blocks, 1)).reshape(N, -1)[:, :K].T.astype(f32)
    save(f"blocks-{bits}", [node("MatMulNBits", ["x", "B", "s", "z", "", "b"], ["y"], **size)], {"B": B, "s": scales, "z": zeros, "b": bias}, [2, K], [2, N])
    save(f"blocks-{bits}.real", [node("MatMul", ["x", "W"], ["m"]), node("Add", ["m", "b"], ["y"])], {"W": weights, "b": bias}, [2, K], [2, N])
groups = random.permutation(np.arange(K) // block).astype(np.int32)
weights = ((q.reshape(N, -1)[:, :K] - 8) * scales.reshape(N, blocks)[:, groups]).T.astype(f32)
save("groups", [node("MatMulNBits", ["x", "B", "s", "", "g"], ["y"], **size)], {"B": B, "s": scales, "g": groups}, [2, K], [2, N])
save("groups.real", [node("MatMul", ["x", "W"], ["y"])], {"W": weights}, [2, K], [2, N])

# int4 weights of a convolution, in blocks of channels.
four, scales, bias = random.integers(-8, 8, (4, 3, 3, 3)), random.uniform(0.05, 0.1, (4, 1, 3, 3)).astype(f32), real(1, 4, 1, 1)
stored = helper.make_tensor("w4", TensorProto.INT4, [4, 3, 3, 3], four.flatten().tolist())
conv = node("Conv", ["x", "W"], ["m"], pads=[1] * 4)
save("int4-conv", [node("DequantizeLinear", ["w4", "s4"], ["W"], axis=1, block_size=3), conv, *tail], {"w4": stored, "s4": scales, "b": bias, "V": V}, [1, 3, 6, 6], [1, 5], 21)
save("int4-conv.real", [conv, *tail], {"W": (four * scales.astype(np.float64)).astype(f32), "b": bias, "V": V}, [1, 3, 6, 6], [1, 5], 21)

# What remains refused: whole numbers that nothing scales, and a whole layer of attention.
save("unscaled", [dynamic, node("MatMulInteger", ["q", "B", "xz"], ["i"]), node("Cast", ["i"], ["y"], to=1)], {"B": whole(12, 5)}, [1, 12], [1, 5])
attention = node("QAttention", ["q", "w", "b", "s", "ws", "", "z", "wz"], ["y"], domain="com.microsoft", num_heads=2)
weights = {"w": whole(8, 24), "b": real(24), "ws": f32(0.01), "wz": np.int8(0), "s": f32(0.02), "z": np.uint8(128)}
save("attention", [quantize, attention], weights, [1, 3, 8], [1, 3, 8])
