/** Canonical form is reached after a few rounds, whatever the model holds; a rewrite that never settles ends in an error. */

import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { maxRounds } from "../../src/canonicalize/rounds.ts";
import type { Rewrite } from "../../src/canonicalize/rewrite.ts";
import { UnexplainableError } from "../../src/index.ts";
import { type Graph, int64Tensor } from "../../src/onnx/index.ts";
import { nodeOf } from "./subgraphs.ts";

/** Makes every node anew. */
const restless = (name: string): Rewrite => ({
  name,
  about: "changes for ever",
  removes: "no-ops",
  apply: (graph) => ({ ...graph, nodes: graph.nodes.map((node) => ({ ...node })) }),
});

describe("a rewrite that never settles", () => {
  const graph: Graph = {
    name: "graph",
    inputs: [{ name: "x", dataType: "float32", shape: [2, 4] }],
    outputs: [{ name: "y", dataType: "float32", shape: [2, 4] }],
    initializers: new Map(),
    nodes: [nodeOf("Relu", ["x"], ["y"])],
  };

  it.each([
    ["settling", { settling: [restless("tick"), restless("tock")], recognizing: [] }],
    ["recognizing", { settling: [], recognizing: [restless("tick"), restless("tock")] }],
  ] as const)("among those of %s ends in an error that names it and the node", (_list, lists) => {
    const run = () => canonicalize(graph, lists);
    expect(run).toThrow(UnexplainableError);
    expect(run).toThrow(
      `cannot bring this model into canonical form (Relu "Relu y"): after ${maxRounds} rounds of rewriting it is still being changed by tick, tock`,
    );
  });

  it("names the graph where only constants change", () => {
    const growing: Rewrite = {
      ...restless("grow"),
      apply: (given) => ({ ...given, initializers: new Map(given.initializers) }),
    };
    expect(() => canonicalize(graph, { settling: [growing], recognizing: [] })).toThrow(
      'the constants of graph "graph"',
    );
  });
});

/** Elements of x picked at 2ⁿ times their positions, by n sums of the positions with themselves. */
function doubled(count: number): Graph {
  const sums = Array.from({ length: count }, (_, i) => nodeOf("Add", [`i${i}`, `i${i}`], [`i${i + 1}`]));
  return {
    name: "doubled",
    inputs: [{ name: "x", dataType: "float32", shape: ["N"] }],
    outputs: [{ name: "y", dataType: "float32", shape: ["N"] }],
    initializers: new Map([
      ["zero", int64Tensor([0], [])],
      ["one", int64Tensor([1], [])],
    ]),
    nodes: [
      nodeOf("Size", ["x"], ["size"]),
      nodeOf("Range", ["zero", "size", "one"], ["i0"]),
      ...sums,
      nodeOf("Gather", ["x", `i${count}`], ["y"]),
    ],
  };
}

/** Layers of sums, each of two of the layer before it, from a sigmoid on. */
function woven(layers: number, width: number): Graph {
  const name = (layer: number, i: number): string => (layer === 0 ? "gate" : `s${layer}_${i % width}`);
  const sums = Array.from({ length: layers * width }, (_, flat) => {
    const [layer, i] = [Math.floor(flat / width) + 1, flat % width];
    const pair = [name(layer - 1, i), layer === 1 ? "x" : name(layer - 1, i + 1)];
    return nodeOf(i % 2 === 0 ? "Add" : "Sub", pair, [name(layer, i)]);
  });
  const ends = Array.from({ length: width }, (_, i) => name(layers, i));
  return {
    name: "woven",
    inputs: [{ name: "x", dataType: "float32", shape: ["N"] }],
    outputs: [{ name: "y", dataType: "float32", shape: ["N"] }],
    initializers: new Map(),
    nodes: [nodeOf("Sigmoid", ["x"], ["gate"]), ...sums, nodeOf("Sum", ends, ["y"])],
  };
}

describe("patterns are looked for in bounded time", () => {
  it("among indices that are added to themselves again and again", () => {
    const { graph: settled } = canonicalize(doubled(400));
    expect(settled.nodes.filter(({ opType }) => opType === "Add").length).toBe(400);
  });

  it("behind a sigmoid that goes into many sums of sums", () => {
    const { graph: settled } = canonicalize(woven(6, 12));
    expect(settled.nodes.some(({ opType }) => opType === "Sigmoid")).toBe(true);
  });
});
