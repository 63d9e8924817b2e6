/** What would be too large to write down is refused by the name of its node, before it is made where that can be known. */

import { UnexplainableError } from "./errors.ts";
import type { Node } from "./onnx/graph.ts";
import { OpenSize } from "./sure.ts";

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
 * @throws UnexplainableError naming the node, where JavaScript says that an array or a number of calls is out of its range, or
 *   where a size is open that must be known
 */
export function inRange<T>(node: Node, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof OpenSize)
      throw refusal(node, error.message, "declare that size as a number in the model");
    if (!(error instanceof RangeError)) throw error;
    throw tooLarge(node, `its sizes are beyond what can be computed with (${error.message})`);
  }
}

const tooLarge = (node: Node, why: string): UnexplainableError =>
  refusal(node, why, "export the model for a smaller input, or explain a layer behind this node: --layer");

const refusal = ({ opType, name }: Node, why: string, fix: string): UnexplainableError =>
  new UnexplainableError({ what: "cannot explain the model", where: `${opType} "${name}"`, why, fix });
