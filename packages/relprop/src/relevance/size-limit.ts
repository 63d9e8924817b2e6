/** The most that is written into an explanation as constants for one node: what explodes is refused by name, before it is made. */

import { UnexplainableError } from "../errors.ts";
import type { Node } from "../onnx/graph.ts";

/** 2²⁴ elements: 64 MB as float32. */
const mostElements = 2 ** 24;

/**
 * Checks the size of a constant that a node's explanation needs.
 * @param elements how many it has
 * @param what what they are, in the plural: `weights`
 * @throws UnexplainableError naming the node, if they are more than 2²⁴
 */
export function checkSize(node: Node, elements: number, what: string): void {
  if (elements <= mostElements) return;
  throw new UnexplainableError({
    what: "cannot explain the model",
    where: `${node.opType} "${node.name}"`,
    why: `its explanation needs ${elements} ${what}, and ${mostElements} is the most`,
    fix: "export the model for a smaller input, or explain a layer behind this node: --layer",
  });
}
