/** Runs a graph before and after a rewrite and compares the outputs. */

import { expect } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import type { Note, Rewrite } from "../../src/canonicalize/rewrite.ts";
import {
  type Graph,
  GraphBuilder,
  type Shape,
  type Tensor,
  type Value,
  float32Tensor,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const batch = 2;

/** A graph of one input "x" and one output. */
export function graphOf(shape: Shape, make: (b: GraphBuilder, x: Value) => Value): Graph {
  const b = new GraphBuilder();
  b.output(make(b, b.input("x", "float32", shape)));
  return b.graph("before");
}

let seed = 1;
export const random = (...dims: number[]): Tensor => float32Tensor(randomNumbers(sizeOf(dims), seed++), dims);
/** Positive, as variances are. */
export const positive = (...dims: number[]): Tensor =>
  float32Tensor(
    randomNumbers(sizeOf(dims), seed++).map((value) => 0.5 + Math.abs(value)),
    dims,
  );

/** x -> BatchNormalization with random statistics. */
export function batchNorm(b: GraphBuilder, x: Value, channels: number): Value {
  const parameters = [random(channels), random(channels), random(channels), positive(channels)];
  const constants = parameters.map((tensor, i) => b.constant(tensor, `${"γβμσ"[i]}`));
  return b.like({ opType: "BatchNormalization", attributes: {} }, [x, ...constants]);
}

export async function run(graph: Graph): Promise<Record<string, Float32Array>> {
  const feeds = graph.inputs.map(({ name, shape }) => {
    const dims = shape.map((dim) => (typeof dim === "number" ? dim : batch));
    return [name, { data: randomNumbers(sizeOf(dims), 99), dims }] as const;
  });
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph };
  const results = await runModel(model, Object.fromEntries(feeds));
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data]));
}

/** Tolerance 0 is "to the bit". */
export async function expectSameOutputs(before: Graph, after: Graph, tolerance: number): Promise<void> {
  const expected = await run(before);
  const found = await run(after);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, data] of Object.entries(expected)) {
    expect(data.some((value) => value !== 0)).toBe(true);
    expect(relativeDistance(found[name] ?? [], data)).toBeLessThanOrEqual(tolerance);
  }
}

export function applied(rewrite: Rewrite, graph: Graph): { after: Graph; notes: Note[] } {
  const notes: Note[] = [];
  const after = rewrite.apply(graph, inferGraph(graph), (node, why) => {
    notes.push({ rewrite: rewrite.name, node: node.name, operator: node.opType, why });
  });
  return { after, notes };
}

export const operators = (graph: Graph): string[] => graph.nodes.map((node) => node.opType);

/** Applies one rewrite, demands the operators after it, and the outputs as before. */
export async function expectRewrite(
  rewrite: Rewrite,
  before: Graph,
  after: readonly string[],
  tolerance: number,
): Promise<Graph> {
  const result = applied(rewrite, before).after;
  expect(operators(result)).toEqual(after);
  await expectSameOutputs(before, result, tolerance);
  return result;
}

/** The same with the whole list of rewrites. */
export async function expectCanonical(
  before: Graph,
  after: readonly string[],
  tolerance: number,
): Promise<Graph> {
  const { graph, values } = canonicalize(before);
  expect(operators(graph)).toEqual(after);
  for (const node of graph.nodes) for (const output of node.outputs) expect(values.has(output)).toBe(true);
  await expectSameOutputs(before, graph, tolerance);
  return graph;
}
