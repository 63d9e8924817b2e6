/**
 * Limits the rounds of rewriting. Each rewrite removes something that no other puts back, so a graph settles after a few
 * rounds; only nested control flow takes more, since each level waits for the one around it.
 */

import { UnexplainableError } from "../errors.ts";
import type { Graph, Node } from "../onnx/graph.ts";
import type { Rewrite } from "./rewrite.ts";

/** Limit of rounds in a row that unwrap no control flow. The networks of the tests settle within 9. */
export const maxRounds = 50;

/** What one rewrite did. */
export interface Change {
  readonly rewrite: Rewrite;
  readonly before: Graph;
  readonly after: Graph;
}

/** A node that a rewrite added or removed. */
function changedNode({ before, after }: Change): Node | undefined {
  const [old, current] = [new Set(before.nodes), new Set(after.nodes)];
  return after.nodes.find((node) => !old.has(node)) ?? before.nodes.find((node) => !current.has(node));
}

/** Counts the rounds of rewriting. */
export class Rounds {
  #count = 0;

  /**
   * Counts a round by its changes.
   * @throws UnexplainableError if the graph does not settle, naming the rewrites and the node of the last change
   */
  enter(changes: readonly Change[]): void {
    const unwraps = changes.some(({ rewrite }) => rewrite.removes === "control flow");
    this.#count = unwraps ? 0 : this.#count + 1;
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
