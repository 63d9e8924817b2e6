"""Writes swirelu.onnx: two linear layers around an activation of another domain, which the model has as a function.

x [N, 3] -> MatMul, Add -> my.lab.SwiReLU [N, 4] -> MatMul, Add -> y [N, 2],   SwiReLU(x) = max(x, 0) * sigmoid(x)
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

numbers = np.random.default_rng(7)
weights = {
    "W1": numbers.normal(size=(3, 4)),
    "b1": numbers.normal(size=4),
    "W2": numbers.normal(size=(4, 2)),
    "b2": numbers.normal(size=2),
}
opset = helper.make_opsetid("", 17)
function = helper.make_function(
    "my.lab",
    "SwiReLU",
    ["x"],
    ["y"],
    [
        helper.make_node("Relu", ["x"], ["positive"]),
        helper.make_node("Sigmoid", ["x"], ["gate"]),
        helper.make_node("Mul", ["positive", "gate"], ["y"]),
    ],
    [opset],
)
graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["x", "W1"], ["xW"], "product1"),
        helper.make_node("Add", ["xW", "b1"], ["z"], "layer1"),
        helper.make_node("SwiReLU", ["z"], ["h"], "activation", domain="my.lab"),
        helper.make_node("MatMul", ["h", "W2"], ["hW"], "product2"),
        helper.make_node("Add", ["hW", "b2"], ["y"], "layer2"),
    ],
    "swirelu",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
    [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
)
model = helper.make_model(
    graph,
    functions=[function],
    opset_imports=[opset, helper.make_opsetid("my.lab", 1)],
    ir_version=8,
)
checker.check_model(model)
save(model, "swirelu.onnx")
