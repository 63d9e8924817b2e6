/** What would be too large to write down is refused by the name of its node, before it is made where that can be known. */

import { UnexplainableError } from "./errors.ts";
import type { Node } from "./onnx/graph.ts";

/** 2²⁴ elements: 64 MB as float32. */
const mostElements = 2 ** 24;

/**
 * Checks the size of a constant that a node's explanation needs.
 * @param elements how many it has
 * @param what what they are, in the plural: `weights`
 * @throws UnexplainableError naming the node, if they are more than 2²⁴
 */
export function checkSize(node: Node, elements: number, what: string): void {
  if (elements > mostElements)
    throw tooLarge(node, `its explanation needs ${elements} ${what}, and ${mostElements} is the most`);
}

/**
 * Does a node's part of the work.
 * @throws UnexplainableError naming the node, where JavaScript says that an array or a number of calls is out of its range
 */
export function inRange<T>(node: Node, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooLarge(node, `its sizes are beyond what can be computed with (${error.message})`);
  }
}

const tooLarge = (node: Node, why: string): UnexplainableError =>
  new UnexplainableError({
    what: "cannot explain the model",
    where: `${node.opType} "${node.name}"`,
    why,
    fix: "export the model for a smaller input, or explain a layer behind this node: --layer",
  });
