/**
 * A graph as it reads without its FakeQuantize nodes: a GELU whose inner values are rounded is a GELU, and a network
 * has the patterns in QDQ form that it had before it was quantized. What is found is taken back into the graph itself,
 * where the body of the new node rounds as ever.
 */

import type { Graph, Node, Uses } from "../onnx/graph.ts";
import { allUses, renamed } from "./rewrite.ts";

/** Nodes that compute one value from another, and from constants. */
export interface Pattern {
  readonly x: string;
  /** The node that gives the result. */
  readonly root: Node;
  readonly nodes: ReadonlySet<Node>;
}

const isFakeQuantize = ({ opType, domain }: Node): boolean =>
  opType === "FakeQuantize" && domain === "relprop";

export class Unquantized {
  /** The graph without FakeQuantize. */
  readonly graph: Graph;
  readonly uses: Uses;
  /** Of the graph with FakeQuantize. */
  readonly #uses: Uses;
  readonly #nodes: readonly Node[];
  readonly #originals = new Map<Node, Node>();
  /** What rounded values were before they were rounded. */
  readonly #raw = new Map<string, string>();

  constructor(graph: Graph) {
    this.#nodes = graph.nodes;
    this.#uses = allUses(graph);
    const nodes: Node[] = [];
    for (const node of graph.nodes) {
      const [x = ""] = node.inputs;
      if (isFakeQuantize(node)) {
        for (const output of node.outputs) this.#raw.set(output, this.rawOf(x));
        continue;
      }
      const seen = renamed(node, this.#raw);
      this.#originals.set(seen, node);
      nodes.push(seen);
    }
    this.graph = nodes.length === graph.nodes.length ? graph : { ...graph, nodes };
    this.uses = this.graph === graph ? this.#uses : allUses(this.graph);
  }

  /** What a value is before it is rounded. */
  rawOf = (name: string): string => this.#raw.get(name) ?? name;

  /** The nodes of the graph that use a value, rounded or not. */
  usersOf(name: string): Node[] {
    const users = this.#uses.consumers.get(name) ?? [];
    return users.flatMap((user) => (isFakeQuantize(user) ? this.usersOf(user.outputs[0] ?? "") : [user]));
  }

  /**
   * A pattern that was found here as it is in the graph itself, with what is rounded inside of it. It starts from a
   * rounded x if it takes x only so rounded, else from x itself.
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
    // It starts where the roundings of x part that it takes.
    const [first = [], ...others] = [...entries].map((name) => this.#roundingsOf(name));
    const apart = first.findIndex((node, i) => others.some((rounding) => rounding[i] !== node));
    const shared = apart === -1 ? first.length : apart;
    for (const rounding of [first, ...others]) for (const node of rounding.slice(shared)) found.add(node);
    const start = first[shared - 1]?.outputs[0] ?? x;
    return { x: start, root: original(root), nodes: found };
  }

  /** The FakeQuantize nodes that a value has come through last. */
  #roundingsOf(name: string): Node[] {
    const node = this.#raw.has(name) ? this.#uses.producer.get(name) : undefined;
    return node ? [...this.#roundingsOf(node.inputs[0] ?? ""), node] : [];
  }

  /** A node of a pattern whose output somebody else needs too, or undefined. */
  leakOf({ root, nodes }: Pattern): Node | undefined {
    const { isOutput, consumers } = this.#uses;
    const leaks = (name: string): boolean =>
      isOutput(name) || (consumers.get(name) ?? []).some((user) => !nodes.has(user));
    return [...nodes].find((node) => node !== root && node.outputs.some(leaks));
  }

  /** The nodes of a pattern in their order, as the body of the node that stands for them. */
  bodyOf({ nodes }: Pattern): Node[] {
    return this.#nodes.filter((node) => nodes.has(node)).flatMap((node) => node.body ?? [node]);
  }
}
