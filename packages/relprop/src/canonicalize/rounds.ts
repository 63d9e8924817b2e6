/**
 * The bound on "until nothing changes". Each rewrite takes something away that none puts back, so a graph settles after a
 * few rounds; only graphs inside of nodes may need more, one for each that the next one waits for.
 */

import { UnexplainableError } from "../errors.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Rewrite } from "./rewrite.ts";

/** Rounds in a row in which no graph inside of a node is written out. The networks that the tests hold settle within 9. */
export const maxRounds = 50;

/** What one rewrite did. */
export interface Change {
  readonly rewrite: Rewrite;
  readonly before: Graph;
  readonly after: Graph;
}

/** A node that a rewrite made or took away. */
function changedNode({ before, after }: Change): Node | undefined {
  const [old, made] = [new Set(before.nodes), new Set(after.nodes)];
  return after.nodes.find((node) => !old.has(node)) ?? before.nodes.find((node) => !made.has(node));
}

/** Counts the rounds of rewriting. */
export class Rounds {
  #count = 0;

  /**
   * Takes in what a round changed.
   * @throws UnexplainableError if the graph does not settle, naming the rewrites and the node of the last change
   */
  enter(changes: readonly Change[]): void {
    const writesOut = changes.some(({ rewrite }) => rewrite.takesAway === "what wraps others");
    this.#count = writesOut ? 0 : this.#count + 1;
    const last = changes.at(-1);
    if (!last || this.#count <= maxRounds) return;
    const node = changedNode(last);
    const names = [...new Set(changes.map(({ rewrite }) => rewrite.name))];
    throw new UnexplainableError({
      what: "cannot bring this model into canonical form",
      where: node ? `${node.opType} "${node.name}"` : `the constants of graph "${last.after.name}"`,
      why: `after ${maxRounds} rounds of rewriting it is still being changed by ${names.join(", ")}`,
      fix: "this is a fault of relprop, so please report it; a model simplified with onnxsim may settle",
    });
  }
}
