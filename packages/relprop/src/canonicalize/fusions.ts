/** Patterns that were found in a graph, each to become one node that has the pattern as its body. */

import type { Graph, Node } from "../onnx/graph.ts";
import { type Refuse, edited } from "./rewrite.ts";
import type { Pattern, Unquantized } from "./unquantized.ts";

/** What a pattern is. */
interface Meaning extends Pick<Node, "opType" | "domain" | "attributes"> {
  /** What it is called in messages. @default the operator */
  readonly what?: string;
  /** Inputs after the pattern's own. */
  readonly more?: readonly string[];
}

export class Fusions {
  readonly #graph: Graph;
  readonly #seen: Unquantized;
  readonly #refuse: Refuse;
  readonly #replace = new Map<Node, readonly Node[]>();

  /** @param seen where the patterns are looked for: `graph` without FakeQuantize */
  constructor(graph: Graph, seen: Unquantized, refuse: Refuse) {
    this.#graph = graph;
    this.#seen = seen;
    this.#refuse = refuse;
  }

  /**
   * Takes a pattern, unless a node of it belongs to another one, or it is used elsewhere within, which is told.
   * @returns whether it was taken
   */
  add(match: Pattern, { opType, domain, attributes, what = opType, more = [] }: Meaning): boolean {
    const found = this.#seen.restored(match);
    const { x, root, nodes } = found;
    if ([...nodes].some((node) => this.#replace.has(node))) return false;
    const leaking = this.#seen.leakOf(found);
    if (leaking) {
      this.#refuse(
        root,
        `it ends a ${what} spelled out, but "${leaking.name}" inside of it is used elsewhere`,
      );
      return false;
    }
    for (const node of nodes) this.#replace.set(node, []);
    const { name, outputs } = root;
    const body = this.#seen.bodyOf(found);
    this.#replace.set(root, [{ name, opType, domain, inputs: [x, ...more], outputs, attributes, body }]);
    return true;
  }

  /** The graph with one node in the place of each. */
  applied(): Graph {
    const replace = this.#replace;
    return replace.size === 0 ? this.#graph : edited(this.#graph, { replace });
  }
}
