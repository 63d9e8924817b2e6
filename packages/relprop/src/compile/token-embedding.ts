/** Where a text model turns token ids into vectors: the place where relevance can stop, since an id has no size. */

import { constantNames } from "../canonicalize/rewrite.ts";
import { numberAttribute, usesOf, type Graph, type Node, type Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";

/** Where a text model turns token ids into vectors. */
export interface TokenEmbedding {
  /** The input of the model that holds the ids, [N, T] mostly. */
  readonly ids: string;
  /** The vectors of the tokens, [N, T, features]. */
  readonly vectors: string;
  /** Rows of the table: ids are below it. */
  readonly rows: number;
}

/** Operators that leave ids what they are. */
const keepsIds = new Set(["Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/**
 * The lookup `Gather(table, ids)` of a constant table by ids that are an input of the model. Of several (words,
 * positions, segments) the one with the most rows, which is the vocabulary.
 * @param input the input that the ids must come from. @default any that holds whole numbers
 */
export function tokenEmbedding(graph: Graph, input?: string): TokenEmbedding | undefined {
  const whole = graph.inputs.filter(({ dataType }) => dataType.startsWith("int"));
  const names = new Set(
    whole.map(({ name }) => name).filter((name) => input === undefined || name === input),
  );
  if (names.size === 0) return undefined;
  const constants = constantNames(graph);
  const values = inferGraph(graph);
  const { producer } = usesOf(graph);
  const source = (name: string): string | undefined => {
    if (names.has(name)) return name;
    const node = producer.get(name);
    return node && keepsIds.has(node.opType) ? source(node.inputs[0] ?? "") : undefined;
  };
  let best: TokenEmbedding | undefined;
  for (const node of graph.nodes) {
    const [table = "", indices = ""] = node.inputs;
    const rows = constants.has(table) && isLookup(node) ? rowsOf(values.get(table)) : 0;
    const ids = rows > (best?.rows ?? 0) ? source(indices) : undefined;
    if (ids !== undefined) best = { ids, vectors: node.outputs[0] as string, rows };
  }
  return best;
}

const isLookup = (node: Node): boolean =>
  node.opType === "Gather" && node.domain === "" && numberAttribute(node, "axis", 0) === 0;

/** Rows of a matrix of real numbers. */
function rowsOf(table: Value | undefined): number {
  const [rows] = table?.shape ?? [];
  const isMatrix = table?.shape.length === 2 && table.dataType.startsWith("float");
  return isMatrix && typeof rows === "number" ? rows : 0;
}
