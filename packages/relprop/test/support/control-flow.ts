/** Models with graphs inside of nodes, from plain lists. */

import {
  float32Tensor,
  int64Tensor,
  type DataType,
  type Model,
  type Node,
  type Shape,
  type Subgraph,
  type Tensor,
  type Value,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { declared, nodeOf, subgraph } from "../canonicalize/subgraphs.ts";
import { randomNumbers } from "./run.ts";

export const weight = (dims: readonly number[], seed: number): Tensor =>
  float32Tensor(randomNumbers(sizeOf(dims), seed), dims);
export const scalar = (value: number): Tensor => float32Tensor([value], []);
export const whole = (value: number): Tensor => int64Tensor([value], []);
export const truth = (value: boolean): Tensor => ({
  dataType: "bool",
  dims: [],
  bytes: Uint8Array.of(Number(value)),
});

export const valueOf = (name: string, shape: Shape, dataType: DataType = "float32"): Value => ({
  name,
  shape,
  dataType,
});

/** A model of opset 17. */
export const modelFrom = (
  inputs: readonly Value[],
  outputs: readonly Value[],
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Model => ({
  irVersion: 8,
  opsets: { "": 17 },
  producer: "test",
  metadata: {},
  graph: { name: "network", inputs, outputs, nodes, initializers: new Map(Object.entries(initializers)) },
});

/** A branch of If that gives one tensor. */
export const branch = (
  output: string,
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Subgraph => subgraph([], [declared(output)], nodes, initializers);

export const graphAttribute = (value: Subgraph) => ({ type: "graph", value }) as const;

/** An If of one output. */
export const ifOf = (condition: string, output: string, yes: Subgraph, no: Subgraph): Node =>
  nodeOf("If", [condition], [output], {
    then_branch: graphAttribute(yes),
    else_branch: graphAttribute(no),
  });

/** A Loop with one carried tensor. @param nodes make `after` from `before`, and may read the round `i` */
export const loopOf = (
  rounds: string,
  start: string,
  output: string,
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>> = {},
): Node =>
  nodeOf("Loop", [rounds, "", start], [output], {
    body: graphAttribute(
      subgraph(
        [declared("i", "int64", "scalar"), declared("on", "bool", "scalar"), declared("before")],
        [declared("goes", "bool", "scalar"), declared("after")],
        [nodeOf("Identity", ["on"], ["goes"]), ...nodes],
        initializers,
      ),
    ),
  });
