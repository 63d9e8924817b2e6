/**
 * Finds where a model turns ids (of tokens, of categories) into vectors. Relevance stops there, since ids
 * have no slope:
 *
 *     Gather(table, ids)                       token embeddings
 *     OneHot(ids)                              categories one by one
 *     Cast(Equal(ids, [0, 1, 2 …]))            the same, spelled out
 *     MatMul(Cast(Equal(ids, [0, 1 …])), table) token embeddings of JAX and TensorFlow
 */

import { constantNames } from "../canonicalize/rewrite.ts";
import { readBy, usesOf } from "../onnx/captures.ts";
import { numberAttribute, type Graph, type Node, type Uses, type Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { isFloat, numbersOf } from "../onnx/tensor.ts";
import { endsRelevance } from "../relevance/other-operators.ts";

/** A lookup of vectors. */
export interface TokenEmbedding {
  /** The input with the ids, usually [N, T]. */
  readonly ids: string;
  /** The vectors of the tokens, [N, T, features]; or a number for each, [N, T]. */
  readonly vectors: string;
  /** Axes of features, the last ones: 1 or 0. */
  readonly features: number;
  /** Rows of the table. Ids are below it. */
  readonly rows: number;
  /** The ids as they are looked up. */
  readonly indices: string;
  /** The nodes that move ids on their way to the lookup, first one first. */
  readonly moves: readonly Node[];
}

/** Operators that keep each id at its place: they count them from elsewhere, or give them other names. */
const keepsPlaces = new Set(
  "Abs Add And Cast Clip Div Equal Greater GreaterOrEqual Identity Less LessOrEqual Max Min Mod Mul Neg Not Or Sub Where".split(
    " ",
  ),
);
/** Operators whose first input moves, and whose others say how. */
const moves = new Set("Expand Flatten Gather Reshape Slice Split Squeeze Transpose Unsqueeze".split(" "));

/** The token embedding of a model of opset 17 that was not prepared; undefined where it has none. */
export function tokenEmbedding(graph: Graph, input?: string): TokenEmbedding | undefined {
  return vocabulary(lookupsOf(graph, inferGraph(graph)), input);
}

/** Names of what is no vocabulary. A table of positions may be longer than a small vocabulary. */
export const countsPlaces = (name: string): boolean => /position|type_ids|segment/.test(name);

/**
 * The lookup with the most rows: the vocabulary, not positions or segments.
 * @param input the input of the ids. @default any input of integers
 */
export function vocabulary(lookups: readonly TokenEmbedding[], input?: string): TokenEmbedding | undefined {
  const asked = lookups.filter(({ ids }) => input === undefined || ids === input);
  const named = asked.filter(({ ids }) => !countsPlaces(ids));
  const fitting = named.length > 0 ? named : asked;
  const most = Math.max(...fitting.map(({ rows }) => rows));
  return fitting.find(({ rows }) => rows === most);
}

/** All lookups by an input of the model, unless only their sizes are read. */
export function lookupsOf(graph: Graph, values: ReadonlyMap<string, Value>): TokenEmbedding[] {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  if (!graph.nodes.some((node) => isLookup(node))) return [];
  const sources = new Sources(graph, inputs);
  const uses = usesOf(graph);
  const all = graph.nodes.flatMap((node) => {
    const found = isLookup(node) ? lookup(node, sources, values) : undefined;
    return found ? [{ node, found }] : [];
  });
  const parts = new Set(all.map(({ found: { equal } }) => equal));
  return all.flatMap(({ node, found: { equal: _equal, ...found } }): TokenEmbedding[] => {
    if (parts.has(node)) return [];
    const source = sources.of(found.indices);
    const vectors = floatsOf(node.outputs[0] ?? "", uses, values);
    if (!source || vectors === undefined || !isRead(uses, vectors)) return [];
    return [{ ...found, ...source, vectors }];
  });
}

const isRead = ({ isOutput, consumers }: Uses, name: string): boolean =>
  isOutput(name) || (consumers.get(name) ?? []).some((node) => !endsRelevance(node));

/** The first tensor of real numbers from a value on, which only casts make of it. */
function floatsOf(name: string, uses: Uses, values: ReadonlyMap<string, Value>): string | undefined {
  const dataType = values.get(name)?.dataType;
  if (dataType === undefined || isFloat(dataType)) return dataType && name;
  const [user, ...others] = uses.consumers.get(name) ?? [];
  const isCast = user?.opType === "Cast" && user.domain === "" && others.length === 0;
  return isCast ? floatsOf(user.outputs[0] ?? "", uses, values) : undefined;
}

interface Found extends Pick<TokenEmbedding, "features" | "rows" | "indices"> {
  /** The comparison that it is made of, and that is no lookup then. */
  readonly equal?: Node;
}

const lookups: Readonly<
  Record<string, (node: Node, sources: Sources, values: ReadonlyMap<string, Value>) => Found | undefined>
> = {
  Gather(node, { constants }, values) {
    const [table = "", indices = ""] = node.inputs;
    const { shape = [], dataType = "int64" } = values.get(table) ?? {};
    const [rows] = shape;
    const isTable = constants.has(table) && numberAttribute(node, "axis", 0) === 0 && isFloat(dataType);
    if (!isTable || typeof rows !== "number" || shape.length > 2) return undefined;
    return { indices, rows, features: shape.length - 1 };
  },
  OneHot(node, _sources, values) {
    const [indices = ""] = node.inputs;
    const { shape = [] } = values.get(node.outputs[0] ?? "") ?? {};
    const axis = numberAttribute(node, "axis", -1);
    const rows = shape.at(-1);
    if (typeof rows !== "number" || (axis !== -1 && axis !== shape.length - 1)) return undefined;
    return { indices, rows, features: 1 };
  },
  /** With a list of categories along an axis that the ids have not. */
  Equal({ inputs, outputs: [output = ""] }, { constants }, values) {
    const [indices = "", ...computed] = inputs.filter((name) => !constants.has(name));
    const rows = values.get(output)?.shape.at(-1);
    const isOwnAxis = values.get(indices)?.shape.at(-1) === 1;
    if (computed.length > 0 || !isOwnAxis || typeof rows !== "number" || rows < 2) return undefined;
    return { indices, rows, features: 1 };
  },
  MatMul: product,
  Linear: product,
};

/** The rows of a matrix that ids, compared with 0, 1, …, pick. */
function product(
  { inputs: [picked = "", table = ""] }: Node,
  { constants, producer }: Sources,
  values: ReadonlyMap<string, Value>,
): Found | undefined {
  const cast = producer.get(picked);
  const equal = cast?.opType === "Cast" ? producer.get(cast.inputs[0] ?? "") : undefined;
  if (equal?.opType !== "Equal" || !constants.has(table)) return undefined;
  const { shape = [] } = values.get(table) ?? {};
  const [rows] = shape;
  if (typeof rows !== "number" || shape.length !== 2) return undefined;
  const indices = equal.inputs.find((_, i) => countsUp(values.get(equal.inputs[1 - i] ?? ""), rows));
  if (indices === undefined) return undefined;
  // TensorFlow repeats each id for all rows before it compares.
  const spread = producer.get(indices);
  const given = spread?.opType === "Expand" ? (spread.inputs[0] ?? "") : indices;
  if (values.get(given)?.shape.at(-1) !== 1) return undefined;
  return { indices: given, rows, features: 1, equal };
}

/** Whether a constant is 0, 1, …, rows − 1 along its last axis. */
function countsUp(value: Value | undefined, rows: number): boolean {
  const { constant } = value ?? {};
  if (!constant || constant.dims.at(-1) !== rows) return false;
  const numbers = Array.from(numbersOf(constant));
  return numbers.length === rows && numbers.every((number, i) => number === i);
}

const isLookup = ({ opType, domain }: Node): boolean =>
  (domain === "" || domain === "relprop") && Object.hasOwn(lookups, opType);

function lookup(node: Node, sources: Sources, values: ReadonlyMap<string, Value>): Found | undefined {
  return lookups[node.opType]?.(node, sources, values);
}

interface Source {
  readonly ids: string;
  readonly moves: readonly Node[];
}

/** Where the ids of a graph come from. */
class Sources {
  readonly constants: ReadonlySet<string>;
  readonly #inputs: ReadonlySet<string>;
  readonly producer: Uses["producer"];
  readonly #known = new Map<string, Source | undefined>();

  constructor(graph: Graph, inputs: ReadonlySet<string>) {
    this.constants = constantNames(graph);
    this.#inputs = inputs;
    this.producer = usesOf(graph).producer;
  }

  /** The input whose numbers, or texts, a value has at their places, or at others; undefined if it is made in another way. */
  of(name: string): Source | undefined {
    if (!this.#known.has(name)) {
      this.#known.set(name, undefined);
      this.#known.set(name, this.#found(name));
    }
    return this.#known.get(name);
  }

  #found(name: string): Source | undefined {
    if (this.#inputs.has(name)) return { ids: name, moves: [] };
    const node = this.producer.get(name);
    if (!node || node.domain !== "") return undefined;
    if (moves.has(node.opType)) {
      const before = this.of(node.inputs[0] ?? "");
      return before && { ...before, moves: [...before.moves, node] };
    }
    if (!keepsPlaces.has(node.opType)) return undefined;
    const [first, ...others] = readBy(node)
      .filter((input) => input !== "" && !this.constants.has(input))
      .map((input) => this.of(input));
    const isOne = others.every(
      (other) =>
        other?.ids === first?.ids &&
        other?.moves.length === first?.moves.length &&
        other?.moves.every((move, i) => move === first?.moves[i]),
    );
    return isOne ? first : undefined;
  }
}
