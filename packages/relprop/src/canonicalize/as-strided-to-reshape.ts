/**
 * Replaces torch.as_strided on a contiguous tensor by a Reshape. The dynamo exporter writes it as a Gather from the
 * flattened tensor at Σ stride · index, computed from Range; if these indices are 0, 1, 2 …, the Gather only reshapes.
 * Indices are read as affine functions of the position, so the batch may be open.
 */

import { usesOf } from "../onnx/captures.ts";
import { wrapped } from "../onnx/axis.ts";
import {
  type Graph,
  type Node,
  type Shape,
  type Tensor,
  type Value,
  numberAttribute,
} from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { sourceIndices } from "../onnx/operators/evaluating.ts";
import { product } from "../onnx/operators/sizes.ts";
import { int64Tensor, numbersOf } from "../onnx/tensor.ts";
import { sameShape } from "./constants.ts";
import { type Rewrite, edited, identity, isOnnx, namer, withoutDead } from "./rewrite.ts";

/** A tensor of integers base + Σ strides[axis] · index[axis]; axes of size 1 have the stride 0. */
interface Grid {
  readonly base: number;
  readonly strides: readonly number[];
}

function gridOfConstant(tensor: Tensor): Grid | undefined {
  const numbers = numbersOf(tensor);
  const base = numbers[0] ?? 0;
  let step = numbers.length;
  const strides = tensor.dims.map((dim) => {
    step /= dim;
    return dim > 1 ? (numbers[step] ?? 0) - base : 0;
  });
  const isAffine = sourceIndices(tensor.dims, strides, base).every((value, i) => value === numbers[i]);
  return numbers.length > 0 && isAffine ? { base, strides } : undefined;
}

/** Limit of the nodes that a grid is computed by; exporters need a handful per axis. */
const maxDepth = 32;

/** The values of a graph that are grids. */
class Grids {
  readonly #graph: Graph;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #producer: ReadonlyMap<string, Node>;
  readonly #known = new Map<string, Grid | undefined>();

  constructor(graph: Graph, values: ReadonlyMap<string, Value>, producer: ReadonlyMap<string, Node>) {
    this.#graph = graph;
    this.#values = values;
    this.#producer = producer;
  }

  /** The value as an affine function of the position; undefined if it is not known to be one. */
  of(name: string, depth: number = maxDepth): Grid | undefined {
    if (this.#known.has(name) || depth === 0) return this.#known.get(name);
    const grid = this.#compute(name, (input) => this.of(input, depth - 1));
    this.#known.set(name, grid);
    return grid;
  }

  #compute(name: string, of: (input: string) => Grid | undefined): Grid | undefined {
    const tensor = this.#graph.initializers.get(name);
    if (tensor) return tensor.dataType === "int64" ? gridOfConstant(tensor) : undefined;
    const node = this.#producer.get(name);
    const rank = this.#values.get(name)?.shape.length;
    if (!node || rank === undefined) return undefined;
    const [first = "", second = ""] = node.inputs;
    if (isOnnx(node, "Range")) return this.#range(node);
    if (isOnnx(node, "Unsqueeze")) return this.#unsqueezed(of(first), second, rank);
    if (isOnnx(node, "Mul")) return this.#scaled(of(first), of(second), rank);
    return isOnnx(node, "Add") ? this.#sum(of(first), of(second), rank) : undefined;
  }

  #integers(name: string): number[] | undefined {
    const tensor = this.#graph.initializers.get(name);
    return tensor?.dataType === "int64" ? Array.from(numbersOf(tensor)) : undefined;
  }

  #range({ inputs: [start = "", , delta = ""] }: Node): Grid | undefined {
    const [base, stride] = [this.#integers(start)?.[0], this.#integers(delta)?.[0]];
    return base === undefined || stride === undefined ? undefined : { base, strides: [stride] };
  }

  #unsqueezed(grid: Grid | undefined, axes: string, rank: number): Grid | undefined {
    const added = this.#integers(axes)?.map((axis) => wrapped(axis, rank));
    if (!grid || !added) return undefined;
    const given = grid.strides.values();
    const strides = Array.from({ length: rank }, (_, axis) =>
      added.includes(axis) ? 0 : (given.next().value ?? 0),
    );
    return { base: grid.base, strides };
  }

  #scaled(a: Grid | undefined, b: Grid | undefined, rank: number): Grid | undefined {
    if (!a || !b) return undefined;
    const [factor, grid] = a.strides.every((stride) => stride === 0) ? [a.base, b] : [b.base, a];
    const isNumber = [a, b].some(({ strides }) => strides.every((stride) => stride === 0));
    const strides = padded(grid, rank).map((stride) => stride * factor);
    return isNumber ? { base: grid.base * factor, strides } : undefined;
  }

  #sum(a: Grid | undefined, b: Grid | undefined, rank: number): Grid | undefined {
    if (!a || !b) return undefined;
    const more = padded(b, rank);
    return {
      base: a.base + b.base,
      strides: padded(a, rank).map((stride, axis) => stride + (more[axis] ?? 0)),
    };
  }
}

const padded = ({ strides }: Grid, rank: number): number[] => [
  ...Array.from({ length: rank - strides.length }, () => 0),
  ...strides,
];

/** Whether the grid is 0, 1, 2 … in row-major order of the shape. */
function countsUp({ base, strides }: Grid, shape: Shape): boolean {
  let step: number | undefined = 1;
  for (const [axis, dim] of [...shape.entries()].toReversed()) {
    if (dim === 1) continue;
    // The step is unknown beyond an open size.
    if (step === undefined || strides[axis] !== step) return false;
    step = typeof dim === "number" ? step * dim : undefined;
  }
  return base === 0;
}

export const asStridedToReshape: Rewrite = {
  name: "as-strided-to-reshape",
  about: "a Gather of all elements in their order (torch.as_strided) becomes a Reshape",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const { producer } = usesOf(graph);
    const grids = new Grids(graph, values, producer);
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const node of graph.nodes) {
      if (!isOnnx(node, "Gather") || numberAttribute(node, "axis", 0) !== 0) continue;
      const [data = "", indices = ""] = node.inputs;
      const [output = ""] = node.outputs;
      const [from, to] = [values.get(data), values.get(output)];
      if (!from || !to || from.shape.length !== 1 || product(to.shape) !== from.shape[0]) continue;
      const open = to.shape.filter((dim) => typeof dim !== "number");
      const grid = open.length > 1 ? undefined : grids.of(indices);
      if (!grid || !countsUp(grid, to.shape)) continue;
      const flattened = producer.get(data);
      const whole = flattened && isOnnx(flattened, "Reshape", "Flatten") ? (flattened.inputs[0] ?? "") : "";
      if (sameShape(values.get(whole), to)) {
        replace.set(node, [identity(whole, output)]);
        continue;
      }
      const target = newName(`${node.name}_shape`);
      initializers.set(target, int64Tensor(to.shape.map((dim) => (typeof dim === "number" ? dim : -1))));
      replace.set(node, [onnxNode("Reshape", [data, target], [output], {}, node.name)]);
    }
    return replace.size === 0 ? graph : withoutDead(edited(graph, { replace, initializers }));
  },
};
