/** What all rewrites share: their type, who uses what, and the one way in which they change a graph. */

import { capturedNames, namesIn } from "../onnx/captures.ts";
import { type Graph, type Node, type Tensor, type Uses, type Value } from "../onnx/graph.ts";
import { inPlaceOf } from "../onnx/owners.ts";

/** A rewrite that was not done although it nearly applied, and why: shown by `inspect`. */
export interface Note {
  readonly rewrite: string;
  /** The node's name. */
  readonly node: string;
  readonly operator: string;
  readonly why: string;
}

/** Records that a node stays as it is, and why. */
export type Refuse = (node: Node, why: string) => void;

/** A change of the graph that keeps its outputs: their names, and their values but for rounding. */
export interface Rewrite {
  readonly name: string;
  /** What it looks for and what it makes of it, in one line for people. */
  readonly about: string;
  /** What the nodes were that are gone afterwards; those in the body of another node are not gone. */
  readonly takesAway: "constants" | "what does nothing" | "what a neighbour does" | "what wraps others";
  /** Gives the same object if nothing is left to do. `values` is what shape inference knows of `graph`. */
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph;
}

export const isOnnx = (node: Node, ...opTypes: readonly string[]): boolean =>
  (node.domain === "" || node.domain === "ai.onnx") && opTypes.includes(node.opType);

/** Everything a node needs: its inputs, and what its body takes from outside (constants that the pattern swallowed). */
export function neededBy(node: Node): readonly string[] {
  if (!node.body) return node.inputs;
  const made = new Set(node.body.flatMap((inner) => inner.outputs));
  const taken = node.body.flatMap(neededBy).filter((name) => !made.has(name));
  return [...node.inputs, ...taken];
}

/** As `usesOf`, counting bodies; what subgraphs capture counts as output, since it must keep its name. */
export function allUses(graph: Graph): Uses {
  const producer = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== "") producer.set(output, node);
    for (const name of new Set(neededBy(node))) {
      if (name === "") continue;
      const list = consumers.get(name);
      if (list) list.push(node);
      else consumers.set(name, [node]);
    }
  }
  const pinned = capturedNames(graph);
  for (const output of graph.outputs) pinned.add(output.name);
  return { producer, consumers, isOutput: (value) => pinned.has(value) };
}

const randomOperators = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Bernoulli",
  "Multinomial",
]);

/**
 * Names of the values that no input of the graph can change: initializers, and what is computed from them alone.
 * @param isKnown names of further values whose content is known
 */
export function constantNames(graph: Graph, isKnown: (name: string) => boolean = () => false): Set<string> {
  const constants = new Set(graph.initializers.keys());
  for (const node of graph.nodes) {
    const hidden = Object.values(node.attributes).some(({ type }) => type === "graph" || type === "opaque");
    const isConstant =
      !hidden &&
      !randomOperators.has(node.opType) &&
      neededBy(node).every((name) => name === "" || constants.has(name));
    for (const output of node.outputs) {
      if (output !== "" && (isConstant || isKnown(output))) constants.add(output);
    }
  }
  return constants;
}

export interface Edit {
  /** What stands in a node's place: nothing, another node, several. */
  readonly replace?: ReadonlyMap<Node, readonly Node[]>;
  /** Values to call by another name, wherever they are used and made. */
  readonly rename?: ReadonlyMap<string, string>;
  readonly initializers?: ReadonlyMap<string, Tensor>;
}

/** A node whose values go by other names. */
export function renamed(node: Node, names: ReadonlyMap<string, string>): Node {
  const rename = (name: string): string => names.get(name) ?? name;
  const all = [...neededBy(node), ...node.outputs, ...(node.body ?? []).flatMap((inner) => inner.outputs)];
  if (!all.some((name) => names.has(name))) return node;
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    ...(node.body && { body: node.body.map((inner) => renamed(inner, names)) }),
  };
}

/** The graph after an edit. Replacements must come in topological order and keep the outputs that are used. */
export function edited(graph: Graph, { replace, rename, initializers }: Edit): Graph {
  let nodes = graph.nodes;
  if (replace?.size) nodes = nodes.flatMap((node) => inPlaceOf(node, replace.get(node) ?? [node]));
  if (rename?.size) nodes = nodes.map((node) => renamed(node, rename));
  const merged = initializers?.size ? new Map([...graph.initializers, ...initializers]) : graph.initializers;
  return { ...graph, nodes, initializers: merged };
}

/** Gives names that nothing in the graph has yet. */
export function namer(graph: Graph): (base: string) => string {
  const taken = new Set<string>(graph.initializers.keys());
  for (const { name } of [...graph.inputs, ...graph.outputs]) taken.add(name);
  for (const node of graph.nodes) for (const name of namesIn(node)) taken.add(name);
  /** Where the search for a number ended: unrolled loops ask for the same name thousands of times. */
  const next = new Map<string, number>();
  return (base) => {
    let name = base;
    let i = next.get(base) ?? 2;
    for (; taken.has(name); i++) name = `${base}_${i}`;
    next.set(base, i);
    taken.add(name);
    return name;
  };
}

/** Without nodes that no output needs, and without initializers that no node needs. */
export function withoutDead(graph: Graph): Graph {
  const { isOutput } = allUses(graph);
  const needed = new Set<string>(graph.outputs.map((output) => output.name));
  const kept: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output) || isOutput(output))) continue;
    kept.push(node);
    for (const name of neededBy(node)) needed.add(name);
  }
  // An initializer that is also an input is that input's default.
  const inputs = new Set(graph.inputs.map((input) => input.name));
  const live = [...graph.initializers].filter(
    ([name]) => needed.has(name) || isOutput(name) || inputs.has(name),
  );
  if (kept.length === graph.nodes.length && live.length === graph.initializers.size) return graph;
  return { ...graph, nodes: kept.toReversed(), initializers: new Map(live) };
}
