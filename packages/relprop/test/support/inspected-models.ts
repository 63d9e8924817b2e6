/** Small models to be inspected. */

import {
  float32Tensor,
  GraphBuilder,
  int,
  type Graph,
  type Model,
  type Node,
  type Value,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { random } from "../canonicalize/before-and-after.ts";
import { randomNumbers } from "./run.ts";

/** A graph as a model of opset 17. */
export const modelOf = (graph: Graph, metadata: Model["metadata"] = {}): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test 1",
  metadata,
  graph,
});

/** A constant of reproducible numbers. */
function weight(b: GraphBuilder, name: string, ...dims: number[]): Value {
  const numbers = randomNumbers(sizeOf(dims), name.length + name.charCodeAt(0));
  return b.constant(
    float32Tensor(
      numbers.map((number) => (name === "variance" ? 1 + number ** 2 : number)),
      dims,
    ),
    name,
  );
}

/** Conv, batch-norm, ReLU, Dropout, a flatten whose size is computed, a GELU spelled out, a dense layer, Softmax. */
export function network(hasComputedSize = true): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 6, 6]);
  const conv = b.op("Conv", [x, weight(b, "w1", 4, 3, 3, 3)], {}, "conv");
  const statistics = [weight(b, "factor", 4), weight(b, "offset", 4)] as const;
  const norm = b.op(
    "BatchNormalization",
    [conv, ...statistics, weight(b, "mean", 4), weight(b, "variance", 4)],
    {},
    "norm",
  );
  const drop = b.op("Dropout", [b.op("Relu", [norm], {}, "relu")], {}, "drop");
  const samples = b.op("Slice", [
    b.op("Shape", [drop], {}, "shape"),
    b.integers([0]),
    b.integers([1]),
    b.integers([0]),
  ]);
  const size = b.op("Concat", [samples, b.integers([-1])], { axis: int(0) }, "size");
  const flat = b.op("Reshape", [drop, hasComputedSize ? size : b.integers([0, -1])], {}, "flat");
  const half = b.op("Mul", [flat, b.scalar(0.5)], {}, "half");
  const erf = b.op("Erf", [b.op("Div", [flat, b.scalar(Math.SQRT2)], {}, "div")], {}, "erf");
  const gelu = b.op("Mul", [half, b.op("Add", [erf, b.scalar(1)], {}, "plus1")], {}, "gelu");
  const product = b.op("MatMul", [gelu, weight(b, "w2", 64, 5)], {}, "dense");
  const logits = b.op("Add", [product, weight(b, "b2", 5)], {}, "bias");
  b.output(b.op("Softmax", [logits], { axis: int(1) }, "softmax"), "y");
  return modelOf(b.graph("network"));
}

/** Two heads: "easy" can be explained; "hard" is behind two steps and their product. */
export function twoHeads(): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 8]);
  const hidden = b.op("Relu", [b.op("Gemm", [x, b.constant(random(8, 6), "w")], {}, "dense")], {}, "relu");
  const winner = b.op("Hardmax", [hidden], {}, "winner");
  const gated = b.op("Mul", [winner, b.op("Round", [hidden], {}, "round")], {}, "gate");
  b.output(b.op("Gemm", [gated, b.constant(random(6, 3), "v")], {}, "last"), "hard");
  b.output(b.op("Gemm", [hidden, b.constant(random(6, 2), "u")], {}, "other"), "easy");
  return modelOf(b.graph("two heads"));
}

/** The network with an operator of another domain in ReLU's place. */
export function foreign(opType: string): Model {
  const { graph } = network();
  const nodes = graph.nodes.map((node): Node => {
    return node.name === "relu" ? { ...node, opType, domain: "com.example" } : node;
  });
  return modelOf({ ...graph, nodes });
}
