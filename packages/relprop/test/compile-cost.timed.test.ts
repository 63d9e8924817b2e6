/** Compiling takes time in proportion to the nodes: four times as many take less than eight times as long. */

import { expect, it } from "vitest";
import { compile } from "../src/index.ts";
import { GraphBuilder, int, float32Tensor, type Model, type Value } from "../src/onnx/index.ts";

type Layer = (b: GraphBuilder, x: Value, i: number) => Value;

const numbers = (b: GraphBuilder, dims: readonly number[], i: number): Value => {
  const size = dims.reduce((a, n) => a * n, 1);
  return b.constant(
    float32Tensor(
      Float32Array.from({ length: size }, (_, k) => Math.sin(k + i)),
      dims,
    ),
    "w",
  );
};
const product: Layer = (b, x, i) => b.op("MatMul", [x, numbers(b, [8, 8], i)]);

/** Each of about as many nodes as the number says. */
const networks: Readonly<Record<string, (b: GraphBuilder, x: Value, nodes: number) => Value>> = {
  "matrix products": (b, x, nodes) => repeated(nodes, x, (v, i) => product(b, v, i)),
  sums: (b, x, nodes) => repeated(nodes, x, (v, i) => b.op("Add", [v, numbers(b, [8], i)])),
  residuals: (b, x, nodes) => repeated(nodes / 2, x, (v) => b.op("Add", [v, b.op("Relu", [v])])),
  "ReLU layers": (b, x, nodes) => repeated(nodes / 2, x, (v, i) => b.op("Relu", [product(b, v, i)])),
  gates: (b, x, nodes) => repeated(nodes / 2, x, (v) => b.op("Mul", [v, b.op("Sigmoid", [v])])),
  "branches that are joined": (b, x, nodes) => b.op("Concat", branches(b, x, nodes), { axis: int(1) }),
  "branches that are added": (b, x, nodes) => branches(b, x, nodes).reduce((a, c) => b.op("Add", [a, c])),
};

function repeated(times: number, x: Value, layer: (x: Value, i: number) => Value): Value {
  let last = x;
  for (let i = 0; i < times; i++) last = layer(last, i);
  return last;
}

const branches = (b: GraphBuilder, x: Value, nodes: number): Value[] =>
  Array.from({ length: nodes / 2 }, (_, i) => b.op("Relu", [product(b, x, i)]));

function modelOf(name: string, nodes: number): Model {
  const b = new GraphBuilder();
  const build = networks[name];
  const y = build?.(b, b.input("x", "float32", [1, 8]), nodes);
  if (y) b.output(y, "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph(name) };
}

/** Seconds of the processor, the least of three. */
function secondsOf(model: Model): number {
  const times = Array.from({ length: 3 }, () => {
    const start = process.cpuUsage();
    compile(model, { composite: "epsilon-plus", target: 0 });
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  });
  return Math.min(...times);
}

it.each(Object.keys(networks))("%s", { retry: 2 }, (name) => {
  const [short, long] = [secondsOf(modelOf(name, 1000)), secondsOf(modelOf(name, 4000))];
  expect(long / short).toBeLessThan(8);
});
