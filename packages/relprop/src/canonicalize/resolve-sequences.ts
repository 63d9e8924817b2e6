/**
 * Replaces sequences of tensors by the tensors, if the length of the sequence and the positions in it are constant:
 * SequenceAt(SequenceConstruct(a, b), 1) is b, ConcatFromSequence is Concat, SplitToSequence is Split. The content of the
 * tensors may depend on the input.
 */

import { wrapped } from "../onnx/axis.ts";
import { type Graph, type Node, type Tensor, type Value, int, numberAttribute } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { int64Tensor, numbersOf } from "../onnx/tensor.ts";
import { ConstantExpressions } from "./constant-expressions.ts";
import { type Refuse, type Rewrite, edited, identity, isOnnx, namer, withoutDead } from "./rewrite.ts";

/** Returns the nodes that replace a node (none if it only makes a sequence), or the reason why it stays. */
type Resolve = (node: Node, work: Work) => readonly Node[] | string;

interface Work {
  /** Names of the elements of each known sequence, by the name of the sequence. */
  readonly sequences: Map<string, readonly string[]>;
  readonly values: ReadonlyMap<string, Value>;
  readonly expressions: ConstantExpressions;
  readonly newName: (base: string) => string;
  readonly constant: (base: string, tensor: Tensor) => string;
}

const unknown = "the length of its sequence is known at run time only";
const computed = "a position in its sequence is computed at run time";

/** A position that counts from the end if it is negative; the end if it is absent. */
function positionOf(name: string | undefined, count: number, work: Work): number | undefined {
  if (name === undefined || name === "") return count;
  const tensor = work.expressions.tensor(name);
  const position = tensor && numbersOf(tensor)[0];
  return position === undefined ? undefined : wrapped(position, count);
}

const listOf = (node: Node, { sequences }: Work): readonly string[] | undefined =>
  sequences.get(node.inputs[0] ?? "");

function define(node: Node, elements: readonly string[], { sequences }: Work): readonly Node[] {
  sequences.set(node.outputs[0] ?? "", elements);
  return [];
}

const insert: Resolve = (node, work) => {
  const list = listOf(node, work);
  if (!list) return unknown;
  const at = positionOf(node.inputs[2], list.length, work);
  return at === undefined ? computed : define(node, list.toSpliced(at, 0, node.inputs[1] ?? ""), work);
};

const erase: Resolve = (node, work) => {
  const list = listOf(node, work);
  if (!list) return unknown;
  const at = node.inputs[1] ? positionOf(node.inputs[1], list.length, work) : list.length - 1;
  return at === undefined ? computed : define(node, list.toSpliced(at, 1), work);
};

const pick: Resolve = (node, work) => {
  const list = listOf(node, work);
  if (!list) return unknown;
  const at = positionOf(node.inputs[1], list.length, work);
  const name = at === undefined ? undefined : list[at];
  return name === undefined ? computed : [identity(name, node.outputs[0] ?? "")];
};

const count: Resolve = (node, work) => {
  const list = listOf(node, work);
  if (!list) return unknown;
  return [identity(work.constant(node.name, int64Tensor([list.length], [])), node.outputs[0] ?? "")];
};

const join: Resolve = (node, work) => {
  const list = listOf(node, work);
  if (!list) return unknown;
  const axis = numberAttribute(node, "axis", 0);
  const [output = ""] = node.outputs;
  if (list.length === 0) return "it joins no tensors";
  if (numberAttribute(node, "new_axis", 0) === 0)
    return [onnxNode("Concat", list, [output], { axis: int(axis) })];
  const at = work.constant(`${node.name}_axis`, int64Tensor([axis]));
  const slices = list.map((name) => onnxNode("Unsqueeze", [name, at], [work.newName(`${name}_slice`)]));
  const names = slices.map(({ outputs }) => outputs[0] ?? "");
  return [...slices, onnxNode("Concat", names, [output], { axis: int(axis) })];
};

/** The sizes are one number for all parts (the last may be smaller), a list, or absent: then each slice is a part. */
const split: Resolve = (node, work) => {
  const [x = "", sizes = ""] = node.inputs;
  const shape = work.values.get(x)?.shape;
  if (!shape) return "the rank of the tensor that it splits is unknown";
  const axis = wrapped(numberAttribute(node, "axis", 0), shape.length);
  const size = shape[axis];
  const wanted = sizes === "" ? int64Tensor([1], []) : work.expressions.tensor(sizes);
  if (!wanted) return "the sizes of its parts are computed at run time";
  const numbers = Array.from(numbersOf(wanted));
  const [part = 1] = numbers;
  if (wanted.dims.length === 0 && typeof size !== "number") return unknown;
  const whole = typeof size === "number" ? size : 0;
  const parts =
    wanted.dims.length > 0
      ? numbers
      : Array.from({ length: Math.ceil(whole / part) }, (_, i) => Math.min(part, whole - i * part));
  const names = parts.map(() => work.newName(`${node.name}_part`));
  const lengths = work.constant(`${node.name}_sizes`, int64Tensor(parts));
  const cut = onnxNode("Split", [x, lengths], names, { axis: int(axis) });
  const keepsAxis = sizes !== "" || numberAttribute(node, "keepdims", 1) === 1;
  const at = keepsAxis ? "" : work.constant(`${node.name}_axis`, int64Tensor([axis]));
  const slices = keepsAxis
    ? []
    : names.map((name) => onnxNode("Squeeze", [name, at], [work.newName(`${name}_slice`)]));
  const elements = keepsAxis ? names : slices.map(({ outputs }) => outputs[0] ?? "");
  define(node, elements, work);
  return [cut, ...slices, onnxNode("SequenceConstruct", elements, node.outputs)];
};

const alias: Resolve = (node, work) => define(node, listOf(node, work) ?? [], work);

const resolvers: ReadonlyMap<string, Resolve> = new Map([
  ["SequenceEmpty", (node, work) => define(node, [], work)],
  ["SequenceConstruct", (node, work) => define(node, node.inputs, work)],
  ["SequenceInsert", insert],
  ["SequenceErase", erase],
  ["SequenceAt", pick],
  ["SequenceLength", count],
  ["ConcatFromSequence", join],
  ["SplitToSequence", split],
]);

export const resolveSequences: Rewrite = {
  name: "resolve-sequences",
  about: "sequences of tensors whose structure is constant become the tensors themselves",
  removes: "no-ops",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    if (!graph.nodes.some((node) => isOnnx(node, ...resolvers.keys()))) return graph;
    const newName = namer(graph);
    const initializers = new Map<string, Tensor>();
    const work: Work = {
      sequences: new Map(),
      values,
      expressions: new ConstantExpressions(graph, values),
      newName,
      constant: (base, tensor) => {
        const name = newName(base);
        initializers.set(name, tensor);
        return name;
      },
    };
    const replace = new Map<Node, readonly Node[]>();
    for (const node of graph.nodes) {
      const isAlias = isOnnx(node, "Identity") && listOf(node, work) !== undefined;
      const resolve = isAlias ? alias : isOnnx(node, node.opType) ? resolvers.get(node.opType) : undefined;
      const made = resolve?.(node, work);
      if (typeof made === "string") refuse(node, made);
      // A node that only makes a sequence stays while an If or Loop may still read it.
      else if (made && made.length > 0) replace.set(node, made);
    }
    return withoutDead(replace.size === 0 ? graph : edited(graph, { replace, initializers }));
  },
};
