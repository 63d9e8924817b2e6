/**
 * Caches of language models: keys and values of earlier tokens come in (`past_key_values.0.key`, `past_0`), and longer ones
 * go out (`present.0.key`). A text that is read whole needs none: its caches are empty.
 */

import { ModelFileError } from "../errors.ts";
import {
  int,
  type Tensor,
  numberAttribute,
  type Dim,
  type Graph,
  type Model,
  type Node,
  type Value,
} from "../onnx/graph.ts";
import { wrapped } from "../onnx/axis.ts";
import { usesOf } from "../onnx/captures.ts";
import { convertOpset } from "../onnx/convert-opset.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { int64Tensor, isFloat, tensorFrom } from "../onnx/tensor.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { tokenEmbedding } from "./token-embedding.ts";

/** Whether an input holds keys or values of earlier tokens, by the names that all exporters give them. */
export const isCache = ({ name, dataType }: Pick<Value, "name" | "dataType">): boolean =>
  /^past([._]|$)/.test(name) && isFloat(dataType);

/** The input that chooses between the graph for a whole text and the one for a cache, in Optimum's merged decoders. */
const cacheBranch = "use_cache_branch";

const isChoice = ({ name, dataType }: Value): boolean => name === cacheBranch && dataType === "bool";

/** A model as it reads whole texts. */
export interface PromptModel {
  readonly model: Model;
  /** Whether it had caches, or a branch for them. */
  readonly hadCache: boolean;
}

/**
 * The model with empty caches, which are no inputs any more, in opset 17; a merged decoder takes the branch without them.
 * @param input name of the input with token ids. @default the one that is looked up in the largest table
 * @throws ModelFileError if a cache has no open length, or other sizes of it are unknown
 */
export function promptModel(given: Model, input?: string): PromptModel {
  const left = given.graph.inputs.filter((each) => !isCache(each) && !isChoice(each));
  if (left.length === given.graph.inputs.length) return { model: given, hadCache: false };
  const model = convertOpset(given);
  const { graph } = model;
  const ids = tokenEmbedding(graph, input)?.ids;
  const caches = ids === undefined ? [] : graph.inputs.filter(isCache);
  const values = caches.length > 0 ? inferGraph(graph) : new Map<string, Value>();
  const batch = graph.inputs.find(({ name }) => name === ids)?.shape[0];
  const empty = caches.map((cache) => emptyNodes(cache, emptySizes(graph, values, cache, batch), ids ?? ""));
  const isEmpty = new Set(caches.map(({ name }) => name));
  const initializers = new Map([...graph.initializers, ...empty.flatMap(({ constants }) => constants)]);
  for (const { name, shape } of graph.inputs.filter(isChoice)) {
    const no = tensorFrom("bool", [0], shape.length === 0 ? [] : [1]);
    if (no) initializers.set(name, no);
  }
  const nodes = [
    ...empty.flatMap((each) => each.nodes),
    ...graph.nodes.map((node) => withoutEmpty(node, isEmpty)),
  ];
  return { model: { ...model, graph: { ...graph, inputs: left, nodes, initializers } }, hadCache: true };
}

/** What joins an empty cache with something leaves that as it is. */
function withoutEmpty(node: Node, isEmpty: ReadonlySet<string>): Node {
  if (node.opType !== "Concat" || node.domain !== "" || !node.inputs.some((name) => isEmpty.has(name)))
    return node;
  const inputs = node.inputs.filter((name) => !isEmpty.has(name));
  return inputs.length === 1 ? { ...node, opType: "Identity", inputs, attributes: {} } : { ...node, inputs };
}

/** Writes an empty cache as zeros of its sizes, for as many texts as there are. */
function emptyNodes(
  { name, dataType }: Value,
  sizes: readonly (number | "batch")[],
  ids: string,
): { readonly nodes: readonly Node[]; readonly constants: readonly (readonly [string, Tensor])[] } {
  const named = (what: string): string => `${name}_empty_${what}`;
  const parts = sizes.map((size, axis) => (size === "batch" ? named("batch") : named(`size${axis}`)));
  const constants = sizes.flatMap((size, axis) =>
    size === "batch" ? [] : [[named(`size${axis}`), int64Tensor([size])] as const],
  );
  const zero = tensorFrom(dataType, [0], [1]);
  const value = zero && { value: { type: "tensor", value: zero } as const };
  const nodes = [
    onnxNode("Shape", [ids], [named("batch")], { start: int(0), end: int(1) }, named("batch")),
    onnxNode("Concat", parts, [named("shape")], { axis: int(0) }, named("shape")),
    onnxNode("ConstantOfShape", [named("shape")], [name], value ?? {}, name),
  ];
  return { nodes, constants };
}

function emptySizes(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  { name, shape }: Value,
  batch: Dim | undefined,
): (number | "batch")[] {
  const join = usesOf(graph)
    .consumers.get(name)
    ?.find((node) => node.opType === "Concat" && node.domain === "");
  const length = join && wrapped(numberAttribute(join, "axis", 0), shape.length);
  const refuse = (why: string, fix: string): ModelFileError =>
    new ModelFileError({
      what: "cannot leave the cache of earlier tokens empty",
      where: `input "${name}" [${shape.join(", ")}]`,
      why,
      fix,
    });
  // Exporters name the batch of a cache as that of the ids, or not at all; then it is the first axis.
  const isNamed = typeof batch === "string" && shape.includes(batch);
  const isBatch = (dim: Dim, axis: number): boolean => (isNamed ? dim === batch : axis === 0);
  const sizes = shape.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    if (axis === length) return 0;
    return isBatch(dim, axis) ? 1 : join && besideIt(join, values, name, axis);
  });
  // An open size that nothing else tells is the length.
  const open = sizes.flatMap((size, axis) => (size === undefined ? [axis] : []));
  if (open.length > 1 || (open.length === 1 && sizes.includes(0)))
    throw refuse(
      `its sizes ${open.map((axis) => shape[axis]).join(" and ")} are open`,
      "export the model with fixed sizes of heads, or without its cache (use_cache=False)",
    );
  const found = sizes.map((size) => size ?? 0);
  if (found.includes(0)) return found;
  throw refuse(
    "it always has the same length",
    "export the model with an open length of its cache (dynamic axes)",
  );
}

/** The size of an axis of what a cache is joined with. */
function besideIt(
  join: Node,
  values: ReadonlyMap<string, Value>,
  name: string,
  axis: number,
): number | undefined {
  const sizes = join.inputs.flatMap((input) => (input === name ? [] : [values.get(input)?.shape[axis]]));
  return sizes.find((size) => typeof size === "number");
}
