/** The type of a rewrite, and the helpers that all rewrites look at a graph and edit it with. */

import { namesIn, readBy, usesOf } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Value, writtenAs } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { inPlaceOf } from "../onnx/owners.ts";

/** Why a rewrite that nearly applied was not done; `inspect` shows it. */
export interface Note {
  /** What was tried, in a word or two. */
  readonly rewrite: string;
  /** The node's name. */
  readonly node: string;
  /** The node's operator. */
  readonly operator: string;
  /** What kept it from being done, in a clause. */
  readonly why: string;
}

/** Records that a node stays as it is, and why. */
export type Refuse = (node: Node, why: string) => void;

/** A change of a graph that keeps the names of its outputs and, except for rounding, their values. */
export interface Rewrite {
  readonly name: string;
  /** What it replaces by what, in one line for users. */
  readonly about: string;
  /** The kind of nodes that it removes, apart from those that it keeps in the body of another node. */
  readonly removes: "constants" | "no-ops" | "merged nodes" | "control flow";
  /** Returns the same object if it changes nothing. `values` is what shape inference knows of `graph`. */
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph;
}

/** Whether a node is one of these operators of ai.onnx. */
export const isOnnx = (node: Node, ...opTypes: readonly string[]): boolean =>
  (node.domain === "" || node.domain === "ai.onnx") && opTypes.includes(node.opType);

/** A node that gives a value another name. */
export const identity = (from: string, to: string): Node => onnxNode("Identity", [from], [to]);

/** The values that the nodes in a file read which a node is written as: those of its body, if it has one. */
export const writtenInputs = (node: Node): readonly string[] =>
  writtenAs(node).flatMap(({ inputs }) => inputs);

const randomOperators = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/** Whether a node gives another number each time. */
export const isRandom = ({ opType }: Node): boolean => randomOperators.has(opType);

/**
 * Names of the values that no input of the graph can change: initializers, and values computed from them alone.
 * @param isKnown names of further values whose content is known
 */
export function constantNames(graph: Graph, isKnown: (name: string) => boolean = () => false): Set<string> {
  const constants = new Set(graph.initializers.keys());
  for (const node of graph.nodes) {
    const hidden = Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque");
    const isConstant = !hidden && !isRandom(node) && readBy(node).every((name) => constants.has(name));
    for (const output of node.outputs) {
      if (output !== "" && (isConstant || isKnown(output))) constants.add(output);
    }
  }
  return constants;
}

/** A change of a graph, see {@link edited}. */
export interface Edit {
  /** The nodes that replace a node, in topological order; none to remove it. */
  readonly replace?: ReadonlyMap<Node, readonly Node[]>;
  /** New names of values. */
  readonly rename?: ReadonlyMap<string, string>;
  /** Initializers to add. */
  readonly initializers?: ReadonlyMap<string, Tensor>;
}

/** The node with its values renamed, those of its body included. */
export function renamed(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  const all = [...readBy(node), ...node.outputs, ...(node.body ?? []).flatMap((inner) => inner.outputs)];
  if (!all.some((name) => names.has(name))) return node;
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.body && { body: node.body.map((inner) => renamed(inner, names)) }),
  };
}

/** The graph after an edit. Replacements must keep the outputs that other nodes use. */
export function edited(graph: Graph, { replace, rename, initializers }: Edit): Graph {
  let nodes = graph.nodes;
  if (replace?.size) nodes = nodes.flatMap((node) => inPlaceOf(node, replace.get(node) ?? [node]));
  if (rename?.size) nodes = nodes.map((node) => renamed(node, rename));
  const merged = initializers?.size ? new Map([...graph.initializers, ...initializers]) : graph.initializers;
  return { ...graph, nodes, initializers: merged };
}

/** The names that a graph uses. */
function namesOf(graph: Graph): Set<string> {
  const taken = new Set<string>(graph.initializers.keys());
  for (const { name } of [...graph.inputs, ...graph.outputs]) taken.add(name);
  for (const node of graph.nodes) for (const name of namesIn(node)) taken.add(name);
  return taken;
}

/** A function that returns names which are unused in the graph. They are collected when the first is asked for. */
export function namer(graph: Graph): (base: string) => string {
  let taken: Set<string> | undefined;
  /** The number to try next for each base: unrolled loops ask for the same name thousands of times. */
  const next = new Map<string, number>();
  return (base) => {
    taken ??= namesOf(graph);
    let name = base;
    let i = next.get(base) ?? 2;
    for (; taken.has(name); i++) name = `${base}_${i}`;
    next.set(base, i);
    taken.add(name);
    return name;
  };
}

/** The graph without nodes that no output needs, and without initializers that no node needs. */
export function withoutDead(graph: Graph): Graph {
  const { isOutput } = usesOf(graph);
  const needed = new Set<string>(graph.outputs.map((output) => output.name));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output) || isOutput(output))) continue;
    kept.push(node);
    for (const name of readBy(node)) needed.add(name);
  }
  // An initializer that is also an input is that input's default.
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const live = [...graph.initializers].filter(
    ([name]) => needed.has(name) || isOutput(name) || inputs.has(name),
  );
  if (kept.length === graph.nodes.length && live.length === graph.initializers.size) return graph;
  return { ...graph, nodes: kept.toReversed(), initializers: new Map(live) };
}
