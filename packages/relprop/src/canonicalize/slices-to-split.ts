/**
 * Joins Slices, or Gathers of one index each, that together cut a whole axis into parts (queries, keys and values of one
 * product, the halves of a roll) into one Split. The relevance of a Split is one Concat; without it the relevance of each
 * part would be padded with zeros, and all of them added.
 */

import { wrapped } from "../onnx/axis.ts";
import { type Graph, type Node, type Tensor, type Value, int, numberAttribute } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { int64Tensor } from "../onnx/tensor.ts";
import { isFloat, scalarOf } from "./constants.ts";
import { type Rewrite, edited, isOnnx, namer } from "./rewrite.ts";

/** WebGPU guarantees a shader eight buffers: a Split reads one and writes the others. */
const maxParts = 7;

/** The range of an axis that one node reads. */
interface Part {
  readonly node: Node;
  readonly axis: number;
  /** Size of the whole axis. */
  readonly length: number;
  readonly start: number;
  readonly end: number;
  /** Whether the output lacks the axis. */
  readonly isSqueezed: boolean;
}

function partOf(node: Node, graph: Graph, values: ReadonlyMap<string, Value>): Part | undefined {
  const data = values.get(node.inputs[0] ?? "");
  if (!data || !isFloat(data) || !isOnnx(node, "Gather", "Slice")) return undefined;
  const numbers = (index: number, orElse?: number): number | undefined => {
    const name = node.inputs[index] ?? "";
    return name === "" ? orElse : scalarOf(graph, name);
  };
  const isGather = node.opType === "Gather";
  const given = isGather ? numberAttribute(node, "axis", 0) : numbers(3, 0);
  const from = numbers(1);
  if (given === undefined || from === undefined) return undefined;
  const axis = wrapped(given, data.shape.length);
  const length = data.shape[axis];
  if (typeof length !== "number") return undefined;
  const place = (n: number): number => Math.min(length, Math.max(0, wrapped(n, length)));
  const start = place(from);
  if (isGather) {
    const isSqueezed = values.get(node.inputs[1] ?? "")?.shape.length === 0;
    return { node, axis, length, start, end: start + 1, isSqueezed };
  }
  const to = numbers(2);
  if (to === undefined || numbers(4, 1) !== 1) return undefined;
  return { node, axis, length, start, end: place(to), isSqueezed: false };
}

/** Whether the parts, sorted by their start, cover the axis without gaps or overlaps. */
const areWhole = (parts: readonly Part[]): boolean =>
  parts.length > 1 &&
  parts.length <= maxParts &&
  parts.every(({ start, end }, i) => start === (parts[i - 1]?.end ?? 0) && end > start) &&
  parts.at(-1)?.end === parts[0]?.length;

/** Parts that cover their axis, sorted by their start, and the first of their nodes in the graph. */
interface Whole {
  readonly first: Node;
  readonly parts: readonly Part[];
}

function wholesIn(graph: Graph, values: ReadonlyMap<string, Value>): Whole[] {
  const groups = new Map<string, Part[]>();
  for (const node of graph.nodes) {
    const part = partOf(node, graph, values);
    if (!part) continue;
    const key = `${part.axis} ${node.inputs[0]}`;
    groups.set(key, [...(groups.get(key) ?? []), part]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const parts = group.toSorted((a, b) => a.start - b.start);
    return first && areWhole(parts) ? [{ first: first.node, parts }] : [];
  });
}

export const slicesToSplit: Rewrite = {
  name: "slices-to-split",
  about: "Gathers or Slices that cut an axis into parts become one Split",
  removes: "merged nodes",
  apply(graph: Graph, values: ReadonlyMap<string, Value>): Graph {
    const newName = namer(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    const integers = (base: string, numbers: readonly number[]): string => {
      const name = newName(base);
      initializers.set(name, int64Tensor(numbers));
      return name;
    };
    for (const { first, parts } of wholesIn(graph, values)) {
      const outputs: string[] = [];
      for (const { node, axis, isSqueezed } of parts) {
        const [output = ""] = node.outputs;
        if (!isSqueezed) {
          outputs.push(output);
          replace.set(node, []);
          continue;
        }
        const piece = newName(`${output}_piece`);
        const axes = integers(`${output}_axes`, [axis]);
        outputs.push(piece);
        replace.set(node, [onnxNode("Squeeze", [piece, axes], node.outputs, {}, node.name)]);
      }
      const name = newName(`${first.name}_split`);
      const lengths = parts.map(({ start, end }) => end - start);
      const inputs = [first.inputs[0] ?? "", integers(`${name}_lengths`, lengths)] as const;
      const split = onnxNode("Split", inputs, outputs, { axis: int(parts[0]?.axis ?? 0) }, name);
      replace.set(first, [split, ...(replace.get(first) ?? [])]);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
