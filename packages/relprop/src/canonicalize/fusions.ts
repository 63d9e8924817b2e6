/** Replaces patterns of nodes by one node each, which has the pattern as its body. */

import type { Graph, Node } from "../onnx/graph.ts";
import { type Refuse, edited } from "./rewrite.ts";
import type { Pattern, Unquantized } from "./unquantized.ts";

/** The node that replaces a pattern. */
interface Replacement extends Pick<Node, "opType" | "domain" | "attributes"> {
  /** What messages call it. @default the operator */
  readonly label?: string;
  /** Inputs after the pattern's x. */
  readonly parameters?: readonly string[];
}

/** Collects patterns of a graph, and replaces all of them at once. */
export class Fusions {
  readonly #graph: Graph;
  readonly #seen: Unquantized;
  readonly #refuse: Refuse;
  readonly #replace = new Map<Node, readonly Node[]>();

  /** @param seen `graph` without FakeQuantize, in which the patterns are found */
  constructor(graph: Graph, seen: Unquantized, refuse: Refuse) {
    this.#graph = graph;
    this.#seen = seen;
    this.#refuse = refuse;
  }

  /**
   * Adds a pattern, unless one of its nodes belongs to another pattern, or an inner value is used elsewhere; the latter
   * is refused with a reason.
   * @returns whether it was added
   */
  add(match: Pattern, { opType, domain, attributes, label = opType, parameters = [] }: Replacement): boolean {
    const found = this.#seen.restored(match);
    const { x, root, nodes } = found;
    if ([...nodes].some((node) => this.#replace.has(node))) return false;
    const leaking = this.#seen.leakOf(found);
    if (leaking) {
      this.#refuse(
        root,
        `it ends a ${label} spelled out, but "${leaking.name}" inside of it is used elsewhere`,
      );
      return false;
    }
    const own = this.#seen.withoutShared(found);
    for (const node of own.nodes) this.#replace.set(node, []);
    const { name, outputs } = root;
    const body = this.#seen.bodyOf(own);
    this.#replace.set(root, [
      { name, opType, domain, inputs: [x, ...parameters], outputs, attributes, body },
    ]);
    return true;
  }

  /** The graph with one node in place of each pattern. */
  applied(): Graph {
    const replace = this.#replace;
    return replace.size === 0 ? this.#graph : edited(this.#graph, { replace });
  }
}
