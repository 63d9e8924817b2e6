/** float64: whole models in it, sections of float32 and half-precision models, and sizes that must not move. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { Explainer, compile, inspect } from "../../src/index.ts";
import { dataTypeCodes } from "../../src/onnx/data-types.ts";
import {
  type DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  floatTensor,
  int,
  int64Tensor,
  ints,
  numbersOf,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { operators } from "./before-and-after.ts";
import { nodeOf } from "./subgraphs.ts";

type Float = Extract<DataType, `${string}float${string}`>;

const modelOf = (graph: Graph): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph,
});
const cast = (from: string, to: string, type: DataType): Node =>
  nodeOf("Cast", [from], [to], { to: int(dataTypeCodes[type]) });
const numbers = (type: Float, dims: number[], seed: number): Tensor =>
  floatTensor(type, randomNumbers(sizeOf(dims), seed), dims);

/** A dense layer, a layer norm spelled out in the type `inner`, a GELU spelled out, and another dense layer. */
function network(type: Float, inner: Float = type): Graph {
  const scalar = (value: number, of: Float = type): Tensor => floatTensor(of, [value], []);
  return {
    name: "network",
    inputs: [{ name: "x", dataType: type, shape: ["N", 6] }],
    outputs: [{ name: "y", dataType: type, shape: ["N", 5] }],
    initializers: new Map([
      ["w", numbers(type, [6, 8], 1)],
      ["v", numbers(type, [8, 5], 2)],
      ["γ", numbers(type, [8], 3)],
      ["β", numbers(type, [8], 4)],
      ["two", scalar(2, inner)],
      ["ε", scalar(1e-5, inner)],
      ["√2", scalar(Math.SQRT2)],
      ["one", scalar(1)],
      ["half", scalar(0.5)],
    ]),
    nodes: [
      nodeOf("MatMul", ["x", "w"], ["a"]),
      nodeOf("ReduceMean", ["a"], ["mean"], { axes: ints([-1]) }),
      nodeOf("Sub", ["a", "mean"], ["d"]),
      cast("d", "inner", inner),
      nodeOf("Pow", ["inner", "two"], ["square"]),
      nodeOf("ReduceMean", ["square"], ["variance"], { axes: ints([-1]) }),
      nodeOf("Add", ["variance", "ε"], ["sum"]),
      nodeOf("Sqrt", ["sum"], ["root"]),
      nodeOf("Div", ["inner", "root"], ["quotient"]),
      cast("quotient", "outer", type),
      nodeOf("Mul", ["outer", "γ"], ["scaled"]),
      nodeOf("Add", ["scaled", "β"], ["normal"]),
      nodeOf("Div", ["normal", "√2"], ["argument"]),
      nodeOf("Erf", ["argument"], ["erf"]),
      nodeOf("Add", ["erf", "one"], ["more"]),
      nodeOf("Mul", ["normal", "more"], ["product"]),
      nodeOf("Mul", ["product", "half"], ["gelu"]),
      nodeOf("MatMul", ["gelu", "v"], ["y"]),
    ],
  };
}

const kinds = ({ graph }: ReturnType<typeof canonicalize>): string[] =>
  operators(graph).filter((operator) => operator !== "Cast");

const input = { data: randomNumbers(12, 9), dims: [2, 6] };

async function explained(graph: Graph, composite: "attnlrp" | "gradient"): Promise<ArrayLike<number>> {
  const explainer = new Explainer({ ort, model: modelOf(graph), composite });
  return (await explainer.explain(input, { target: 1 })).relevance.data;
}

describe.each([
  ["float64", "float64", 1e-5],
  ["float32", "float64", 1e-5],
  ["float16", "float64", 5e-3],
  ["float16", "float32", 5e-3],
] as const)("a network in %s with a layer norm in %s", (type, inner, tolerance) => {
  it("has the canonical form of the one in float32", () => {
    expect(kinds(canonicalize(network(type, inner)))).toEqual(kinds(canonicalize(network("float32"))));
  });

  it.each(["attnlrp", "gradient"] as const)("is explained as the one in float32: %s", async (composite) => {
    const wanted = await explained(network("float32"), composite);
    expect(relativeDistance(await explained(network(type, inner), composite), wanted)).toBeLessThan(
      tolerance,
    );
  });

  it("keeps the types of its input and output", () => {
    const { graph } = compile(modelOf(network(type, inner)), { target: "top1" }).model;
    expect([graph.inputs[0]?.dataType, graph.outputs[0]?.dataType]).toEqual([type, type]);
  });
});

/** x, resized along its second axis to a size that is computed in float64 from its own. */
function resized(): Graph {
  return {
    name: "resized",
    inputs: [{ name: "x", dataType: "float32", shape: [2, "width"] }],
    outputs: [{ name: "y", dataType: "float32", shape: [2, "more"] }],
    initializers: new Map([
      ["factor", floatTensor("float64", [0.29], [])],
      ["w", numbers("float64", [1], 5)],
      ["two", int64Tensor([2])],
      ["scale", floatTensor("float64", [3], [])],
    ]),
    nodes: [
      nodeOf("Shape", ["x"], ["size"], { start: int(1) }),
      cast("size", "exact", "float64"),
      nodeOf("Mul", ["exact", "factor"], ["shrunk"]),
      nodeOf("Floor", ["shrunk"], ["whole"]),
      cast("whole", "width", "int64"),
      nodeOf("Concat", ["two", "width"], ["sizes"], { axis: int(0) }),
      cast("x", "double", "float64"),
      nodeOf("Mul", ["double", "scale"], ["scaled"]),
      cast("scaled", "single", "float32"),
      nodeOf("Resize", ["single", "", "", "sizes"], ["y"], { mode: { type: "string", value: "nearest" } }),
    ],
  };
}

it("leaves float64 that comes from whole numbers as it is", async () => {
  const { graph, values } = canonicalize(resized());
  const doubles = [...values.values()].filter(({ dataType }) => dataType === "float64");
  expect(doubles.map(({ name }) => name).toSorted()).toEqual(["exact", "factor", "shrunk", "whole"]);
  // ⌊100 · 0.29⌋ is 28 in float64, and 29 in float32.
  const x = { data: randomNumbers(200, 3), dims: [2, 100] };
  const [before, after] = [await runModel(modelOf(resized()), { x }), await runModel(modelOf(graph), { x })];
  expect([before["y"]?.dims, after["y"]?.dims]).toEqual([
    [2, 28],
    [2, 28],
  ]);
  expect(relativeDistance(after["y"]?.data ?? [], before["y"]?.data ?? [1])).toBeLessThan(1e-6);
});

it("refuses what mixes the two on the way, and says why", () => {
  const graph = resized();
  const mixed = nodeOf("Mul", ["double", "exact"], ["scaled"]);
  const nodes = graph.nodes.map((node) => (node.outputs[0] === "scaled" ? mixed : node));
  const [obstacle, ...others] = inspect(modelOf({ ...graph, nodes })).obstacles;
  expect(obstacle).toMatchObject({
    node: mixed.name,
    why: expect.stringContaining("it computes in float64"),
  });
  expect(others).toEqual([]);
});

it("keeps the lowest finite number finite", () => {
  const graph: Graph = {
    name: "mask",
    inputs: [{ name: "x", dataType: "float64", shape: [2] }],
    outputs: [{ name: "y", dataType: "float64", shape: [2] }],
    initializers: new Map([["mask", floatTensor("float64", [-Number.MAX_VALUE, -Infinity], [2])]]),
    nodes: [nodeOf("Add", ["x", "mask"], ["y"])],
  };
  const mask = canonicalize(graph).graph.initializers.get("mask") as Tensor;
  expect(Array.from(numbersOf(mask))).toEqual([-((2 - 2 ** -23) * 2 ** 127), -Infinity]);
});
