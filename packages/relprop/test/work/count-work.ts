/**
 * What a graph costs, counted from shapes instead of timed: the same on every machine, so that a change that makes
 * explanations dearer shows in a diff.
 */

import {
  numberAttribute,
  stringAttribute,
  type Graph,
  type Node,
  type Shape,
  type Value,
} from "../../src/onnx/graph.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";

/** The work of one run. */
export interface Work {
  /** Multiply-accumulates of convolutions and matrix products. */
  readonly macs: number;
  /** Numbers that all other nodes read and write: what memory has to move. */
  readonly elements: number;
  /** Nodes that run, all together. */
  readonly nodes: number;
  /** Nodes that depend on constants alone: ONNX Runtime runs them once, when it loads the model. */
  readonly folded: number;
  /** Nodes that run, by operator. */
  readonly operators: Readonly<Record<string, number>>;
}

/**
 * Counts one run of a graph at fixed input sizes.
 * @param sizes shapes of the inputs, by name; inputs that are not named have the shapes they declare.
 * @throws Error naming a node whose sizes stay unknown, since its work could not be counted.
 */
export function countWork(graph: Graph, sizes: Readonly<Record<string, readonly number[]>>): Work {
  const nodes = graph.nodes.flatMap(partsOf);
  const values = inferGraph({ ...graph, nodes }, new Map(Object.entries(sizes)));
  const computed = new Set(graph.inputs.map(({ name }) => name));
  for (const name of graph.initializers.keys()) computed.delete(name);
  const operators: Record<string, number> = {};
  let [macs, elements, folded] = [0, 0, 0];
  for (const node of nodes) {
    if (!node.inputs.some((name) => computed.has(name))) {
      folded++;
      continue;
    }
    for (const output of node.outputs) computed.add(output);
    operators[node.opType] = (operators[node.opType] ?? 0) + 1;
    const count = macsOf[node.opType];
    const operands = { node, shapeOf: (name: string | undefined) => shapeIn(values, node, name) };
    if (count) macs += count(operands);
    else if (!isFree.has(node.opType)) elements += moved(operands);
  }
  const sorted = Object.fromEntries(Object.entries(operators).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { macs, elements, nodes: nodes.length - folded, folded, operators: sorted };
}

/** Recognised patterns are written as the nodes they stand for. */
const partsOf = (node: Node): readonly Node[] => (node.body ? node.body.flatMap(partsOf) : [node]);

interface Operands {
  readonly node: Node;
  readonly shapeOf: (name: string | undefined) => readonly number[];
}

function shapeIn(values: ReadonlyMap<string, Value>, node: Node, name: string | undefined): number[] {
  const shape: Shape | undefined = values.get(name ?? "")?.shape;
  if (!shape?.every((dim) => typeof dim === "number")) {
    const known = shape ? `[${shape.join(", ")}]` : "not known";
    throw new Error(`cannot count ${node.opType} "${node.name}": the shape of "${name}" is ${known}`);
  }
  return [...shape] as number[];
}

/** Views, and questions about sizes: nothing of the tensor is read. */
const isFree = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Shape", "Size"]);

const moved = ({ node, shapeOf }: Operands): number =>
  [...node.inputs, ...node.outputs]
    .filter((name) => name !== "")
    .reduce((sum, name) => sum + sizeOf(shapeOf(name)), 0);

const first = <T>(list: readonly T[]): T | undefined => list[0];

/** Multiply-accumulates of the operators that have them; a table by operator, as this is what ONNX says of each. */
const macsOf: Readonly<Record<string, (operands: Operands) => number>> = {
  // Every output takes one kernel of [C/G, kernel].
  Conv: ({ node, shapeOf }) =>
    sizeOf(shapeOf(first(node.outputs))) * sizeOf(shapeOf(node.inputs[1]).slice(1)),
  // Every input is spread by one kernel of [K/G, kernel].
  ConvTranspose: ({ node, shapeOf }) =>
    sizeOf(shapeOf(first(node.inputs))) * sizeOf(shapeOf(node.inputs[1]).slice(1)),
  Gemm: ({ node, shapeOf }) =>
    sizeOf(shapeOf(first(node.outputs))) *
    (shapeOf(first(node.inputs))[numberAttribute(node, "transA", 0) ? 0 : 1] as number),
  MatMul: ({ node, shapeOf }) =>
    sizeOf(shapeOf(first(node.outputs))) * (shapeOf(first(node.inputs)).at(-1) as number),
  Einsum: ({ node, shapeOf }) => {
    const terms = (stringAttribute(node, "equation", "").split("->")[0] ?? "").replaceAll(" ", "").split(",");
    const sizes = new Map<string, number>();
    for (const [i, term] of terms.entries()) {
      const shape = shapeOf(node.inputs[i]);
      if (term.length !== shape.length)
        throw new Error(`cannot count Einsum "${node.name}": "${term}" does not name every axis`);
      for (const [axis, letter] of [...term].entries()) sizes.set(letter, shape[axis] as number);
    }
    return sizeOf([...sizes.values()]);
  },
};
