/**
 * Open sizes keep their names on the way back. A Reshape to −1 forgets that its size is the batch's: ONNX Runtime then
 * reuses no memory for all that follows, and searches for some among ever more tensors as it opens the session.
 */

import { expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import {
  GraphBuilder,
  int,
  float32Tensor,
  ints,
  numbersOf,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";

const constant = (b: GraphBuilder, dims: readonly number[]): Value =>
  b.constant(float32Tensor(new Float32Array(dims.reduce((a, n) => a * n, 1)).fill(0.5), dims), "w");

const networks: Readonly<Record<string, (b: GraphBuilder) => Value>> = {
  Flatten: (b) => {
    const z = b.op("Conv", [b.input("x", "float32", ["N", 2, 4, 4]), constant(b, [3, 2, 3, 3])]);
    return b.op("Gemm", [b.op("Flatten", [z]), constant(b, [12, 5])]);
  },
  "Reshape to vectors": (b) => {
    const z = b.op("Relu", [b.input("x", "float32", ["N", 3, 4])]);
    return b.op("Gemm", [b.op("Reshape", [z, b.integers([0, -1])]), constant(b, [12, 5])]);
  },
  "Squeeze of a mean": (b) => {
    const z = b.op("GlobalAveragePool", [b.input("x", "float32", ["N", 3, 4, 4])]);
    return b.op("Gemm", [b.op("Squeeze", [z, b.integers([2, 3])]), constant(b, [3, 5])]);
  },
  "heads, with two open sizes": (b) => {
    const x = b.op("MatMul", [b.input("x", "float32", ["N", "T", 8]), constant(b, [8, 8])]);
    const heads = b.op("Relu", [b.op("Reshape", [x, b.integers([0, 0, 2, 4])])]);
    const first = b.op("ReduceMean", [heads], { axes: ints([1]), keepdims: int(0) });
    return b.op("Gemm", [b.op("Reshape", [first, b.integers([0, 8])]), constant(b, [8, 5])]);
  },
};

it.each(Object.entries(networks))("%s", (name, build) => {
  const b = new GraphBuilder();
  b.output(build(b), "y");
  const model: Model = {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: b.graph(name),
  };
  const { graph } = compile(model, { composite: "epsilon", target: 0 }).model;
  const back = graph.nodes.filter(
    ({ opType, name: of }) => opType === "Reshape" && of.includes("/transpose/"),
  );
  const targets = back.map(({ inputs: [, shape = ""] }) => graph.initializers.get(shape));
  expect(targets.length).toBeGreaterThan(0);
  for (const target of targets) expect(target && Array.from(numbersOf(target), Number)).not.toContain(-1);
});
