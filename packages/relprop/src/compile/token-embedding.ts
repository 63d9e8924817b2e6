/** Finds where a text model turns token ids into vectors. Relevance stops there, since ids have no slope. */

import { constantNames } from "../canonicalize/rewrite.ts";
import { usesOf } from "../onnx/captures.ts";
import { numberAttribute, type Graph, type Node, type Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { numbersOf } from "../onnx/tensor.ts";
import { endsRelevance } from "../relevance/other-operators.ts";

/** A lookup of token vectors. */
export interface TokenEmbedding {
  /** The input with the ids, usually [N, T]. */
  readonly ids: string;
  /** The vectors of the tokens, [N, T, features]. */
  readonly vectors: string;
  /** Rows of the table. Ids are below it. */
  readonly rows: number;
}

/** Operators that keep ids unchanged. */
const keepsIds = new Set(["Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand"]);

/** The token embedding of a model of opset 17 that was not prepared; undefined where it has none. */
export function tokenEmbedding(graph: Graph, input?: string): TokenEmbedding | undefined {
  return vocabulary(lookupsOf(graph, inferGraph(graph)), input);
}

/**
 * The lookup with the most rows: the vocabulary, not positions or segments.
 * @param input the input of the ids. @default any input of integers
 */
export function vocabulary(lookups: readonly TokenEmbedding[], input?: string): TokenEmbedding | undefined {
  const asked = lookups.filter(({ ids }) => input === undefined || ids === input);
  // A table of positions may be longer than a small vocabulary.
  const named = asked.filter(({ ids }) => !/position|type_ids|segment/.test(ids));
  const fitting = named.length > 0 ? named : asked;
  const most = Math.max(...fitting.map(({ rows }) => rows));
  return fitting.find(({ rows }) => rows === most);
}

/**
 * All lookups of a constant table by an input of the model, unless only their sizes are read: `Gather(table, ids)`, and the product
 * of the table with [ids = 0, ids = 1, …] as numbers, which is what `jax.nn.one_hot` and `tf.one_hot` give.
 */
export function lookupsOf(graph: Graph, values: ReadonlyMap<string, Value>): TokenEmbedding[] {
  const whole = graph.inputs.filter(({ dataType }) => dataType.startsWith("int"));
  const names = new Set(whole.map(({ name }) => name));
  if (names.size === 0) return [];
  const constants = constantNames(graph);
  const { producer, consumers, isOutput } = usesOf(graph);
  const isRead = (name: string): boolean =>
    isOutput(name) || (consumers.get(name) ?? []).some((node) => !endsRelevance(node));
  const source = (name: string): string | undefined => {
    if (names.has(name)) return name;
    const node = producer.get(name);
    return node && keepsIds.has(node.opType) ? source(node.inputs[0] ?? "") : undefined;
  };
  const idsOf = (node: Node): { readonly table: string; readonly ids: string } | undefined => {
    const [first = "", second = ""] = node.inputs;
    if (isLookup(node)) return { table: first, ids: second };
    const one = isProduct(node) ? producer.get(first) : undefined;
    const equal = one?.opType === "Cast" ? producer.get(one.inputs[0] ?? "") : undefined;
    if (equal?.opType !== "Equal") return undefined;
    const rows = rowsOf(values.get(second));
    const ids = equal.inputs.find((_, i) => countsRows(values.get(equal.inputs[1 - i] ?? ""), rows));
    return ids === undefined ? undefined : { table: second, ids };
  };
  return graph.nodes.flatMap((node) => {
    const { table = "", ids: indices = "" } = idsOf(node) ?? {};
    const rows = constants.has(table) ? rowsOf(values.get(table)) : 0;
    const ids = rows > 0 ? source(indices) : undefined;
    return ids === undefined || !isRead(node.outputs[0] ?? "")
      ? []
      : [{ ids, vectors: node.outputs[0] ?? "", rows }];
  });
}

const isLookup = (node: Node): boolean =>
  node.opType === "Gather" && node.domain === "" && numberAttribute(node, "axis", 0) === 0;

const isProduct = (node: Node): boolean => node.opType === "MatMul" || node.opType === "Linear";

/** Whether a constant is 0, 1, …, rows − 1 along its last axis: what ids are compared with, one for each row. */
function countsRows(value: Value | undefined, rows: number): boolean {
  const { constant } = value ?? {};
  if (!constant || rows === 0 || constant.dims.at(-1) !== rows) return false;
  const numbers = Array.from(numbersOf(constant));
  return numbers.length === rows && numbers.every((number, i) => number === i);
}

/** Rows of a matrix of real numbers. */
function rowsOf(table: Value | undefined): number {
  const [rows] = table?.shape ?? [];
  const isMatrix = table?.shape.length === 2 && table.dataType.startsWith("float");
  return isMatrix && typeof rows === "number" ? rows : 0;
}
