/**
 * Caches of language models: keys and values of earlier tokens come in (`past_key_values.0.key`, `past_0`), and longer ones
 * go out (`present.0.key`). A text that is read whole needs none: its caches are empty.
 */

import { ModelFileError } from "../errors.ts";
import {
  numberAttribute,
  usesOf,
  type Dim,
  type Graph,
  type Model,
  type Node,
  type Value,
} from "../onnx/graph.ts";
import { wrapped } from "../onnx/axis.ts";
import { convertOpset } from "../onnx/convert-opset.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { isFloat, tensorFrom } from "../onnx/tensor.ts";

/** Whether an input holds keys or values of earlier tokens, by the names that all exporters give them. */
export const isCache = ({ name, dataType }: Pick<Value, "name" | "dataType">): boolean =>
  /^past([._]|$)/.test(name) && isFloat(dataType);

/** The input that chooses between the graph for a whole text and the one for a cache, in Optimum's merged decoders. */
const cacheBranch = "use_cache_branch";

/** The model as it reads a whole text: a merged decoder takes the branch that needs no cache. */
export function promptModel(model: Model): { readonly model: Model; readonly isMerged: boolean } {
  const { graph } = model;
  const chooses = graph.inputs.find(({ name, dataType }) => name === cacheBranch && dataType === "bool");
  const no = chooses && tensorFrom("bool", [0], chooses.shape.length === 0 ? [] : [1]);
  if (!no) return { model, isMerged: false };
  const inputs = graph.inputs.filter((input) => input !== chooses);
  const initializers = new Map([...graph.initializers, [cacheBranch, no]]);
  return { model: { ...model, graph: { ...graph, inputs, initializers } }, isMerged: true };
}

/**
 * The sizes of a model's caches when they are empty, for one text.
 * @param ids name of the input with token ids, whose first axis is the batch
 * @throws ModelFileError if a cache has no open length, or other sizes of it are unknown
 */
export function emptyCaches(model: Model, ids: string): ReadonlyMap<string, readonly number[]> {
  if (!model.graph.inputs.some(isCache)) return new Map();
  const { graph } = convertOpset(model);
  const values = inferGraph(graph);
  const batch = graph.inputs.find(({ name }) => name === ids)?.shape[0];
  return new Map(
    graph.inputs.filter(isCache).map((input) => [input.name, emptySizes(graph, values, input, batch)]),
  );
}

function emptySizes(
  graph: Graph,
  values: ReadonlyMap<string, Value>,
  { name, shape }: Value,
  batch: Dim | undefined,
): number[] {
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
  const isBatch = (dim: Dim, axis: number): boolean =>
    typeof dim === "string" &&
    (batch === undefined || typeof batch === "number" ? axis === 0 : dim === batch);
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
