/**
 * A view of a graph without its FakeQuantize nodes, in which a quantized network has the patterns that it had before it
 * was quantized. A pattern found in the view is mapped back to the graph, so the body of the new node keeps the rounding.
 */

import { readBy, usesOf } from "../onnx/captures.ts";
import type { Graph, Node, Uses } from "../onnx/graph.ts";
import { isOnnx, renamed } from "./rewrite.ts";

/** Nodes that compute one value from x and from constants. */
export interface Pattern {
  readonly x: string;
  /** The node that computes the result. */
  readonly root: Node;
  readonly nodes: ReadonlySet<Node>;
}

/** Whether a node rounds its input to whole steps, and does nothing else: FakeQuantize, or one whose scale a run finds. */
export const isRounding = ({ opType, domain }: Node): boolean =>
  (opType === "FakeQuantize" || opType === "DynamicFakeQuantize") && domain === "relprop";

const makesWholeNumbers = (node: Node): boolean => isOnnx(node, "QuantizeLinear", "DynamicQuantizeLinear");

/** A graph without FakeQuantize, and the way back. */
export class Unquantized {
  /** The graph without FakeQuantize. */
  readonly graph: Graph;
  /** Producers and consumers in `graph`. */
  readonly uses: Uses;
  /** Producers and consumers in the graph with FakeQuantize. */
  readonly #uses: Uses;
  readonly #nodes: readonly Node[];
  readonly #originals = new Map<Node, Node>();
  /** Names of values before rounding, by their names after it. */
  readonly #raw = new Map<string, string>();

  constructor(graph: Graph) {
    this.#nodes = graph.nodes;
    this.#uses = usesOf(graph);
    const nodes: Node[] = [];
    for (const node of graph.nodes) {
      const [x = ""] = node.inputs;
      if (isRounding(node)) {
        for (const output of node.outputs) this.#raw.set(output, this.rawOf(x));
        continue;
      }
      const seen = renamed(node, this.#raw);
      this.#originals.set(seen, node);
      nodes.push(seen);
    }
    this.graph = nodes.length === graph.nodes.length ? graph : { ...graph, nodes };
    this.uses = this.graph === graph ? this.#uses : usesOf(this.graph);
  }

  /** The name of a value before it is rounded. */
  rawOf = (name: string): string => this.#raw.get(name) ?? name;

  /** The nodes that use a value, rounded or not. */
  usersOf(name: string): Node[] {
    const users = this.#uses.consumers.get(name) ?? [];
    return users.flatMap((user) => (isRounding(user) ? this.usersOf(user.outputs[0] ?? "") : [user]));
  }

  /**
   * Maps a pattern of the view back to the graph, adding the FakeQuantize nodes inside of it. The result starts from a
   * rounded x if all its nodes read x with that rounding, else from x itself.
   */
  restored({ x, root, nodes }: Pattern): Pattern {
    const original = (node: Node): Node => this.#originals.get(node) ?? node;
    const parts = new Set([...nodes].map(original));
    const found = new Set<Node>();
    const entries = new Set<string>();
    const visit = (node: Node): void => {
      found.add(node);
      for (const name of node.inputs) {
        const raw = this.rawOf(name);
        const maker = this.#uses.producer.get(raw);
        if (raw === x) entries.add(name);
        if (raw === x || !maker || !parts.has(maker)) continue;
        for (const rounding of this.#roundingsOf(name)) found.add(rounding);
        if (!found.has(maker)) visit(maker);
      }
    };
    visit(original(root));
    // Roundings of x that all readers share stay outside of the pattern.
    const [first = [], ...others] = [...entries].map((name) => this.#roundingsOf(name));
    const split = first.findIndex((node, i) => others.some((rounding) => rounding[i] !== node));
    const shared = split === -1 ? first.length : split;
    for (const rounding of [first, ...others]) for (const node of rounding.slice(shared)) found.add(node);
    const start = first[shared - 1]?.outputs[0] ?? x;
    return { x: start, root: original(root), nodes: found };
  }

  /** The FakeQuantize nodes that a value has just passed through, in order. */
  #roundingsOf(name: string): Node[] {
    const node = this.#raw.has(name) ? this.#uses.producer.get(name) : undefined;
    return node ? [...this.#roundingsOf(node.inputs[0] ?? ""), node] : [];
  }

  /** An inner node of a pattern whose output is used outside of it, and not only to make whole numbers; or undefined. */
  leakOf({ root, nodes }: Pattern): Node | undefined {
    const { isOutput, consumers } = this.#uses;
    const leaks = (name: string): boolean =>
      isOutput(name) ||
      (consumers.get(name) ?? []).some((user) => !nodes.has(user) && !makesWholeNumbers(user));
    return [...nodes].find((node) => node !== root && node.outputs.some(leaks));
  }

  /**
   * The pattern without what the model makes whole numbers of, beside the real ones that the pattern is found in: that stays
   * in the graph.
   */
  withoutShared(pattern: Pattern): Pattern {
    const { root, nodes } = pattern;
    const kept = new Set<Node>();
    const keep = (node: Node): void => {
      kept.add(node);
      for (const name of readBy(node)) {
        const maker = this.#uses.producer.get(name);
        if (maker && nodes.has(maker) && !kept.has(maker)) keep(maker);
      }
    };
    for (const node of nodes) {
      const isShared = node.outputs.some((name) => this.#uses.consumers.get(name)?.some(makesWholeNumbers));
      if (node !== root && isShared) keep(node);
    }
    if (kept.size === 0) return pattern;
    return { ...pattern, nodes: new Set([...nodes].filter((node) => !kept.has(node))) };
  }

  /** The nodes of a pattern in topological order, as the body of the node that replaces them. */
  bodyOf({ nodes }: Pattern): Node[] {
    return this.#nodes.filter((node) => nodes.has(node)).flatMap((node) => node.body ?? [node]);
  }
}
