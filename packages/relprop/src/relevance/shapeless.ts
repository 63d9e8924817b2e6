/** Tracks the values without a shape through a graph, and the obstacles that cause this. */

import { readBy } from "../onnx/captures.ts";
import type { Node } from "../onnx/graph.ts";

/** Nodes have to be added in the graph's order. */
export class Shapeless {
  readonly #isKnown: (name: string) => boolean;
  /** Value -> name of the obstacle. */
  readonly #values = new Map<string, string>();
  readonly #nodes = new Map<string, string>();

  /** @param isKnown whether the shape of a value is known */
  constructor(isKnown: (name: string) => boolean) {
    this.#isKnown = isKnown;
  }

  /** An obstacle: what it gives without a shape is for it to answer. */
  stop(node: Node): void {
    this.#blame(node, node.name);
  }

  /** Another node. Gives whether an input has no shape because of an obstacle. */
  enter(node: Node): boolean {
    const cause = readBy(node)
      .map((name) => this.#values.get(name))
      .find((each) => each !== undefined);
    if (cause === undefined) return false;
    this.#nodes.set(node.name, cause);
    this.#blame(node, cause);
    return true;
  }

  /** The obstacle before a node. */
  cause(node: string): string | undefined {
    return this.#nodes.get(node);
  }

  #blame(node: Node, cause: string): void {
    for (const name of node.outputs) if (name !== "" && !this.#isKnown(name)) this.#values.set(name, cause);
  }
}
